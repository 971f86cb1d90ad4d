// Kernels for AVX-512 F/BW/DQ/VL with VNNI (Ice Lake, Zen 4 and later). The bits are ref.cc's.
//
// Quantised products work on groups of 16 rows, one row a lane: the group's weights are transposed
// four bytes at a time as they are unpacked, so that a register holds the same four columns of 16
// rows, and vpdpbusd adds their products with the four activations to one integer a row. No sum
// crosses lanes, and the one fma a block that ref.cc prescribes is one vector fma. Further tokens
// use the unpacked weights again.
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "kernels/block.h"
#include "kernels/kernels.h"

// The unpacked weights of a block live in registers only where their producer and consumer are one
// function.
#ifdef _MSC_VER
#define HEARTH_INLINE __forceinline
#else
#define HEARTH_INLINE inline __attribute__((always_inline))
#endif

namespace hearth {
namespace {

constexpr int kLanes = 16;   // floats of a register, rows of a group
constexpr int kTokens = 32;  // tokens whose sums are kept while a group is multiplied: 2 KiB

HEARTH_INLINE uint16_t Load16(const uint8_t* p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

HEARTH_INLINE __m128i Load128(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}

// The first n lanes; all for n >= 16.
HEARTH_INLINE __mmask16 FirstLanes(int64_t n) {
  return static_cast<__mmask16>(n >= kLanes ? 0xffffu : (1u << n) - 1);
}

HEARTH_INLINE float HalfToFloat(uint16_t half) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

// -------------------------------------------------------------------------------------------------
// Quantised products

// Rows of a whole group, and of the last one, which repeats its last row in the lanes that are not
// stored.
struct WholeGroup {
  const uint8_t* first;
  size_t row_bytes;
  HEARTH_INLINE const uint8_t* Row(int i) const {
    return first + static_cast<size_t>(i) * row_bytes;
  }
  // Asks for what the next group will want when it is at `offset`, so that 16 short streams read
  // memory like one. A prefetch past the end of the matrix does nothing.
  HEARTH_INLINE void PrefetchNext(size_t offset, size_t bytes) const {
    const uint8_t* p = first + kLanes * (row_bytes + offset);
    for (size_t i = 0; i < kLanes * bytes; i += 64)
      _mm_prefetch(reinterpret_cast<const char*>(p + i), _MM_HINT_T0);
  }
};
struct PartGroup {
  const uint8_t* row[kLanes];
  HEARTH_INLINE const uint8_t* Row(int i) const { return row[i]; }
  HEARTH_INLINE void PrefetchNext(size_t, size_t) const {}
};

template <class Group>
HEARTH_INLINE __m512i LoadRows(const Group& group, int i, size_t offset) {
  __m512i v = _mm512_castsi128_si512(Load128(group.Row(i) + offset));
  v = _mm512_inserti32x4(v, Load128(group.Row(i + 4) + offset), 1);
  v = _mm512_inserti32x4(v, Load128(group.Row(i + 8) + offset), 2);
  return _mm512_inserti32x4(v, Load128(group.Row(i + 12) + offset), 3);
}

// Bytes offset..offset+15 of 16 rows: lane r of column[j] holds bytes 4j..4j+3 of row r.
template <class Group>
HEARTH_INLINE void LoadColumns(const Group& group, size_t offset, __m512i* column) {
  const __m512i a = LoadRows(group, 0, offset);
  const __m512i b = LoadRows(group, 1, offset);
  const __m512i c = LoadRows(group, 2, offset);
  const __m512i d = LoadRows(group, 3, offset);
  const __m512i ab_low = _mm512_unpacklo_epi32(a, b);
  const __m512i ab_high = _mm512_unpackhi_epi32(a, b);
  const __m512i cd_low = _mm512_unpacklo_epi32(c, d);
  const __m512i cd_high = _mm512_unpackhi_epi32(c, d);
  column[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
  column[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
  column[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
  column[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

template <class Group>
HEARTH_INLINE __m128i LoadHalves8(const Group& group, int i, size_t offset) {
  __m128i v = _mm_cvtsi32_si128(Load16(group.Row(i) + offset));
  v = _mm_insert_epi16(v, Load16(group.Row(i + 1) + offset), 1);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 2) + offset), 2);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 3) + offset), 3);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 4) + offset), 4);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 5) + offset), 5);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 6) + offset), 6);
  return _mm_insert_epi16(v, Load16(group.Row(i + 7) + offset), 7);
}

// The half float at `offset` of 16 rows.
template <class Group>
HEARTH_INLINE __m512 LoadHalves(const Group& group, size_t offset) {
  return _mm512_cvtph_ps(_mm256_inserti128_si256(
      _mm256_castsi128_si256(LoadHalves8(group, 0, offset)), LoadHalves8(group, 8, offset), 1));
}

// Four activations in every lane.
HEARTH_INLINE __m512i Broadcast4(const int8_t* q) {
  int32_t v;
  memcpy(&v, q, sizeof v);
  return _mm512_set1_epi32(v);
}

// Adds 16 columns' products to sum; w are unsigned bytes.
HEARTH_INLINE __m512i Dot16(__m512i sum, const __m512i* w, const int8_t* q) {
  sum = _mm512_dpbusd_epi32(sum, w[0], Broadcast4(q));
  sum = _mm512_dpbusd_epi32(sum, w[1], Broadcast4(q + 4));
  sum = _mm512_dpbusd_epi32(sum, w[2], Broadcast4(q + 8));
  return _mm512_dpbusd_epi32(sum, w[3], Broadcast4(q + 12));
}

// Two chains of four, since each link waits five cycles for the one before.
HEARTH_INLINE __m512i Dot32(const __m512i* w, const int8_t* q) {
  return _mm512_add_epi32(Dot16(_mm512_setzero_si512(), w, q),
                          Dot16(_mm512_setzero_si512(), w + 4, q + 16));
}

template <class Group>
HEARTH_INLINE void LoadNibbles(const Group& group, size_t offset, __m512i* w) {
  const __m512i mask = _mm512_set1_epi8(0xf);
  __m512i column[4];
  LoadColumns(group, offset, column);
  for (int j = 0; j < 4; ++j) {
    w[j] = _mm512_and_si512(column[j], mask);
    w[j + 4] = _mm512_and_si512(_mm512_srli_epi16(column[j], 4), mask);
  }
}

// A format: a block of 16 rows unpacked, and its product with 32 activations added to acc.

struct Q4_0 {
  static constexpr size_t kBytes = kQ4_0Bytes;
  __m512i w[8];  // nibbles; the -8 is taken out of the sum
  __m512 d;

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, size_t offset) {
    LoadNibbles(group, offset + 2, w);
    d = LoadHalves(group, offset);
  }
  HEARTH_INLINE __m512 Add(const int8_t* q, float dx, int32_t sum, __m512 acc) const {
    const __m512i dot = _mm512_sub_epi32(Dot32(w, q), _mm512_slli_epi32(_mm512_set1_epi32(sum), 3));
    return _mm512_fmadd_ps(_mm512_mul_ps(d, _mm512_set1_ps(dx)), _mm512_cvtepi32_ps(dot), acc);
  }
};

struct Q4_1 {
  static constexpr size_t kBytes = kQ4_1Bytes;
  __m512i w[8];
  __m512 d;
  __m512 m;

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, size_t offset) {
    LoadNibbles(group, offset + 4, w);
    d = LoadHalves(group, offset);
    m = LoadHalves(group, offset + 2);
  }
  HEARTH_INLINE __m512 Add(const int8_t* q, float dx, int32_t sum, __m512 acc) const {
    const __m512 scale = _mm512_set1_ps(dx);
    acc = _mm512_fmadd_ps(_mm512_mul_ps(d, scale), _mm512_cvtepi32_ps(Dot32(w, q)), acc);
    return _mm512_fmadd_ps(_mm512_mul_ps(m, scale), _mm512_set1_ps(static_cast<float>(sum)), acc);
  }
};

struct Q8_0 {
  static constexpr size_t kBytes = kQ8_0Bytes;
  __m512i w[8];  // weight + 128, unsigned; the 128 is taken out of the sum
  __m512 d;

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, size_t offset) {
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
    LoadColumns(group, offset + 2, w);
    LoadColumns(group, offset + 18, w + 4);
    for (int j = 0; j < 8; ++j) w[j] = _mm512_xor_si512(w[j], flip);
    d = LoadHalves(group, offset);
  }
  HEARTH_INLINE __m512 Add(const int8_t* q, float dx, int32_t sum, __m512 acc) const {
    const __m512i dot = _mm512_sub_epi32(Dot32(w, q), _mm512_slli_epi32(_mm512_set1_epi32(sum), 7));
    return _mm512_fmadd_ps(_mm512_mul_ps(d, _mm512_set1_ps(dx)), _mm512_cvtepi32_ps(dot), acc);
  }
};

HEARTH_INLINE void Clear(__m512* acc, int64_t n) {
  for (int64_t t = 0; t < n; ++t) acc[t] = _mm512_setzero_ps();
}

// y[t*y_stride + lane] = acc[t] for the lanes of mask.
HEARTH_INLINE void StoreRows(const __m512* acc, int64_t n, __mmask16 mask, float* y,
                             int64_t y_stride) {
  for (int64_t t = 0; t < n; ++t) _mm512_mask_storeu_ps(y + t * y_stride, mask, acc[t]);
}

// One group of rows times n_tokens rows of x; kFixed is n_tokens where that is known, else 0.
template <class Format, int kFixed, class Group>
void MultiplyGroup(const Group& group, __mmask16 mask, const Q8Rows& x, int64_t n_tokens, float* y,
                   int64_t y_stride) {
  const int64_t n = kFixed > 0 ? kFixed : n_tokens;
  const int64_t n_block = x.k / kQ8Block;
  __m512 acc[kFixed > 0 ? kFixed : kTokens];
  Clear(acc, n);
  for (int64_t b = 0; b < n_block; ++b) {
    if constexpr (kFixed == 1)
      group.PrefetchNext(static_cast<size_t>(b) * Format::kBytes, Format::kBytes);
    Format block;
    block.Load(group, static_cast<size_t>(b) * Format::kBytes);
    for (int64_t t = 0; t < n; ++t) {
      const int64_t xb = t * n_block + b;
      acc[t] = block.Add(x.q + xb * kQ8Block, x.d[xb], x.sum[xb], acc[t]);
    }
  }
  StoreRows(acc, n, mask, y, y_stride);
}

// Q6_K: super-blocks of eight 32-blocks. Weights stay 0..63 and 32 times the sum of the activations
// is taken out, a half of 16 at a time. Scaled in float all the same: |sum| <= 16*32*127, times
// |scale| <= 128, twice, is below 2^24.

// 32 * the sum of each 16 of 256 activations; the sum of 16*g.. is at 4*(g%4) + g/4.
HEARTH_INLINE void SumHalves(const int8_t* q, int32_t* sums) {
  const __m512i w = _mm512_set1_epi8(32);
  const __m512i zero = _mm512_setzero_si512();
  const __m512i a = _mm512_dpbusd_epi32(zero, w, _mm512_loadu_si512(q));
  const __m512i b = _mm512_dpbusd_epi32(zero, w, _mm512_loadu_si512(q + 64));
  const __m512i c = _mm512_dpbusd_epi32(zero, w, _mm512_loadu_si512(q + 128));
  const __m512i d = _mm512_dpbusd_epi32(zero, w, _mm512_loadu_si512(q + 192));
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  _mm512_storeu_si512(
      sums, _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd)));
}

// Byte kByte of each lane, sign-extended.
template <int kByte>
HEARTH_INLINE __m512 ByteToFloat(__m512i v) {
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(v, 24 - 8 * kByte), 24));
}

// Half a super-block (128 weights) of 16 rows.
struct Q6KHalf {
  __m512i ql[16];
  __m512i qh[8];
  __m512i scales[2];  // of this half: two bytes a quarter
  __m512 d;
  int half;

  template <int kQuarter>
  HEARTH_INLINE void Unpack(__m512i* w) const {
    const __m512i low_mask = _mm512_set1_epi8(0x0f);
    const __m512i high_mask = _mm512_set1_epi8(0x30);
    for (int j = 0; j < 8; ++j) {
      __m512i low = ql[8 * (kQuarter & 1) + j];
      if constexpr (kQuarter >= 2) low = _mm512_srli_epi16(low, 4);
      __m512i high = qh[j];
      if constexpr (kQuarter < 2) high = _mm512_slli_epi16(high, 4 - 2 * kQuarter);
      if constexpr (kQuarter == 3) high = _mm512_srli_epi16(high, 2);
      w[j] = _mm512_or_si512(_mm512_and_si512(low, low_mask), _mm512_and_si512(high, high_mask));
    }
  }

  // Block b of x.k/32; sums are of its super-block, 16 a token.
  template <int kQuarter>
  HEARTH_INLINE void Add(const Q8Rows& x, int64_t b, const int32_t* sums, int64_t n,
                         __m512* acc) const {
    __m512i w[8];
    Unpack<kQuarter>(w);
    constexpr int kScale = 2 * (kQuarter & 1);
    const __m512 scale0 = ByteToFloat<kScale>(scales[kQuarter / 2]);
    const __m512 scale1 = ByteToFloat<kScale + 1>(scales[kQuarter / 2]);
    const int at = 8 * (kQuarter & 1) + 2 * half + kQuarter / 2;  // of sum 2 * (4*half + kQuarter)
    for (int64_t t = 0; t < n; ++t) {
      const int64_t xb = t * (x.k / kQ8Block) + b;
      const int8_t* q = x.q + xb * kQ8Block;
      const int32_t* sum = sums + t * 16 + at;
      const __m512i dot0 =
          _mm512_sub_epi32(Dot16(_mm512_setzero_si512(), w, q), _mm512_set1_epi32(sum[0]));
      const __m512i dot1 =
          _mm512_sub_epi32(Dot16(_mm512_setzero_si512(), w + 4, q + 16), _mm512_set1_epi32(sum[4]));
      const __m512 dot = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot1), scale1,
                                         _mm512_mul_ps(_mm512_cvtepi32_ps(dot0), scale0));
      acc[t] = _mm512_fmadd_ps(_mm512_mul_ps(d, _mm512_set1_ps(x.d[xb])), dot, acc[t]);
    }
  }
};

template <int kFixed, class Group>
void MultiplyGroupQ6K(const Group& group, __mmask16 mask, const Q8Rows& x, int64_t n_tokens,
                      float* y, int64_t y_stride) {
  const int64_t n = kFixed > 0 ? kFixed : n_tokens;
  __m512 acc[kFixed > 0 ? kFixed : kTokens];
  int32_t sums[16 * (kFixed > 0 ? kFixed : kTokens)];
  Clear(acc, n);
  for (int64_t super = 0; super < x.k / kQ6KBlock; ++super) {
    const size_t offset = static_cast<size_t>(super) * kQ6KBytes;
    if constexpr (kFixed == 1) group.PrefetchNext(offset, kQ6KBytes);
    for (int64_t t = 0; t < n; ++t) SumHalves(x.q + t * x.k + super * kQ6KBlock, sums + 16 * t);
    __m512i scales[4];
    LoadColumns(group, offset + 192, scales);
    Q6KHalf part;
    part.d = LoadHalves(group, offset + 208);
    for (int half = 0; half < 2; ++half) {
      part.half = half;
      part.scales[0] = scales[2 * half];
      part.scales[1] = scales[2 * half + 1];
      for (size_t i = 0; i < 4; ++i)
        LoadColumns(group, offset + 64 * half + 16 * i, part.ql + 4 * i);
      for (size_t i = 0; i < 2; ++i)
        LoadColumns(group, offset + 128 + 32 * half + 16 * i, part.qh + 4 * i);
      const int64_t b = super * 8 + half * 4;
      part.Add<0>(x, b, sums, n, acc);
      part.Add<1>(x, b + 1, sums, n, acc);
      part.Add<2>(x, b + 2, sums, n, acc);
      part.Add<3>(x, b + 3, sums, n, acc);
    }
  }
  StoreRows(acc, n, mask, y, y_stride);
}

template <int kFixed, class Group>
HEARTH_INLINE void MultiplyGroup(TensorType type, const Group& group, __mmask16 mask,
                                 const Q8Rows& x, int64_t n_tokens, float* y, int64_t y_stride) {
  switch (type) {
    case TensorType::kQ4_0:
      return MultiplyGroup<Q4_0, kFixed>(group, mask, x, n_tokens, y, y_stride);
    case TensorType::kQ4_1:
      return MultiplyGroup<Q4_1, kFixed>(group, mask, x, n_tokens, y, y_stride);
    case TensorType::kQ8_0:
      return MultiplyGroup<Q8_0, kFixed>(group, mask, x, n_tokens, y, y_stride);
    case TensorType::kQ6_K:
      return MultiplyGroupQ6K<kFixed>(group, mask, x, n_tokens, y, y_stride);
    default:
      return;  // matmul_q takes quantised types only
  }
}

template <class Group>
void MultiplyTokens(TensorType type, const Group& group, __mmask16 mask, const Q8Rows& x,
                    int64_t n_tokens, float* y, int64_t y_stride) {
  const int64_t n_block = x.k / kQ8Block;
  for (int64_t t = 0; t < n_tokens; t += kTokens) {
    const int64_t n = n_tokens - t < kTokens ? n_tokens - t : kTokens;
    const Q8Rows tile = {x.q + t * x.k, x.d + t * n_block, x.sum + t * n_block, x.k};
    float* tile_y = y + t * y_stride;
    if (n == 1) {
      MultiplyGroup<1>(type, group, mask, tile, n, tile_y, y_stride);
    } else {
      MultiplyGroup<0>(type, group, mask, tile, n, tile_y, y_stride);
    }
  }
}

void MatmulQ(const MatrixView& w, int64_t row_begin, int64_t row_end, const Q8Rows& x,
             int64_t n_tokens, float* y, int64_t y_stride) {
  const uint8_t* data = static_cast<const uint8_t*>(w.data);
  int64_t r = row_begin;
  for (; r + kLanes <= row_end; r += kLanes) {
    const WholeGroup group = {data + static_cast<size_t>(r) * w.row_bytes, w.row_bytes};
    MultiplyTokens(w.type, group, 0xffff, x, n_tokens, y + r, y_stride);
  }
  if (r < row_end) {
    PartGroup group;
    for (int64_t i = 0; i < kLanes; ++i) {
      const int64_t row = r + i < row_end ? r + i : row_end - 1;
      group.row[i] = data + static_cast<size_t>(row) * w.row_bytes;
    }
    MultiplyTokens(w.type, group, FirstLanes(row_end - r), x, n_tokens, y + r, y_stride);
  }
}

void QuantizeQ8(const float* x, int64_t n, int8_t* q, float* d, int32_t* sum) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  for (int64_t b = 0; b < n / kQ8Block; ++b) {
    const __m512 low = _mm512_loadu_ps(x + b * kQ8Block);
    const __m512 high = _mm512_loadu_ps(x + b * kQ8Block + kLanes);
    const __m512i max = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                                         _mm512_and_si512(_mm512_castps_si512(high), magnitude));
    const float scale =
        _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(max)))) / 127.0f;
    const float inverse = 1.0f / scale;
    const bool tiny = inverse > 3.402823466e38f;
    d[b] = tiny ? 0.0f : scale;
    // NaN compares false, so that only a finite scale keeps the lanes.
    const __mmask16 keep = !tiny && scale <= 3.402823466e38f ? 0xffff : 0;
    const __m512 factor = _mm512_set1_ps(inverse);
    const __m512i q_low = _mm512_maskz_cvtps_epi32(keep, _mm512_mul_ps(low, factor));
    const __m512i q_high = _mm512_maskz_cvtps_epi32(keep, _mm512_mul_ps(high, factor));
    sum[b] = _mm512_reduce_add_epi32(_mm512_add_epi32(q_low, q_high));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q + b * kQ8Block), _mm512_cvtepi32_epi8(q_low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q + b * kQ8Block + kLanes),
                     _mm512_cvtepi32_epi8(q_high));
  }
}

// -------------------------------------------------------------------------------------------------
// Dequantised rows

// y[0..16) = scale * q (signed bytes).
HEARTH_INLINE void StoreScaled(__m128i q, float scale, float* y) {
  _mm512_storeu_ps(
      y, _mm512_mul_ps(_mm512_set1_ps(scale), _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q))));
}

HEARTH_INLINE __m128i LowNibbles(__m128i v) { return _mm_and_si128(v, _mm_set1_epi8(0xf)); }
HEARTH_INLINE __m128i HighNibbles(__m128i v) { return LowNibbles(_mm_srli_epi16(v, 4)); }

void DequantizeQ4_0(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w));
  const __m128i bytes = Load128(w + 2);
  const __m128i eight = _mm_set1_epi8(8);
  StoreScaled(_mm_sub_epi8(LowNibbles(bytes), eight), d, y);
  StoreScaled(_mm_sub_epi8(HighNibbles(bytes), eight), d, y + 16);
}

void DequantizeQ4_1(const uint8_t* w, float* y) {
  const __m512 d = _mm512_set1_ps(HalfToFloat(Load16(w)));
  const __m512 m = _mm512_set1_ps(HalfToFloat(Load16(w + 2)));
  const __m128i bytes = Load128(w + 4);
  const __m512 low = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(LowNibbles(bytes)));
  const __m512 high = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(HighNibbles(bytes)));
  _mm512_storeu_ps(y, _mm512_fmadd_ps(d, low, m));
  _mm512_storeu_ps(y + 16, _mm512_fmadd_ps(d, high, m));
}

void DequantizeQ8_0(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w));
  StoreScaled(Load128(w + 2), d, y);
  StoreScaled(Load128(w + 18), d, y + 16);
}

void DequantizeQ6_K(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w + 208));
  for (int i = 0; i < 16; ++i) {  // weights 16i..16i+15, which share a scale
    const int half = i / 8;
    const int quarter = i / 2 % 4;
    const int l = i % 2 * 16;
    const __m128i ql = Load128(w + 64 * half + 32 * (quarter & 1) + l);
    const __m128i low = quarter >= 2 ? HighNibbles(ql) : LowNibbles(ql);
    const __m128i qh =
        _mm_srl_epi16(Load128(w + 128 + 32 * half + l), _mm_cvtsi32_si128(2 * quarter));
    const __m128i high = _mm_slli_epi16(_mm_and_si128(qh, _mm_set1_epi8(3)), 4);
    const float scale = d * static_cast<float>(static_cast<int8_t>(w[192 + i]));
    StoreScaled(_mm_sub_epi8(_mm_or_si128(low, high), _mm_set1_epi8(32)), scale, y + 16 * i);
  }
}

// -------------------------------------------------------------------------------------------------
// Float products

// 16 weights of a row from weight i on, those of mask; the others are 0 and not read.
struct F32 {
  static HEARTH_INLINE __m512 Load(const uint8_t* row, int64_t i, __mmask16 mask) {
    return _mm512_maskz_loadu_ps(mask, row + 4 * i);
  }
};
struct F16 {
  static HEARTH_INLINE __m512 Load(const uint8_t* row, int64_t i, __mmask16 mask) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, row + 2 * i));
  }
};
struct BF16 {
  static HEARTH_INLINE __m512 Load(const uint8_t* row, int64_t i, __mmask16 mask) {
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, row + 2 * i));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
  }
};

HEARTH_INLINE float Reduce16(__m512 s) {
  const __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
  const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_add_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
}

// Adds elements i..i+15, those of mask, of kRows rows times kCols vectors to acc[r*kCols + c].
template <class Format, int kRows, int kCols>
HEARTH_INLINE void AddProducts(const uint8_t* const* rows, const float* x, int64_t x_stride,
                               int64_t i, __mmask16 mask, __m512* acc) {
  __m512 v[kCols];
  for (int c = 0; c < kCols; ++c) v[c] = _mm512_maskz_loadu_ps(mask, x + c * x_stride + i);
  for (int r = 0; r < kRows; ++r) {
    const __m512 w = Format::Load(rows[r], i, mask);
    // Masked: fma(0, 0, -0) would be +0.
    for (int c = 0; c < kCols; ++c)
      acc[r * kCols + c] = _mm512_mask3_fmadd_ps(w, v[c], acc[r * kCols + c], mask);
  }
}

// Dot products of kRows rows with kCols vectors x_stride apart; sum[r*kCols + c].
template <class Format, int kRows, int kCols>
HEARTH_INLINE void DotProducts(const uint8_t* const* rows, const float* x, int64_t x_stride,
                               int64_t n, float* sum) {
  __m512 acc[kRows * kCols];
  Clear(acc, kRows * kCols);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    AddProducts<Format, kRows, kCols>(rows, x, x_stride, i, 0xffff, acc);
  if (i < n) AddProducts<Format, kRows, kCols>(rows, x, x_stride, i, FirstLanes(n - i), acc);
  for (int j = 0; j < kRows * kCols; ++j) sum[j] = Reduce16(acc[j]);
}

constexpr int kTile = 4;  // rows, and tokens, of a tile of float products

template <class Format, int kCols>
HEARTH_INLINE void MultiplyTile(const uint8_t* const* rows, int64_t n_row, const float* x,
                                int64_t x_stride, int64_t n, float* y, int64_t y_stride) {
  float sum[kTile * kCols];
  DotProducts<Format, kTile, kCols>(rows, x, x_stride, n, sum);
  for (int c = 0; c < kCols; ++c) {
    for (int64_t r = 0; r < n_row; ++r) y[c * y_stride + r] = sum[r * kCols + c];
  }
}

template <class Format>
void MatmulF(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
             int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride) {
  for (int64_t r = row_begin; r < row_end; r += kTile) {
    const uint8_t* rows[kTile];
    for (int64_t i = 0; i < kTile; ++i) {
      const int64_t row = r + i < row_end ? r + i : row_end - 1;
      rows[i] = static_cast<const uint8_t*>(w.data) + static_cast<size_t>(row) * w.row_bytes;
    }
    const int64_t n_row = row_end - r < kTile ? row_end - r : kTile;
    int64_t t = 0;
    for (; t + kTile <= n_tokens; t += kTile) {
      MultiplyTile<Format, kTile>(rows, n_row, x + t * x_stride, x_stride, w.k,
                                  y + t * y_stride + r, y_stride);
    }
    for (; t < n_tokens; ++t) {
      MultiplyTile<Format, 1>(rows, n_row, x + t * x_stride, x_stride, w.k, y + t * y_stride + r,
                              y_stride);
    }
  }
}

void MatmulFAny(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
                int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride) {
  if (w.type == TensorType::kF32)
    MatmulF<F32>(w, row_begin, row_end, x, x_stride, n_tokens, y, y_stride);
  if (w.type == TensorType::kF16)
    MatmulF<F16>(w, row_begin, row_end, x, x_stride, n_tokens, y, y_stride);
  if (w.type == TensorType::kBF16)
    MatmulF<BF16>(w, row_begin, row_end, x, x_stride, n_tokens, y, y_stride);
}

template <class Format>
HEARTH_INLINE void ConvertRow(const uint8_t* row, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    _mm512_mask_storeu_ps(y + i, mask, Format::Load(row, i, mask));
  }
}

void DequantizeRow(TensorType type, const void* row, int64_t n, float* y) {
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

void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y) {
  const uint8_t* row = reinterpret_cast<const uint8_t*>(x);
  float sum;
  DotProducts<F32, 1, 1>(&row, x, 0, n, &sum);
  const float mean = sum / static_cast<float>(n);
  const float scale = 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(mean + eps)));
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), _mm512_set1_ps(scale));
    _mm512_mask_storeu_ps(y + i, mask,
                          _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(mask, weight + i)));
  }
}

void Rope(float* v, const float* cos, const float* sin, int64_t n) {
  const int64_t half = n / 2;
  for (int64_t i = 0; i < half; i += kLanes) {
    const __mmask16 mask = FirstLanes(half - i);
    const __m512 a = _mm512_maskz_loadu_ps(mask, v + i);
    const __m512 b = _mm512_maskz_loadu_ps(mask, v + i + half);
    const __m512 c = _mm512_maskz_loadu_ps(mask, cos + i);
    const __m512 s = _mm512_maskz_loadu_ps(mask, sin + i);
    _mm512_mask_storeu_ps(v + i, mask, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)));
    _mm512_mask_storeu_ps(v + i + half, mask, _mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s)));
  }
}

void ReluMul(const float* gate, const float* up, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    // vmaxps gives its second operand for NaN and for two zeros, which is ref.cc's comparison.
    const __m512 g = _mm512_max_ps(_mm512_setzero_ps(), _mm512_maskz_loadu_ps(mask, gate + i));
    _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(g, _mm512_maskz_loadu_ps(mask, up + i)));
  }
}

void Add(const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __m512 sum =
        _mm512_add_ps(_mm512_maskz_loadu_ps(mask, y + i), _mm512_maskz_loadu_ps(mask, x + i));
    _mm512_mask_storeu_ps(y + i, mask, sum);
  }
}

void Axpy(float a, const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __m512 sum = _mm512_fmadd_ps(_mm512_set1_ps(a), _mm512_maskz_loadu_ps(mask, x + i),
                                       _mm512_maskz_loadu_ps(mask, y + i));
    _mm512_mask_storeu_ps(y + i, mask, sum);
  }
}

void ToF16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __m256i half = _mm512_cvtps_ph(_mm512_maskz_loadu_ps(mask, x + i),
                                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_mask_storeu_epi16(y + i, mask, half);
  }
}

void FromF16(const uint16_t* x, int64_t n, float* y) {
  ConvertRow<F16>(reinterpret_cast<const uint8_t*>(x), n, y);
}

// -------------------------------------------------------------------------------------------------
// Attention

void AttentionScores(const float* q, const uint16_t* k, int64_t stride, int64_t n_key,
                     int64_t head_dim, float scale, float* scores) {
  for (int64_t j = 0; j < n_key; j += kTile) {
    const int64_t n = n_key - j < kTile ? n_key - j : kTile;
    const uint8_t* keys[kTile];
    for (int64_t i = 0; i < kTile; ++i) {
      keys[i] = reinterpret_cast<const uint8_t*>(k + (i < n ? j + i : n_key - 1) * stride);
    }
    float sum[kTile];
    DotProducts<F16, kTile, 1>(keys, q, 0, head_dim, sum);
    for (int64_t i = 0; i < n; ++i) scores[j + i] = scale * sum[i];
  }
}

// x <= 0 or NaN in each lane.
HEARTH_INLINE __m512 Exp(__m512 x) {
  const __mmask16 keep = _mm512_cmp_ps_mask(x, _mm512_set1_ps(kExpMin), _CMP_NLT_UQ);  // NaN too
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(kLog2E)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2Hi), x);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2Lo), r);
  __m512 p = _mm512_set1_ps(kExpC6);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExpC5));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExpC4));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExpC3));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExpC2));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  const __m512i power =
      _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23);
  return _mm512_maskz_mul_ps(keep, p, _mm512_castsi512_ps(power));
}

// The largest of n that is not NaN, else -infinity. A maximum may be taken in any order.
HEARTH_INLINE float Max(const float* x, int64_t n) {
  const __m512 lowest = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int32_t>(0xff800000)));
  __m512 max = lowest;
  for (int64_t i = 0; i < n; i += kLanes) {
    // vmaxps gives its second operand where either is NaN.
    max = _mm512_max_ps(_mm512_mask_loadu_ps(lowest, FirstLanes(n - i), x + i), max);
  }
  return _mm512_reduce_max_ps(max);
}

float Softmax(float* s, int64_t n) {
  const __m512 max = _mm512_set1_ps(Max(s, n));
  __m512 sum = _mm512_setzero_ps();
  for (int64_t j = 0; j < n; j += kLanes) {
    const __mmask16 mask = FirstLanes(n - j);
    const __m512 p = Exp(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, s + j), max));
    _mm512_mask_storeu_ps(s + j, mask, p);
    sum = _mm512_mask_add_ps(sum, mask, sum, p);
  }
  return Reduce16(sum);
}

// Adds the weighted values to sum, 16*kRegisters elements; of a lone register only mask's exist.
template <int kRegisters>
HEARTH_INLINE void WeightedSum(const float* p, const uint16_t* v, int64_t stride, int64_t n_key,
                               __mmask16 mask, float* sum) {
  __m512 acc[kRegisters];
  for (int r = 0; r < kRegisters; ++r) acc[r] = _mm512_maskz_loadu_ps(mask, sum + r * kLanes);
  for (int64_t j = 0; j < n_key; ++j) {
    const __m512 weight = _mm512_set1_ps(p[j]);
    const uint8_t* value = reinterpret_cast<const uint8_t*>(v + j * stride);
    for (int r = 0; r < kRegisters; ++r)
      acc[r] = _mm512_fmadd_ps(weight, F16::Load(value, r * kLanes, mask), acc[r]);
  }
  for (int r = 0; r < kRegisters; ++r) _mm512_mask_storeu_ps(sum + r * kLanes, mask, acc[r]);
}

void AttentionValues(const float* p, const uint16_t* v, int64_t stride, int64_t n_key,
                     int64_t head_dim, float* sum) {
  constexpr int kRegisters =
      8;  // 128 elements: the usual head, and enough chains to hide an fma's latency
  int64_t i = 0;
  for (; i + kRegisters * kLanes <= head_dim; i += kRegisters * kLanes) {
    WeightedSum<kRegisters>(p, v + i, stride, n_key, 0xffff, sum + i);
  }
  for (; i < head_dim; i += kLanes) {
    WeightedSum<1>(p, v + i, stride, n_key, FirstLanes(head_dim - i), sum + i);
  }
}

// -------------------------------------------------------------------------------------------------
// Logits

bool AllFinite(const float* x, int64_t n) {
  constexpr int kNotFinite = 0x99;  // quiet NaN, +infinity, -infinity, signalling NaN
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m512 v = _mm512_maskz_loadu_ps(FirstLanes(n - i), x + i);
    if (_mm512_fpclass_ps_mask(v, kNotFinite) != 0) return false;
  }
  return true;
}

int64_t Argmax(const float* x, int64_t n) {
  const __m512 max = _mm512_set1_ps(Max(x, n));
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __mmask16 hit =
        _mm512_mask_cmp_ps_mask(mask, _mm512_maskz_loadu_ps(mask, x + i), max, _CMP_EQ_OQ);
    if (hit == 0) continue;
    int64_t lane = 0;
    while ((hit >> lane & 1) == 0) ++lane;
    return i + lane;
  }
  return 0;  // all are NaN
}

}  // namespace

constinit const Kernels kAvx512VnniKernels = {
    .name = "avx512vnni",
    .quantize_q8 = QuantizeQ8,
    .matmul_q = MatmulQ,
    .matmul_f = MatmulFAny,
    .dequantize_row = DequantizeRow,
    .rms_norm = RmsNorm,
    .rope = Rope,
    .relu_mul = ReluMul,
    .add = Add,
    .axpy = Axpy,
    .to_f16 = ToF16,
    .from_f16 = FromF16,
    .attention_scores = AttentionScores,
    .softmax = Softmax,
    .attention_values = AttentionValues,
    .all_finite = AllFinite,
    .argmax = Argmax,
};

}  // namespace hearth
