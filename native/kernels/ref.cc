// The specification: every kernel in plain C++, compiled for the oldest processor of the
// architecture. The other tables must give these bits; where speed and clarity disagree in this
// file, clarity wins.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/for_type.h"
#include "kernels/interleaved_rows.h"
#include "kernels/kernels.h"

namespace hearth {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

uint32_t FloatBits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

float FloatFromBits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// GGUF rows have no alignment: a block starts where the last one ended.
uint16_t Load16(const uint8_t* p) {
  uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

float LoadF32(const uint8_t* p) {
  float v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 0x1f;
  const uint32_t mantissa = half & 0x3ff;
  if (exponent == 0x1f) {  // infinity, or NaN made quiet as the hardware does
    const uint32_t quiet = mantissa != 0 ? 0x400000u : 0u;
    return FloatFromBits(sign | 0x7f800000u | quiet | (mantissa << 13));
  }
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, exact in float
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return FloatFromBits(sign | FloatBits(magnitude));
  }
  return FloatFromBits(sign | ((exponent + 127 - 15) << 23) | (mantissa << 13));
}

uint16_t FloatToHalf(float x) {
  const uint32_t bits = FloatBits(x);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  uint32_t half;
  if (magnitude > 0x7f800000) {  // NaN, made quiet
    half = 0x7e00 | ((magnitude >> 13) & 0x3ff);
  } else if (magnitude >= 0x477ff000) {  // 65520 and more rounds to 2^16: infinity
    half = 0x7c00;
  } else if (magnitude >= 0x38800000) {  // 2^-14: a normal half. A carry out of the mantissa raises
                                         // the exponent.
    const uint32_t rebased = magnitude - (static_cast<uint32_t>(127 - 15) << 23);
    half = (rebased + 0xfff + ((rebased >> 13) & 1)) >> 13;
  } else if (magnitude <=
             0x33000000) {  // 2^-25, half of the smallest subnormal: ties to even, zero
    half = 0;
  } else {  // subnormal: the whole number nearest to x * 2^24, ties to even
    const uint32_t exponent = magnitude >> 23;
    const uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
    const uint32_t shift =
        126 - exponent;  // mantissa * 2^(exponent-150) * 2^24 = mantissa >> shift; 14..24
    const uint32_t kept = mantissa >> shift;
    const uint32_t rest = mantissa & ((1u << shift) - 1);
    const uint32_t tie = 1u << (shift - 1);
    half = kept + (rest > tie || (rest == tie && (kept & 1) != 0) ? 1 : 0);
  }
  return static_cast<uint16_t>(sign | half);
}

float Bf16ToFloat(uint16_t x) { return FloatFromBits(static_cast<uint32_t>(x) << 16); }

// --- The tensor types (kernels/block.h) ---
//
// Weight(row, i): weight i of a row, as a float. AddBlock(row, b, q, dx, acc), of quantised types:
// the 32-block b of a row times one of activations (32 int8 in q, scale dx), added to acc.

template <TensorType kType>
struct Format;

template <>
struct Format<TensorType::kF32> {
  static float Weight(const uint8_t* row, int64_t i) { return LoadF32(row + 4 * i); }
};

template <>
struct Format<TensorType::kF16> {
  static float Weight(const uint8_t* row, int64_t i) { return HalfToFloat(Load16(row + 2 * i)); }
};

template <>
struct Format<TensorType::kBF16> {
  static float Weight(const uint8_t* row, int64_t i) { return Bf16ToFloat(Load16(row + 2 * i)); }
};

// Weight i of 32 in the 16 bytes of Q4_0 and Q4_1.
int Nibble(const uint8_t* bytes, int64_t i) { return i < 16 ? bytes[i] & 0xf : bytes[i - 16] >> 4; }

template <TensorType kType>
const uint8_t* BlockAt(const uint8_t* row, int64_t block) {
  return row + block * static_cast<int64_t>(BlockBytes(kType));
}

template <>
struct Format<TensorType::kQ4_0> {
  static float Weight(const uint8_t* row, int64_t i) {
    const uint8_t* w = BlockAt<TensorType::kQ4_0>(row, i / kQ8Block);
    return HalfToFloat(Load16(w)) * static_cast<float>(Nibble(w + 2, i % kQ8Block) - 8);
  }
  static float AddBlock(const uint8_t* row, int64_t b, const int8_t* q, float dx, float acc) {
    const uint8_t* w = BlockAt<TensorType::kQ4_0>(row, b);
    int32_t dot = 0;
    for (int i = 0; i < kQ8Block; ++i) dot += (Nibble(w + 2, i) - 8) * q[i];
    return std::fma(HalfToFloat(Load16(w)) * dx, static_cast<float>(dot), acc);
  }
};

template <>
struct Format<TensorType::kQ4_1> {
  static float Weight(const uint8_t* row, int64_t i) {
    const uint8_t* w = BlockAt<TensorType::kQ4_1>(row, i / kQ8Block);
    return std::fma(HalfToFloat(Load16(w)), static_cast<float>(Nibble(w + 4, i % kQ8Block)),
                    HalfToFloat(Load16(w + 2)));
  }
  static float AddBlock(const uint8_t* row, int64_t b, const int8_t* q, float dx, float acc) {
    const uint8_t* w = BlockAt<TensorType::kQ4_1>(row, b);
    int32_t dot = 0;
    int32_t sum = 0;
    for (int i = 0; i < kQ8Block; ++i) {
      dot += Nibble(w + 4, i) * q[i];
      sum += q[i];
    }
    acc = std::fma(HalfToFloat(Load16(w)) * dx, static_cast<float>(dot), acc);
    return std::fma(HalfToFloat(Load16(w + 2)) * dx, static_cast<float>(sum), acc);
  }
};

template <>
struct Format<TensorType::kQ8_0> {
  static float Weight(const uint8_t* row, int64_t i) {
    const uint8_t* w = BlockAt<TensorType::kQ8_0>(row, i / kQ8Block);
    return HalfToFloat(Load16(w)) * static_cast<float>(static_cast<int8_t>(w[2 + i % kQ8Block]));
  }
  static float AddBlock(const uint8_t* row, int64_t b, const int8_t* q, float dx, float acc) {
    const uint8_t* w = BlockAt<TensorType::kQ8_0>(row, b);
    int32_t dot = 0;
    for (int i = 0; i < kQ8Block; ++i) dot += static_cast<int8_t>(w[2 + i]) * q[i];
    return std::fma(HalfToFloat(Load16(w)) * dx, static_cast<float>(dot), acc);
  }
};

template <>
struct Format<TensorType::kQ6_K> {
  static constexpr int kScales = 192;  // offsets inside a super-block: ql at 0, qh at 128
  static constexpr int kD = 208;

  static int Scale(const uint8_t* super, int64_t i) {
    return static_cast<int8_t>(super[kScales + i / 16]);
  }
  // Weight i of 256, before its scale: -32..31.
  static int Unscaled(const uint8_t* super, int64_t i) {
    const int64_t half = i / 128;
    const int64_t quarter = (i / 32) % 4;
    const int64_t l = i % 32;
    const int ql = super[64 * half + 32 * (quarter & 1) + l];
    const int qh = super[128 + 32 * half + l];
    const int low = quarter >= 2 ? ql >> 4 : ql & 0xf;
    return (low | (((qh >> (2 * quarter)) & 3) << 4)) - 32;
  }

  static float Weight(const uint8_t* row, int64_t i) {
    const uint8_t* w = BlockAt<TensorType::kQ6_K>(row, i / kSuperBlock);
    const int64_t in_block = i % kSuperBlock;
    const float scale = HalfToFloat(Load16(w + kD)) * static_cast<float>(Scale(w, in_block));
    return scale * static_cast<float>(Unscaled(w, in_block));
  }
  static float AddBlock(const uint8_t* row, int64_t b, const int8_t* q, float dx, float acc) {
    // |dot| <= 2 * 128 * 16 * 32 * 127 < 2^24: exact as a float too.
    const uint8_t* w = BlockAt<TensorType::kQ6_K>(row, b / 8);
    const int64_t first = b % 8 * kQ8Block;
    int32_t dot = 0;
    for (int i = 0; i < kQ8Block; ++i) dot += Scale(w, first + i) * Unscaled(w, first + i) * q[i];
    return std::fma(HalfToFloat(Load16(w + kD)) * dx, static_cast<float>(dot), acc);
  }
};

// Weight i of 32 with its fifth bit, 0..31.
int FiveBits(const uint8_t* bits, const uint8_t* bytes, int64_t i) {
  return Nibble(bytes, i) | ((bits[i / 8] >> (i % 8)) & 1) << 4;
}

template <>
struct Format<TensorType::kQ5_0> {
  static constexpr TensorType kType = TensorType::kQ5_0;
  static float Weight(const uint8_t* row, int64_t i) {
    const uint8_t* w = BlockAt<kType>(row, i / kQ8Block);
    return HalfToFloat(Load16(w)) * static_cast<float>(FiveBits(w + 2, w + 6, i % kQ8Block) - 16);
  }
  static float AddBlock(const uint8_t* row, int64_t b, const int8_t* q, float dx, float acc) {
    const uint8_t* w = BlockAt<kType>(row, b);
    int32_t dot = 0;
    for (int i = 0; i < kQ8Block; ++i) dot += (FiveBits(w + 2, w + 6, i) - 16) * q[i];
    return std::fma(HalfToFloat(Load16(w)) * dx, static_cast<float>(dot), acc);
  }
};

template <>
struct Format<TensorType::kQ5_1> {
  static constexpr TensorType kType = TensorType::kQ5_1;
  static float Weight(const uint8_t* row, int64_t i) {
    const uint8_t* w = BlockAt<kType>(row, i / kQ8Block);
    return std::fma(HalfToFloat(Load16(w)),
                    static_cast<float>(FiveBits(w + 4, w + 8, i % kQ8Block)),
                    HalfToFloat(Load16(w + 2)));
  }
  static float AddBlock(const uint8_t* row, int64_t b, const int8_t* q, float dx, float acc) {
    const uint8_t* w = BlockAt<kType>(row, b);
    int32_t dot = 0;
    int32_t sum = 0;
    for (int i = 0; i < kQ8Block; ++i) {
      dot += FiveBits(w + 4, w + 8, i) * q[i];
      sum += q[i];
    }
    acc = std::fma(HalfToFloat(Load16(w)) * dx, static_cast<float>(dot), acc);
    return std::fma(HalfToFloat(Load16(w + 2)) * dx, static_cast<float>(sum), acc);
  }
};

// Q4_K and Q5_K, which differ in the fifth bits.
template <TensorType kType>
struct FormatWithMinima {
  static constexpr bool kHasFifthBits = kType == TensorType::kQ5_K;
  static constexpr int kScales = 4;  // offsets inside a super-block: d at 0, dmin at 2
  static constexpr int kFifthBits = 16;
  static constexpr int kNibbles = kHasFifthBits ? 48 : 16;

  // Weight i of 256, before scale and minimum.
  static int Unscaled(const uint8_t* super, int64_t i) {
    const int64_t block = i / kQ8Block;
    const int64_t l = i % kQ8Block;
    const int byte = super[kNibbles + 32 * (block / 2) + l];
    const int nibble = block % 2 == 0 ? byte & 0xf : byte >> 4;
    const int fifth = kHasFifthBits ? (super[kFifthBits + l] >> block) & 1 : 0;
    return nibble | fifth << 4;
  }

  static float Weight(const uint8_t* row, int64_t i) {
    const uint8_t* w = BlockAt<kType>(row, i / kSuperBlock);
    const int64_t in_block = i % kSuperBlock;
    const auto of_32 = ScaleAndMinimumOf(w + kScales, static_cast<int>(in_block / kQ8Block));
    const float scale = HalfToFloat(Load16(w)) * static_cast<float>(of_32.scale);
    const float minimum = HalfToFloat(Load16(w + 2)) * static_cast<float>(of_32.minimum);
    return std::fma(scale, static_cast<float>(Unscaled(w, in_block)), -minimum);
  }
  static float AddBlock(const uint8_t* row, int64_t b, const int8_t* q, float dx, float acc) {
    // |dot| <= 63 * 32 * 31 * 127 < 2^24: exact as a float too.
    const uint8_t* w = BlockAt<kType>(row, b / 8);
    const auto of_32 = ScaleAndMinimumOf(w + kScales, static_cast<int>(b % 8));
    int32_t dot = 0;
    int32_t sum = 0;
    for (int i = 0; i < kQ8Block; ++i) {
      dot += Unscaled(w, b % 8 * kQ8Block + i) * q[i];
      sum += q[i];
    }
    acc = std::fma(HalfToFloat(Load16(w)) * dx, static_cast<float>(of_32.scale * dot), acc);
    return std::fma(HalfToFloat(Load16(w + 2)) * dx, static_cast<float>(-of_32.minimum * sum), acc);
  }
};
template <>
struct Format<TensorType::kQ4_K> : FormatWithMinima<TensorType::kQ4_K> {};
template <>
struct Format<TensorType::kQ5_K> : FormatWithMinima<TensorType::kQ5_K> {};

// Weight i of 256 in the 64 bytes of bit pairs of Q2_K and Q3_K.
int BitPair(const uint8_t* bytes, int64_t i) {
  return bytes[32 * (i / 128) + i % 32] >> 2 * (i / 32 % 4) & 3;
}

template <>
struct Format<TensorType::kQ2_K> {
  static constexpr TensorType kType = TensorType::kQ2_K;
  static constexpr int kPairs = 16;  // offsets inside a super-block: scales at 0
  static constexpr int kD = 80;
  static constexpr int kDmin = 82;

  static int Scale(const uint8_t* super, int64_t i) { return super[i / 16] & 0xf; }
  static int Minimum(const uint8_t* super, int64_t i) { return super[i / 16] >> 4; }

  static float Weight(const uint8_t* row, int64_t i) {
    const uint8_t* w = BlockAt<kType>(row, i / kSuperBlock);
    const int64_t in_block = i % kSuperBlock;
    const float scale = HalfToFloat(Load16(w + kD)) * static_cast<float>(Scale(w, in_block));
    const float minimum = HalfToFloat(Load16(w + kDmin)) * static_cast<float>(Minimum(w, in_block));
    return std::fma(scale, static_cast<float>(BitPair(w + kPairs, in_block)), -minimum);
  }
  static float AddBlock(const uint8_t* row, int64_t b, const int8_t* q, float dx, float acc) {
    // |dot| <= 15 * 32 * 3 * 127 < 2^24: exact as a float too.
    const uint8_t* w = BlockAt<kType>(row, b / 8);
    const int64_t first = b % 8 * kQ8Block;
    int32_t dot = 0;
    int32_t minima = 0;
    for (int i = 0; i < kQ8Block; ++i) {
      dot += Scale(w, first + i) * BitPair(w + kPairs, first + i) * q[i];
      minima += Minimum(w, first + i) * q[i];
    }
    acc = std::fma(HalfToFloat(Load16(w + kD)) * dx, static_cast<float>(dot), acc);
    return std::fma(HalfToFloat(Load16(w + kDmin)) * dx, static_cast<float>(-minima), acc);
  }
};

template <>
struct Format<TensorType::kQ3_K> {
  static constexpr TensorType kType = TensorType::kQ3_K;
  static constexpr int kPairs = 32;  // offsets inside a super-block: third bits at 0
  static constexpr int kScales = 96;
  static constexpr int kD = 108;

  static int Scale(const uint8_t* super, int64_t i) {
    return ThreeBitScaleOf(super + kScales, static_cast<int>(i / 16));
  }
  // Weight i of 256, before its scale: -4..3.
  static int Unscaled(const uint8_t* super, int64_t i) {
    const int third = super[i % 32] >> i / 32 & 1;
    return (BitPair(super + kPairs, i) | third << 2) - 4;
  }

  static float Weight(const uint8_t* row, int64_t i) {
    const uint8_t* w = BlockAt<kType>(row, i / kSuperBlock);
    const int64_t in_block = i % kSuperBlock;
    const float scale = HalfToFloat(Load16(w + kD)) * static_cast<float>(Scale(w, in_block));
    return scale * static_cast<float>(Unscaled(w, in_block));
  }
  static float AddBlock(const uint8_t* row, int64_t b, const int8_t* q, float dx, float acc) {
    // |dot| <= 32 * 32 * 4 * 127 < 2^24: exact as a float too.
    const uint8_t* w = BlockAt<kType>(row, b / 8);
    const int64_t first = b % 8 * kQ8Block;
    int32_t dot = 0;
    for (int i = 0; i < kQ8Block; ++i) dot += Scale(w, first + i) * Unscaled(w, first + i) * q[i];
    return std::fma(HalfToFloat(Load16(w + kD)) * dx, static_cast<float>(dot), acc);
  }
};

// --- Quantised products ---

void QuantizeQ8(const float* x, int64_t n, int8_t* q, float* d, int32_t* offset) {
  for (int64_t b = 0; b < n / kQ8Block; ++b) {
    const float* xb = x + b * kQ8Block;
    int8_t* qb = q + b * kQ8Block;
    // The order of |x| is that of its bits as an integer, in which infinity follows the finite and
    // NaN infinity.
    uint32_t max_bits = 0;
    for (int i = 0; i < kQ8Block; ++i) {
      const uint32_t magnitude = FloatBits(xb[i]) & 0x7fffffff;
      if (magnitude > max_bits) max_bits = magnitude;
    }
    const float scale = FloatFromBits(max_bits) / 127.0f;
    const float inverse = 1.0f / scale;
    offset[b] = 0;
    d[b] = inverse == kInfinity ? 0.0f : scale;
    const bool flat = inverse == kInfinity || !(scale < kInfinity);
    for (int i = 0; i < kQ8Block; ++i) {
      // 127 is not exceeded: the largest x/d is 127 within 2^-21 even where d is subnormal (it has
      // 21 bits or more).
      qb[i] = flat ? int8_t{0} : static_cast<int8_t>(std::nearbyint(xb[i] * inverse));
      offset[b] -= 8 * qb[i];
    }
  }
}

void MatmulQ(const MatrixView& w, int64_t row_begin, int64_t row_end, const Q8Rows& x,
             int64_t n_tokens, float* y, int64_t y_stride) {
  const int64_t n_block = w.k / kQ8Block;
  std::vector<uint8_t> row(RowBytes(w.type, w.k));
  ForQuantizedType(w.type, [&](auto tag) {
    for (int64_t r = row_begin; r < row_end; ++r) {
      CopyRow(w, r, row.data());
      for (int64_t t = 0; t < n_tokens; ++t) {
        float acc = 0.0f;
        for (int64_t b = 0; b < n_block; ++b) {
          const int64_t xb = t * n_block + b;
          acc = Format<decltype(tag)::kValue>::AddBlock(row.data(), b, x.q + xb * kQ8Block, x.d[xb],
                                                        acc);
        }
        y[t * y_stride + r] = acc;
      }
    }
  });
}

void MatmulRows(const MatrixView& w, const int32_t* rows, int64_t n_row, const Q8Rows& x,
                float* y) {
  for (int64_t i = 0; i < n_row; ++i) {
    MatrixView row = w;
    row.data = static_cast<const uint8_t*>(w.data) + static_cast<size_t>(rows[i]) * w.row_bytes;
    MatmulQ(row, 0, 1, x, 1, y + i, 1);
  }
}

void RepackRowsRef(TensorType type, int64_t k, const void* rows, void* group) {
  const BlockParts parts = PartsOf(type);
  const size_t row_bytes = RowBytes(type, k);
  const size_t n_block = row_bytes / BlockBytes(type);
  auto* out = static_cast<uint8_t*>(group);
  const auto* in = static_cast<const uint8_t*>(rows);
  const auto put = [&](size_t block, size_t at, size_t bytes) {
    for (size_t r = 0; r < static_cast<size_t>(kInterleavedRows); ++r) {
      std::memcpy(out, in + r * row_bytes + block * BlockBytes(type) + at, bytes);
      out += bytes;
    }
  };
  for (size_t b = 0; b < n_block; ++b) {
    for (int p = 0; p < parts.n_piece; ++p) {
      for (size_t column = 0; column < 4; ++column) put(b, parts.piece_at[p] + 4 * column, 4);
    }
  }
  for (size_t b = 0; b < n_block; ++b) {
    for (int h = 0; h < parts.n_half; ++h) put(b, parts.half_at[h], 2);
  }
}

void DequantizeRow(TensorType type, const void* row, int64_t n, float* y) {
  const uint8_t* bytes = static_cast<const uint8_t*>(row);
  ForType(type, [&](auto tag) {
    for (int64_t i = 0; i < n; ++i) y[i] = Format<decltype(tag)::kValue>::Weight(bytes, i);
  });
}

// --- Float products ---

// Destroys s.
float Reduce16(float* s) {
  for (int i = 0; i < 8; ++i) s[i] += s[i + 8];
  for (int i = 0; i < 4; ++i) s[i] += s[i + 4];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

void MatmulF(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
             int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride) {
  ForFloatType(w.type, [&](auto tag) {
    for (int64_t t = 0; t < n_tokens; ++t) {
      for (int64_t r = row_begin; r < row_end; ++r) {
        const uint8_t* row =
            static_cast<const uint8_t*>(w.data) + static_cast<size_t>(r) * w.row_bytes;
        float s[16] = {};
        for (int64_t i = 0; i < w.k; ++i) {
          const float weight = Format<decltype(tag)::kValue>::Weight(row, i);
          s[i % 16] = std::fma(weight, x[t * x_stride + i], s[i % 16]);
        }
        y[t * y_stride + r] = Reduce16(s);
      }
    }
  });
}

void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y) {
  float s[16] = {};
  for (int64_t i = 0; i < n; ++i) s[i % 16] = std::fma(x[i], x[i], s[i % 16]);
  const float mean = Reduce16(s) / static_cast<float>(n);
  const float scale = 1.0f / std::sqrt(mean + eps);
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] * scale) * weight[i];
}

void Rope(float* v, const float* cos, const float* sin, int64_t n) {
  const int64_t half = n / 2;
  for (int64_t i = 0; i < half; ++i) {
    const float a = v[i];
    const float b = v[i + half];
    v[i] = std::fma(a, cos[i], -(b * sin[i]));
    v[i + half] = std::fma(b, cos[i], a * sin[i]);
  }
}

void ReluMul(const float* gate, const float* up, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) {
    // Below zero, by its bits: a comparison some compilers turn into a maximum, which drops -0.
    const bool is_negative = FloatBits(gate[i]) - 0x80000001u <= 0x7f7fffffu;
    out[i] = (is_negative ? 0.0f : gate[i]) * up[i];
  }
}

// x <= 0 or NaN.
float Exp(float x) {
  if (std::isnan(x)) return x;
  if (x < kExpMin) return 0.0f;
  const float n = std::nearbyint(x * kLog2E);
  float r = std::fma(n, -kLn2Hi, x);
  r = std::fma(n, -kLn2Lo, r);
  float p = kExpC6;
  p = std::fma(p, r, kExpC5);
  p = std::fma(p, r, kExpC4);
  p = std::fma(p, r, kExpC3);
  p = std::fma(p, r, kExpC2);
  p = std::fma(p, r, 1.0f);
  p = std::fma(p, r, 1.0f);
  return p * FloatFromBits(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23);
}

void SiluMul(const float* gate, const float* up, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) {
    const float e = Exp(-std::fabs(gate[i]));
    const float logistic = (gate[i] < 0.0f ? e : 1.0f) / (1.0f + e);
    out[i] = (gate[i] * logistic) * up[i];
  }
}

void Add(const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

void Axpy(float a, const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::fma(a, x[i], y[i]);
}

void ToF16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = FloatToHalf(x[i]);
}

void FromF16(const uint16_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = HalfToFloat(x[i]);
}

// --- Attention ---

void AttentionScores(const float* q, int64_t n_query, int64_t q_stride, const uint16_t* k,
                     int64_t k_stride, int64_t n_key, int64_t head_dim, float scale, float* scores,
                     int64_t score_stride) {
  for (int64_t h = 0; h < n_query; ++h) {
    for (int64_t j = 0; j < n_key; ++j) {
      float s[16] = {};
      for (int64_t i = 0; i < head_dim; ++i) {
        s[i % 16] = std::fma(q[h * q_stride + i], HalfToFloat(k[j * k_stride + i]), s[i % 16]);
      }
      scores[h * score_stride + j] = scale * Reduce16(s);
    }
  }
}

float Softmax(float* s, int64_t n) {
  float max = -kInfinity;
  for (int64_t j = 0; j < n; ++j) max = s[j] > max ? s[j] : max;
  float sum[16] = {};
  for (int64_t j = 0; j < n; ++j) {
    s[j] = Exp(s[j] - max);
    sum[j % 16] += s[j];
  }
  return Reduce16(sum);
}

void AttentionValues(const float* p, int64_t n_query, int64_t p_stride, const uint16_t* v,
                     int64_t v_stride, int64_t n_key, int64_t head_dim, float* sum,
                     int64_t sum_stride) {
  for (int64_t h = 0; h < n_query; ++h) {
    for (int64_t j = 0; j < n_key; ++j) {
      for (int64_t i = 0; i < head_dim; ++i) {
        float& s = sum[h * sum_stride + i];
        s = std::fma(p[h * p_stride + j], HalfToFloat(v[j * v_stride + i]), s);
      }
    }
  }
}

// --- Logits ---

bool AllFinite(const float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if ((FloatBits(x[i]) & 0x7f800000) == 0x7f800000) return false;
  }
  return true;
}

int64_t Argmax(const float* x, int64_t n) {
  int64_t best = -1;
  for (int64_t i = 0; i < n; ++i) {
    if (!std::isnan(x[i]) && (best < 0 || x[i] > x[best])) best = i;
  }
  return best < 0 ? 0 : best;
}

}  // namespace

constinit const Kernels kRefKernels = {
    .name = "ref",
    .quantize_q8 = QuantizeQ8,
    .repack_rows = RepackRowsRef,
    .matmul_q = MatmulQ,
    .matmul_rows = MatmulRows,
    .matmul_f = MatmulF,
    .dequantize_row = DequantizeRow,
    .rms_norm = RmsNorm,
    .rope = Rope,
    .relu_mul = ReluMul,
    .silu_mul = SiluMul,
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
