// Kernels for NEON with dot products (ARMv8.2 with FEAT_DotProd: Cortex-A76, Neoverse N1, Apple M1
// and later). The bits are ref.cc's. The 16 partial sums of a float product are four registers.
#include "kernels/neon.h"

#include <arm_neon.h>
#include <float.h>
#include <stdint.h>
#include <string.h>

#include "kernels/neon_products.h"

namespace hearth {
namespace {

// All bits of the first n lanes; n may be negative or more than 4.
HEARTH_INLINE uint32x4_t FirstLanes(int64_t n) {
  constexpr int32_t kIndex[kLanes] = {0, 1, 2, 3};
  const int32_t clamped = n < 0 ? 0 : n > kLanes ? kLanes : static_cast<int32_t>(n);
  return vcgtq_s32(vdupq_n_s32(clamped), vld1q_s32(kIndex));
}

// The first n floats at p, at most 4; the other lanes are 0 and not read.
HEARTH_INLINE float32x4_t LoadFirst(const float* p, int64_t n) {
  if (n >= kLanes) return vld1q_f32(p);
  float v[kLanes] = {};
  if (n > 0) memcpy(v, p, static_cast<size_t>(n) * sizeof v[0]);
  return vld1q_f32(v);
}

HEARTH_INLINE void StoreFirst(float* p, int64_t n, float32x4_t v) {
  if (n >= kLanes) {
    vst1q_f32(p, v);
  } else if (n > 0) {
    float lane[kLanes];
    vst1q_f32(lane, v);
    memcpy(p, lane, static_cast<size_t>(n) * sizeof lane[0]);
  }
}

HEARTH_INLINE float HalfToFloat(uint16_t half) {
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}

// -------------------------------------------------------------------------------------------------
// Quantised rows and activations

template <TensorType kType>
HEARTH_INLINE void GroupRowsOf(const uint8_t* rows, size_t row_bytes, uint8_t* out) {
  constexpr BlockParts kParts = PartsOf(kType);
  const int64_t n_block = static_cast<int64_t>(row_bytes / BlockBytes(kType));
  PlainRows group;
  for (int64_t r = 0; r < kGroupRows; ++r) group.row[r] = rows + static_cast<size_t>(r) * row_bytes;
  for (int64_t b = 0; b < n_block; ++b) {
    for (int piece = 0; piece < kParts.n_piece; ++piece, out += 256) {
      for (int quad = 0; quad < kQuads; ++quad) {
        uint8x16_t column[4];
        Columns<kType>(group, b, piece, quad, column);
        for (int j = 0; j < 4; ++j) vst1q_u8(out + 64 * j + 16 * quad, column[j]);
      }
    }
  }
  for (int64_t b = 0; b < n_block; ++b) {
    for (int half = 0; half < kParts.n_half; ++half) {
      for (int r = 0; r < kGroupRows; ++r, out += 2) {
        const uint8_t* block = group.row[r] + static_cast<size_t>(b) * BlockBytes(kType);
        memcpy(out, block + kParts.half_at[half], 2);
      }
    }
  }
}

HEARTH_INLINE int16x8_t Narrow(int32x4_t a, int32x4_t b) {
  return vuzp1q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
}
HEARTH_INLINE int8x16_t Narrow(int16x8_t a, int16x8_t b) {
  return vuzp1q_s8(vreinterpretq_s8_s16(a), vreinterpretq_s8_s16(b));
}

}  // namespace

void neon::GroupRows(TensorType type, int64_t k, const void* rows, void* group) {
  const uint8_t* from = static_cast<const uint8_t*>(rows);
  uint8_t* to = static_cast<uint8_t*>(group);
  const size_t row_bytes = RowBytes(type, k);
  if (type == TensorType::kQ4_0) GroupRowsOf<TensorType::kQ4_0>(from, row_bytes, to);
  if (type == TensorType::kQ4_1) GroupRowsOf<TensorType::kQ4_1>(from, row_bytes, to);
  if (type == TensorType::kQ8_0) GroupRowsOf<TensorType::kQ8_0>(from, row_bytes, to);
  if (type == TensorType::kQ6_K) GroupRowsOf<TensorType::kQ6_K>(from, row_bytes, to);
}

void neon::MatmulRows(const MatrixView& w, const int32_t* rows, int64_t n_row, const Q8Rows& x,
                      float* y) {
  const uint8_t* data = static_cast<const uint8_t*>(w.data);
  const Tokens token = {x.q, x.d, x.offset, x.k / kQ8Block, 1};
  for (int64_t r = 0; r < n_row; r += kGroupRows) {
    PlainRows group;
    for (int64_t i = 0; i < kGroupRows; ++i) {
      const int64_t listed = r + i < n_row ? r + i : n_row - 1;
      group.row[i] = data + static_cast<size_t>(rows[listed]) * w.row_bytes;
    }
    MultiplyOneOf(w.type, group, token, {{0, n_row - r}, y + r, 0});
  }
}

void neon::QuantizeQ8(const float* x, int64_t n, int8_t* q, float* d, int32_t* offset) {
  constexpr int kRegisters = kQ8Block / kLanes;
  for (int64_t b = 0; b < n / kQ8Block; ++b) {
    float32x4_t v[kRegisters];
    uint32x4_t max = vdupq_n_u32(0);
    for (int i = 0; i < kRegisters; ++i) {
      v[i] = vld1q_f32(x + b * kQ8Block + i * kLanes);
      const uint32x4_t magnitude = vandq_u32(vreinterpretq_u32_f32(v[i]), vdupq_n_u32(0x7fffffff));
      max = vmaxq_u32(max, magnitude);
    }
    const float largest = vgetq_lane_f32(vreinterpretq_f32_u32(vdupq_n_u32(vmaxvq_u32(max))), 0);
    const float scale = largest / 127.0f;
    const float inverse = 1.0f / scale;
    const bool tiny = inverse > FLT_MAX;
    d[b] = tiny ? 0.0f : scale;
    // NaN compares false, so that only a finite scale keeps the lanes.
    const int32x4_t keep = vdupq_n_s32(!tiny && scale <= FLT_MAX ? -1 : 0);
    int32x4_t r[kRegisters];
    int32x4_t sum = vdupq_n_s32(0);
    for (int i = 0; i < kRegisters; ++i) {
      r[i] = vandq_s32(keep, vcvtnq_s32_f32(vmulq_n_f32(v[i], inverse)));
      sum = vaddq_s32(sum, r[i]);
    }
    offset[b] = -8 * vaddvq_s32(sum);
    for (int i = 0; i < kRegisters; i += 4) {
      vst1q_s8(q + b * kQ8Block + i * kLanes,
               Narrow(Narrow(r[i], r[i + 1]), Narrow(r[i + 2], r[i + 3])));
    }
  }
}

// -------------------------------------------------------------------------------------------------
// Dequantised rows

namespace {

// q as four registers of floats.
HEARTH_INLINE void BytesToFloats(int8x16_t q, float32x4_t* v) {
  const int16x8_t low = vmovl_s8(vget_low_s8(q));
  const int16x8_t high = vmovl_high_s8(q);
  v[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(low)));
  v[1] = vcvtq_f32_s32(vmovl_high_s16(low));
  v[2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(high)));
  v[3] = vcvtq_f32_s32(vmovl_high_s16(high));
}

// y[0..16) = scale * q.
HEARTH_INLINE void StoreScaled(int8x16_t q, float scale, float* y) {
  float32x4_t v[4];
  BytesToFloats(q, v);
  for (int i = 0; i < 4; ++i) vst1q_f32(y + kLanes * i, vmulq_n_f32(v[i], scale));
}

// y[0..16) = scale * q + offset in one rounding.
HEARTH_INLINE void StoreAffine(int8x16_t q, float scale, float offset, float* y) {
  float32x4_t v[4];
  BytesToFloats(q, v);
  for (int i = 0; i < 4; ++i)
    vst1q_f32(y + kLanes * i, vfmaq_n_f32(vdupq_n_f32(offset), v[i], scale));
}

HEARTH_INLINE int8x16_t LowNibbles(uint8x16_t v) {
  return vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(0xf)));
}
HEARTH_INLINE int8x16_t HighNibbles(uint8x16_t v) { return vreinterpretq_s8_u8(vshrq_n_u8(v, 4)); }

void DequantizeQ4_0(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w));
  const uint8x16_t bytes = vld1q_u8(w + 2);
  StoreScaled(vsubq_s8(LowNibbles(bytes), vdupq_n_s8(8)), d, y);
  StoreScaled(vsubq_s8(HighNibbles(bytes), vdupq_n_s8(8)), d, y + 16);
}

void DequantizeQ4_1(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w));
  const float m = HalfToFloat(Load16(w + 2));
  const uint8x16_t bytes = vld1q_u8(w + 4);
  StoreAffine(LowNibbles(bytes), d, m, y);
  StoreAffine(HighNibbles(bytes), d, m, y + 16);
}

void DequantizeQ8_0(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w));
  StoreScaled(vreinterpretq_s8_u8(vld1q_u8(w + 2)), d, y);
  StoreScaled(vreinterpretq_s8_u8(vld1q_u8(w + 18)), d, y + 16);
}

// Quarter kQuarter of 128 weights, which begin at y.
template <int kQuarter>
HEARTH_INLINE void DequantizeQ6KQuarter(const uint8_t* w, int half, float d, float* y) {
  for (int l = 0; l < 2; ++l) {  // 16 weights that share a scale
    const uint8x16_t ql = vld1q_u8(w + 16 * QlPiece(half, kQuarter, l));
    const uint8x16_t qh = vld1q_u8(w + 16 * QhPiece(half, l));
    const uint8x16_t q = vsubq_u8(SixBits<kQuarter>(ql, qh), vdupq_n_u8(32));
    const int8_t scale = static_cast<int8_t>(w[16 * kQ6KScalePiece + 8 * half + 2 * kQuarter + l]);
    StoreScaled(vreinterpretq_s8_u8(q), d * static_cast<float>(scale), y + 32 * kQuarter + 16 * l);
  }
}

void DequantizeQ6_K(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w + PartsOf(TensorType::kQ6_K).half_at[0]));
  for (int half = 0; half < 2; ++half, y += 128) {
    DequantizeQ6KQuarter<0>(w, half, d, y);
    DequantizeQ6KQuarter<1>(w, half, d, y);
    DequantizeQ6KQuarter<2>(w, half, d, y);
    DequantizeQ6KQuarter<3>(w, half, d, y);
  }
}

// -------------------------------------------------------------------------------------------------
// Float products

// 16 weights of a row from weight i on; and the first n, at most 4, the other lanes 0 and not read.
struct F32 {
  static HEARTH_INLINE void Load(const uint8_t* row, int64_t i, float32x4_t* v) {
    for (int r = 0; r < 4; ++r) v[r] = vreinterpretq_f32_u8(vld1q_u8(row + 4 * i + 16 * r));
  }
  static HEARTH_INLINE float32x4_t LoadFirst(const uint8_t* row, int64_t i, int64_t n) {
    float v[kLanes] = {};
    if (n > 0) memcpy(v, row + 4 * i, 4 * static_cast<size_t>(n < kLanes ? n : kLanes));
    return vld1q_f32(v);
  }
};

HEARTH_INLINE uint16x4_t LoadFirst16(const uint8_t* p, int64_t n) {
  uint16_t v[kLanes] = {};
  if (n > 0) memcpy(v, p, 2 * static_cast<size_t>(n < kLanes ? n : kLanes));
  return vld1_u16(v);
}

struct F16 {
  static HEARTH_INLINE void Load(const uint8_t* row, int64_t i, float32x4_t* v) {
    for (int r = 0; r < 4; r += 2) {
      const float16x8_t halves = vreinterpretq_f16_u8(vld1q_u8(row + 2 * i + 8 * r));
      v[r] = vcvt_f32_f16(vget_low_f16(halves));
      v[r + 1] = vcvt_high_f32_f16(halves);
    }
  }
  static HEARTH_INLINE float32x4_t LoadFirst(const uint8_t* row, int64_t i, int64_t n) {
    return vcvt_f32_f16(vreinterpret_f16_u16(LoadFirst16(row + 2 * i, n)));
  }
};

struct BF16 {
  static HEARTH_INLINE void Load(const uint8_t* row, int64_t i, float32x4_t* v) {
    for (int r = 0; r < 4; r += 2) {
      const uint16x8_t bits = vreinterpretq_u16_u8(vld1q_u8(row + 2 * i + 8 * r));
      v[r] = vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(bits), 16));
      v[r + 1] = vreinterpretq_f32_u32(vshll_high_n_u16(bits, 16));
    }
  }
  static HEARTH_INLINE float32x4_t LoadFirst(const uint8_t* row, int64_t i, int64_t n) {
    return vreinterpretq_f32_u32(vshll_n_u16(LoadFirst16(row + 2 * i, n), 16));
  }
};

constexpr int kSums = 16;  // partial sums of a float product

HEARTH_INLINE void Clear(float32x4_t* sums) {
  for (int r = 0; r < 4; ++r) sums[r] = vdupq_n_f32(0.0f);
}

HEARTH_INLINE float Reduce16(const float32x4_t* s) {
  const float32x4_t s4 = vaddq_f32(vaddq_f32(s[0], s[2]), vaddq_f32(s[1], s[3]));
  const float32x2_t s2 = vadd_f32(vget_low_f32(s4), vget_high_f32(s4));
  return vget_lane_f32(vpadd_f32(s2, s2), 0);
}

// Vectors of floats, `stride` apart.
struct Vectors {
  const float* x;
  int64_t stride;
};

// Dot products of kRows rows with kVectors vectors. About 16 registers of sums: enough chains to
// hide the latency of fma, and the rest for what is multiplied.
template <class Format, int kRows, int kVectors>
HEARTH_INLINE void DotProducts(const uint8_t* const* rows, Vectors x, int64_t n,
                               float (*sum)[kVectors]) {
  float32x4_t acc[kRows][kVectors][4];
  for (int row = 0; row < kRows; ++row) {
    for (int t = 0; t < kVectors; ++t) Clear(acc[row][t]);
  }
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    float32x4_t w[kRows][4];
    for (int row = 0; row < kRows; ++row) Format::Load(rows[row], i, w[row]);
    for (int t = 0; t < kVectors; ++t) {
      for (int r = 0; r < 4; ++r) {
        const float32x4_t v = vld1q_f32(x.x + t * x.stride + i + kLanes * r);
        for (int row = 0; row < kRows; ++row)
          acc[row][t][r] = vfmaq_f32(acc[row][t][r], w[row][r], v);
      }
    }
  }
  for (int r = 0; r < 4 && i + kLanes * r < n; ++r) {
    const int64_t at = i + kLanes * r;
    const uint32x4_t in = FirstLanes(n - at);
    for (int row = 0; row < kRows; ++row) {
      const float32x4_t w = Format::LoadFirst(rows[row], at, n - at);
      for (int t = 0; t < kVectors; ++t) {
        // Selected: fma(0, 0, -0) would be +0.
        const float32x4_t v = LoadFirst(x.x + t * x.stride + at, n - at);
        acc[row][t][r] = vbslq_f32(in, vfmaq_f32(acc[row][t][r], w, v), acc[row][t][r]);
      }
    }
  }
  for (int row = 0; row < kRows; ++row) {
    for (int t = 0; t < kVectors; ++t) sum[row][t] = Reduce16(acc[row][t]);
  }
}

constexpr int kRowTile = 4;     // rows whose vectors are looked at together
constexpr int kVectorTile = 4;  // vectors that share a row's conversion to float

// y[t*y_stride + i] = rows[i] . x[t] for t < kVectors; of the rows n_row differ, the others are the
// last again.
template <class Format, int kVectors>
void MultiplyTile(const uint8_t* const* rows, int64_t n_row, Vectors x, int64_t n, float* y,
                  int64_t y_stride) {
  constexpr int kRows = kVectors == 1 ? 4 : kVectors == 2 ? 2 : 1;
  for (int64_t i = 0; i < n_row; i += kRows) {
    float sum[kRows][kVectors];
    DotProducts<Format, kRows, kVectors>(rows + i, x, n, sum);
    for (int64_t row = 0; row < kRows && i + row < n_row; ++row) {
      for (int t = 0; t < kVectors; ++t) y[t * y_stride + i + row] = sum[row][t];
    }
  }
}

// y[t*y_stride + r] = row r . x[t].
template <class Format>
void Multiply(const uint8_t* data, size_t row_bytes, int64_t n_row, Vectors x, int64_t n_vector,
              int64_t n, float* y, int64_t y_stride) {
  for (int64_t r = 0; r < n_row; r += kRowTile) {
    const uint8_t* rows[kRowTile];
    for (int64_t i = 0; i < kRowTile; ++i)
      rows[i] = data + static_cast<size_t>(r + i < n_row ? r + i : n_row - 1) * row_bytes;
    const int64_t n_here = n_row - r < kRowTile ? n_row - r : kRowTile;
    for (int64_t t = 0; t < n_vector; t += kVectorTile) {
      const Vectors tile = {x.x + t * x.stride, x.stride};
      float* tile_y = y + t * y_stride + r;
      switch (n_vector - t) {
        case 1:
          MultiplyTile<Format, 1>(rows, n_here, tile, n, tile_y, y_stride);
          break;
        case 2:
          MultiplyTile<Format, 2>(rows, n_here, tile, n, tile_y, y_stride);
          break;
        case 3:
          MultiplyTile<Format, 3>(rows, n_here, tile, n, tile_y, y_stride);
          break;
        default:
          MultiplyTile<Format, kVectorTile>(rows, n_here, tile, n, tile_y, y_stride);
      }
    }
  }
}

template <class Format>
HEARTH_INLINE void ConvertRow(const uint8_t* row, int64_t n, float* y) {
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    float32x4_t v[4];
    Format::Load(row, i, v);
    for (int r = 0; r < 4; ++r) vst1q_f32(y + i + kLanes * r, v[r]);
  }
  for (; i < n; i += kLanes) StoreFirst(y + i, n - i, Format::LoadFirst(row, i, n - i));
}

}  // namespace

void neon::MatmulF(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
                   int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride) {
  const uint8_t* rows =
      static_cast<const uint8_t*>(w.data) + static_cast<size_t>(row_begin) * w.row_bytes;
  const int64_t n_row = row_end - row_begin;
  const Vectors tokens = {x, x_stride};
  y += row_begin;
  if (w.type == TensorType::kF32)
    Multiply<F32>(rows, w.row_bytes, n_row, tokens, n_tokens, w.k, y, y_stride);
  if (w.type == TensorType::kF16)
    Multiply<F16>(rows, w.row_bytes, n_row, tokens, n_tokens, w.k, y, y_stride);
  if (w.type == TensorType::kBF16)
    Multiply<BF16>(rows, w.row_bytes, n_row, tokens, n_tokens, w.k, y, y_stride);
}

void neon::DequantizeRow(TensorType type, const void* row, int64_t n, float* y) {
  const uint8_t* w = static_cast<const uint8_t*>(row);
  switch (type) {
    case TensorType::kF32:
      return ConvertRow<F32>(w, n, y);
    case TensorType::kF16:
      return ConvertRow<F16>(w, n, y);
    case TensorType::kBF16:
      return ConvertRow<BF16>(w, n, y);
    case TensorType::kQ4_0:
      for (int64_t i = 0; i < n; i += kQ8Block, w += kQ4_0Bytes) DequantizeQ4_0(w, y + i);
      return;
    case TensorType::kQ4_1:
      for (int64_t i = 0; i < n; i += kQ8Block, w += kQ4_1Bytes) DequantizeQ4_1(w, y + i);
      return;
    case TensorType::kQ8_0:
      for (int64_t i = 0; i < n; i += kQ8Block, w += kQ8_0Bytes) DequantizeQ8_0(w, y + i);
      return;
    case TensorType::kQ6_K:
      for (int64_t i = 0; i < n; i += kQ6KBlock, w += kQ6KBytes) DequantizeQ6_K(w, y + i);
      return;
  }
}

// -------------------------------------------------------------------------------------------------
// Functions of vectors

void neon::RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y) {
  const uint8_t* row = reinterpret_cast<const uint8_t*>(x);
  float sum[1][1];
  DotProducts<F32, 1, 1>(&row, {x, 0}, n, sum);
  const float mean = sum[0][0] / static_cast<float>(n);
  const float scale = 1.0f / vget_lane_f32(vsqrt_f32(vdup_n_f32(mean + eps)), 0);
  for (int64_t i = 0; i < n; i += kLanes) {
    const float32x4_t scaled = vmulq_n_f32(LoadFirst(x + i, n - i), scale);
    StoreFirst(y + i, n - i, vmulq_f32(scaled, LoadFirst(weight + i, n - i)));
  }
}

void neon::Rope(float* v, const float* cos, const float* sin, int64_t n) {
  const int64_t half = n / 2;
  for (int64_t i = 0; i < half; i += kLanes) {
    const int64_t rest = half - i;
    const float32x4_t a = LoadFirst(v + i, rest);
    const float32x4_t b = LoadFirst(v + i + half, rest);
    const float32x4_t c = LoadFirst(cos + i, rest);
    const float32x4_t s = LoadFirst(sin + i, rest);
    StoreFirst(v + i, rest, vfmaq_f32(vnegq_f32(vmulq_f32(b, s)), a, c));
    StoreFirst(v + i + half, rest, vfmaq_f32(vmulq_f32(a, s), b, c));
  }
}

void neon::ReluMul(const float* gate, const float* up, int64_t n, float* out) {
  // What is below 0, as integers: Clang makes fmax of a comparison with 0, which gives +0 for -0.
  constexpr uint32_t kFirst = 0x80000001;  // -1e-45, the bits behind -0
  constexpr uint32_t kLast = 0xff800000;   // -infinity
  for (int64_t i = 0; i < n; i += kLanes) {
    const uint32x4_t g = vreinterpretq_u32_f32(LoadFirst(gate + i, n - i));
    const uint32x4_t negative =
        vcleq_u32(vsubq_u32(g, vdupq_n_u32(kFirst)), vdupq_n_u32(kLast - kFirst));
    const float32x4_t kept = vreinterpretq_f32_u32(vbicq_u32(g, negative));
    StoreFirst(out + i, n - i, vmulq_f32(kept, LoadFirst(up + i, n - i)));
  }
}

void neon::Add(const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes)
    StoreFirst(y + i, n - i, vaddq_f32(LoadFirst(y + i, n - i), LoadFirst(x + i, n - i)));
}

void neon::Axpy(float a, const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes)
    StoreFirst(y + i, n - i, vfmaq_n_f32(LoadFirst(y + i, n - i), LoadFirst(x + i, n - i), a));
}

void neon::ToF16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const uint16x4_t half = vreinterpret_u16_f16(vcvt_f16_f32(LoadFirst(x + i, n - i)));
    if (n - i >= kLanes) {
      vst1_u16(y + i, half);
    } else {
      uint16_t lane[kLanes];
      vst1_u16(lane, half);
      memcpy(y + i, lane, static_cast<size_t>(n - i) * sizeof lane[0]);
    }
  }
}

void neon::FromF16(const uint16_t* x, int64_t n, float* y) {
  ConvertRow<F16>(reinterpret_cast<const uint8_t*>(x), n, y);
}

// -------------------------------------------------------------------------------------------------
// Attention

namespace {

// x <= 0 or NaN in each lane.
HEARTH_INLINE float32x4_t Exp(float32x4_t x) {
  const float32x4_t n = vrndnq_f32(vmulq_n_f32(x, kLog2E));
  float32x4_t r = vfmaq_n_f32(x, n, -kLn2Hi);
  r = vfmaq_n_f32(r, n, -kLn2Lo);
  float32x4_t p = vdupq_n_f32(kExpC6);
  p = vfmaq_f32(vdupq_n_f32(kExpC5), p, r);
  p = vfmaq_f32(vdupq_n_f32(kExpC4), p, r);
  p = vfmaq_f32(vdupq_n_f32(kExpC3), p, r);
  p = vfmaq_f32(vdupq_n_f32(kExpC2), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
  // Unsigned: lanes behind the end may hold a float of any size.
  const uint32x4_t exponent = vreinterpretq_u32_s32(vcvtq_s32_f32(n));
  const uint32x4_t power = vshlq_n_u32(vaddq_u32(exponent, vdupq_n_u32(127)), 23);
  const uint32x4_t e = vreinterpretq_u32_f32(vmulq_f32(p, vreinterpretq_f32_u32(power)));
  return vreinterpretq_f32_u32(vbicq_u32(e, vcltq_f32(x, vdupq_n_f32(kExpMin))));  // NaN is kept
}

HEARTH_INLINE float32x4_t LargerNotNan(float32x4_t v, float32x4_t max) {
  return vbslq_f32(vcgtq_f32(v, max), v, max);  // fmaxnm would take a signalling NaN for a number
}

// The largest of n that is not NaN, else -infinity. A maximum may be taken in any order.
HEARTH_INLINE float Max(const float* x, int64_t n) {
  const float32x4_t lowest = vreinterpretq_f32_u32(vdupq_n_u32(0xff800000));
  float32x4_t max[4] = {lowest, lowest, lowest, lowest};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int r = 0; r < 4; ++r) max[r] = LargerNotNan(vld1q_f32(x + i + kLanes * r), max[r]);
  }
  for (; i < n; i += kLanes) {
    const float32x4_t v = vbslq_f32(FirstLanes(n - i), LoadFirst(x + i, n - i), lowest);
    max[0] = LargerNotNan(v, max[0]);
  }
  return vmaxvq_f32(vmaxq_f32(vmaxq_f32(max[0], max[1]), vmaxq_f32(max[2], max[3])));
}

// The weights of queries and their sums, so far apart.
struct Queries {
  const float* p;
  int64_t p_stride;
  float* sum;
  int64_t sum_stride;
};

// Adds the weighted values to the sums of kQueries queries, 16*kSixteens elements.
template <int kQueries, int kSixteens>
HEARTH_INLINE void WeightedSum(Queries query, const uint16_t* v, int64_t v_stride, int64_t n_key) {
  float32x4_t acc[kQueries][4 * kSixteens];
  for (int h = 0; h < kQueries; ++h) {
    for (int r = 0; r < 4 * kSixteens; ++r)
      acc[h][r] = vld1q_f32(query.sum + h * query.sum_stride + kLanes * r);
  }
  for (int64_t j = 0; j < n_key; ++j) {
    float32x4_t value[4 * kSixteens];
    for (int i = 0; i < kSixteens; ++i)
      F16::Load(reinterpret_cast<const uint8_t*>(v + j * v_stride), kSums * i, value + 4 * i);
    for (int h = 0; h < kQueries; ++h) {
      const float32x4_t p = vld1q_dup_f32(query.p + h * query.p_stride + j);
      for (int r = 0; r < 4 * kSixteens; ++r) acc[h][r] = vfmaq_f32(acc[h][r], p, value[r]);
    }
  }
  for (int h = 0; h < kQueries; ++h) {
    for (int r = 0; r < 4 * kSixteens; ++r)
      vst1q_f32(query.sum + h * query.sum_stride + kLanes * r, acc[h][r]);
  }
}

// The last elements of one query's sums, fewer than 16.
HEARTH_INLINE void WeightedSumOfLast(Queries query, const uint16_t* v, int64_t v_stride,
                                     int64_t n_key, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) {
    float32x4_t acc = LoadFirst(query.sum + i, n - i);
    for (int64_t j = 0; j < n_key; ++j) {
      const uint8_t* value = reinterpret_cast<const uint8_t*>(v + j * v_stride);
      acc = vfmaq_n_f32(acc, F16::LoadFirst(value, i, n - i), query.p[j]);
    }
    StoreFirst(query.sum + i, n - i, acc);
  }
}

template <int kQueries>
void AddValues(Queries query, const uint16_t* v, int64_t v_stride, int64_t n_key,
               int64_t head_dim) {
  constexpr int kSixteens = kQueries == 1 ? 4 : kQueries == 2 ? 2 : 1;  // 12 or 16 chains of fma
  const auto at = [&](int64_t h, int64_t i) {
    return Queries{query.p + h * query.p_stride, query.p_stride,
                   query.sum + h * query.sum_stride + i, query.sum_stride};
  };
  int64_t i = 0;
  for (; i + kSums * kSixteens <= head_dim; i += kSums * kSixteens)
    WeightedSum<kQueries, kSixteens>(at(0, i), v + i, v_stride, n_key);
  for (; i + kSums <= head_dim; i += kSums)
    WeightedSum<kQueries, 1>(at(0, i), v + i, v_stride, n_key);
  for (int64_t h = 0; h < kQueries && i < head_dim; ++h)
    WeightedSumOfLast(at(h, i), v + i, v_stride, n_key, head_dim - i);
}

}  // namespace

void neon::AttentionScores(const float* q, int64_t n_query, int64_t q_stride, const uint16_t* k,
                           int64_t k_stride, int64_t n_key, int64_t head_dim, float scale,
                           float* scores, int64_t score_stride) {
  Multiply<F16>(reinterpret_cast<const uint8_t*>(k), static_cast<size_t>(k_stride) * sizeof *k,
                n_key, {q, q_stride}, n_query, head_dim, scores, score_stride);
  for (int64_t h = 0; h < n_query; ++h) {
    float* s = scores + h * score_stride;
    for (int64_t j = 0; j < n_key; j += kLanes)
      StoreFirst(s + j, n_key - j, vmulq_n_f32(LoadFirst(s + j, n_key - j), scale));
  }
}

float neon::Softmax(float* s, int64_t n) {
  const float32x4_t max = vdupq_n_f32(Max(s, n));
  float32x4_t sum[4];
  Clear(sum);
  int64_t j = 0;
  for (; j + kSums <= n; j += kSums) {
    for (int r = 0; r < 4; ++r) {
      const float32x4_t p = Exp(vsubq_f32(vld1q_f32(s + j + kLanes * r), max));
      vst1q_f32(s + j + kLanes * r, p);
      sum[r] = vaddq_f32(sum[r], p);
    }
  }
  for (int r = 0; r < 4 && j < n; ++r, j += kLanes) {
    const uint32x4_t p = vreinterpretq_u32_f32(Exp(vsubq_f32(LoadFirst(s + j, n - j), max)));
    StoreFirst(s + j, n - j, vreinterpretq_f32_u32(p));
    sum[r] = vaddq_f32(sum[r], vreinterpretq_f32_u32(vandq_u32(p, FirstLanes(n - j))));
  }
  return Reduce16(sum);
}

void neon::AttentionValues(const float* p, int64_t n_query, int64_t p_stride, const uint16_t* v,
                           int64_t v_stride, int64_t n_key, int64_t head_dim, float* sum,
                           int64_t sum_stride) {
  for (int64_t h = 0; h < n_query; h += kVectorTile) {
    const Queries query = {p + h * p_stride, p_stride, sum + h * sum_stride, sum_stride};
    switch (n_query - h) {
      case 1:
        AddValues<1>(query, v, v_stride, n_key, head_dim);
        break;
      case 2:
        AddValues<2>(query, v, v_stride, n_key, head_dim);
        break;
      case 3:
        AddValues<3>(query, v, v_stride, n_key, head_dim);
        break;
      default:
        AddValues<kVectorTile>(query, v, v_stride, n_key, head_dim);
    }
  }
}

// -------------------------------------------------------------------------------------------------
// Logits

bool neon::AllFinite(const float* x, int64_t n) {
  const uint32x4_t exponent = vdupq_n_u32(0x7f800000);
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    uint32x4_t bad = vdupq_n_u32(0);
    for (int r = 0; r < 4; ++r) {
      const uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(x + i + kLanes * r));
      bad = vorrq_u32(bad, vceqq_u32(vandq_u32(bits, exponent), exponent));
    }
    if (vmaxvq_u32(bad) != 0) return false;
  }
  for (; i < n; i += kLanes) {
    const uint32x4_t bits = vreinterpretq_u32_f32(LoadFirst(x + i, n - i));
    if (vmaxvq_u32(vceqq_u32(vandq_u32(bits, exponent), exponent)) != 0) return false;
  }
  return true;
}

int64_t neon::Argmax(const float* x, int64_t n) {
  const float max = Max(x, n);
  for (int64_t i = 0; i < n; i += kLanes) {
    const uint32x4_t equal = vceqq_f32(LoadFirst(x + i, n - i), vdupq_n_f32(max));
    if (vmaxvq_u32(vandq_u32(equal, FirstLanes(n - i))) == 0) continue;
    while (x[i] != max) ++i;
    return i;
  }
  return 0;  // all are NaN
}

constinit const Kernels kNeonDotprodKernels = neon::TableOf("neon-dotprod", MatmulQ<OneToken>);

}  // namespace hearth
