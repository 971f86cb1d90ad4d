// The quantised tensor types: for each a struct that dequantises a block, and multiplies a group of
// 16 rows of blocks with tiles of tokens where V's rows are multiplied by products-inl.h. Layouts:
// block.h.
//
// A format goes through a block in steps of 32 weights (kSteps of them):
//   Begin(x, n, sums)            asks a block of n tokens' activations for what is needed once
//   Load<step>(group, b, at)     unpacks 32 weights of the rows in registers at.. of a group
//   Add<step, n>(x, sums, acc, at)   adds their product with the activations of n tokens to acc
// The integer arithmetic is V's own, a whole block's at once: instruction sets differ in how far
// products may be summed before they must be widened. In products it has
//   kTokenTile               tokens that share an unpacked block
//   DotNibbles<r, n>(w, x, start, dot)   dot[t][r] = start[t] + the products of 32 nibbles
//   DotFiveBits<r, n>(w, x, start, dot)  the same of 32 numbers 0..31
//   AddFifthBits<column>(w, bits)        w with bits 4*column.. of each lane at 16 of its bytes
//   AddBit<bit, to>(w, bits)             w with that bit of each byte as bit `to`
//   BitPair<quarter>(I)                  bits 2*quarter and the next of each byte
//   SubBytes(I, c)                       each byte minus c
//   JoinShorts(low, high)                16 bits of each, one lane
//   LowHalf(I), HighHalf(I)              the half floats in each lane, as F
//   SixBitPairs(column, scales, minima)  of Q4_K's three columns of scales: byte j%4 of [j/4] is
//                                        that of 32-block j
//   ByteToFloat<byte>(I)                 that byte of each lane, unsigned, as F
//   DotSigned<r, n>(w, x, dot)           of 32 signed bytes, as SignedWeights(I) keeps them
//   SumsOf16<times>(q, sums) whatever is asked of 256 activations for scales of 16 weights each,
//                            and weights from which `times`, at most 32, is taken
//   ScaleOfByte<byte>(I)     that byte of each lane, signed, as a Scale16
//   DotHalves<step, less, r, n>(w, low, high, x, sums, dot)   dot[t][r] = low * the products of 16
//                            weights 0..63, if `less` minus `times`, + high * the other 16; as F
//   MinusSums<step, r, n>(low, high, sums, out)   out[t][r] = -(low * the sum of 16 activations
//                            + high * that of the other 16), where `times` is 1; as F
//   ToFloat(I)
#ifndef HEARTH_KERNELS_FORMATS_INL_H_
#define HEARTH_KERNELS_FORMATS_INL_H_

#include <stdint.h>
#include <string.h>

#include "kernels/block.h"
#include "kernels/for_type.h"
#include "kernels/vectors-inl.h"

namespace hearth {
namespace {

HEARTH_INLINE uint16_t Load16(const uint8_t* p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

// 32 activations of several tokens: those of token t are t*n_block blocks further on.
struct BlockActivations {
  const int8_t* q;
  const float* d;
  const int32_t* offset;
  int64_t n_block;  // of a token
  HEARTH_INLINE const int8_t* Q(int64_t t) const { return q + t * n_block * kQ8Block; }
  HEARTH_INLINE float D(int64_t t) const { return d[t * n_block]; }
  HEARTH_INLINE int32_t Offset(int64_t t) const { return offset[t * n_block]; }
  // Further on by so many blocks, and tokens.
  HEARTH_INLINE BlockActivations At(int64_t block, int64_t token) const {
    const int64_t b = token * n_block + block;
    return {q + b * kQ8Block, d + b, offset + b, n_block};
  }
};

// y[0..16) = scale * q.
template <class V>
HEARTH_INLINE void StoreScaled(typename V::Bytes q, float scale, float* y) {
  Wide<V> v;
  V::ToFloats(q, v.r);
  for (int r = 0; r < Wide<V>::kRegisters; ++r)
    V::Store(y + r * V::kLanes, V::Mul(V::Set(scale), v.r[r]));
}

// y[0..16) = scale * q + offset in one rounding.
template <class V>
HEARTH_INLINE void StoreAffine(typename V::Bytes q, float scale, float offset, float* y) {
  Wide<V> v;
  V::ToFloats(q, v.r);
  for (int r = 0; r < Wide<V>::kRegisters; ++r)
    V::Store(y + r * V::kLanes, V::Fma(V::Set(scale), v.r[r], V::Set(offset)));
}

// Four columns of kRegisters registers of rows.
template <class V, int kRegisters>
using Columns16 = typename V::I[kRegisters][4];

// Registers first.. of acc[t] += (d * x.d[t]) * dot[t].
template <class V, int kRegisters, int kTokens>
HEARTH_INLINE void AddScaled(const typename V::F* d, const BlockActivations& x,
                             const typename V::F (*dot)[kRegisters], Wide<V>* acc, int first) {
  for (int t = 0; t < kTokens; ++t) {
    const typename V::F dx = V::Set(x.D(t));
    for (int r = 0; r < kRegisters; ++r)
      acc[t].r[first + r] = V::Fma(V::Mul(d[r], dx), dot[t][r], acc[t].r[first + r]);
  }
}

template <class V, int kRegisters, int kTokens>
HEARTH_INLINE void ToFloats(const typename V::I (*dot)[kRegisters],
                            typename V::F (*out)[kRegisters]) {
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < kRegisters; ++r) out[t][r] = V::ToFloat(dot[t][r]);
  }
}

// kRegisters of a group's rows.
template <class V, TensorType kType, int kRegisters = Wide<V>::kRegisters>
struct Quantised;

// What formats of 32 weights have in common.
template <TensorType kBlockType>
struct Block32 {
  static constexpr TensorType kType = kBlockType;
  static constexpr int kSteps = 1;
  struct Sums {};  // nothing is asked for once

  static HEARTH_INLINE void Begin(const BlockActivations&, int64_t, Sums*) {}
};

template <class V, int kRegisters>
HEARTH_INLINE void SplitNibbles(const Columns16<V, kRegisters>& column, typename V::I (*w)[8]) {
  for (int r = 0; r < kRegisters; ++r) {
    for (int j = 0; j < 4; ++j) {
      w[r][j] = V::LowNibbles(column[r][j]);
      w[r][j + 4] = V::HighNibbles(column[r][j]);
    }
  }
}

template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ4_0, kRegisters> : Block32<TensorType::kQ4_0> {
  using Block32<TensorType::kQ4_0>::Sums;
  typename V::I w[kRegisters][8];  // nibbles; the offset makes them -8..7
  typename V::F d[kRegisters];

  static HEARTH_INLINE void Dequantize(const uint8_t* block, float* y) {
    const float scale = V::HalfToFloat(Load16(block));
    const typename V::Bytes bytes = V::LoadBytes(block + 2);
    StoreScaled<V>(V::SubBytes(V::LowNibbles(bytes), 8), scale, y);
    StoreScaled<V>(V::SubBytes(V::HighNibbles(bytes), 8), scale, y + 16);
  }

  template <int kStep, class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int at) {
    Columns16<V, kRegisters> column;
    LoadPiece<V, TensorType::kQ4_0, kRegisters>(group, b, at, 0, column);
    SplitNibbles<V, kRegisters>(column, w);
    LoadHalves<V, TensorType::kQ4_0, kRegisters>(group, b, at, 0, d);
  }

  template <int kStep, int kTokens>
  HEARTH_INLINE void Add(const BlockActivations& x, const Sums*, Wide<V>* acc, int at) const {
    int32_t start[kTokens];
    for (int t = 0; t < kTokens; ++t) start[t] = x.Offset(t);
    typename V::I dot[kTokens][kRegisters];
    V::template DotNibbles<kRegisters, kTokens>(w, x, start, dot);
    typename V::F sum[kTokens][kRegisters];
    ToFloats<V, kRegisters, kTokens>(dot, sum);
    AddScaled<V, kRegisters, kTokens>(d, x, sum, acc, at);
  }
};

template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ4_1, kRegisters> : Block32<TensorType::kQ4_1> {
  using Block32<TensorType::kQ4_1>::Sums;
  typename V::I w[kRegisters][8];
  typename V::F d[kRegisters];
  typename V::F m[kRegisters];

  static HEARTH_INLINE void Dequantize(const uint8_t* block, float* y) {
    const float scale = V::HalfToFloat(Load16(block));
    const float offset = V::HalfToFloat(Load16(block + 2));
    const typename V::Bytes bytes = V::LoadBytes(block + 4);
    StoreAffine<V>(V::LowNibbles(bytes), scale, offset, y);
    StoreAffine<V>(V::HighNibbles(bytes), scale, offset, y + 16);
  }

  template <int kStep, class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int at) {
    Columns16<V, kRegisters> column;
    LoadPiece<V, TensorType::kQ4_1, kRegisters>(group, b, at, 0, column);
    SplitNibbles<V, kRegisters>(column, w);
    LoadHalves<V, TensorType::kQ4_1, kRegisters>(group, b, at, 0, d);
    LoadHalves<V, TensorType::kQ4_1, kRegisters>(group, b, at, 1, m);
  }

  template <int kStep, int kTokens>
  HEARTH_INLINE void Add(const BlockActivations& x, const Sums*, Wide<V>* acc, int at) const {
    const int32_t start[kTokens] = {};
    typename V::I dot[kTokens][kRegisters];
    V::template DotNibbles<kRegisters, kTokens>(w, x, start, dot);
    typename V::F sum[kTokens][kRegisters];
    ToFloats<V, kRegisters, kTokens>(dot, sum);
    AddScaled<V, kRegisters, kTokens>(d, x, sum, acc, at);
    for (int t = 0; t < kTokens; ++t) {
      const float sum_of_x = -0.125f * static_cast<float>(x.Offset(t));  // exact
      for (int r = 0; r < kRegisters; ++r) sum[t][r] = V::Set(sum_of_x);
    }
    AddScaled<V, kRegisters, kTokens>(m, x, sum, acc, at);
  }
};

template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ8_0, kRegisters> : Block32<TensorType::kQ8_0> {
  using Block32<TensorType::kQ8_0>::Sums;
  typename V::I w[kRegisters][8];  // SignedWeights
  typename V::F d[kRegisters];

  static HEARTH_INLINE void Dequantize(const uint8_t* block, float* y) {
    const float scale = V::HalfToFloat(Load16(block));
    StoreScaled<V>(V::LoadBytes(block + 2), scale, y);
    StoreScaled<V>(V::LoadBytes(block + 18), scale, y + 16);
  }

  template <int kStep, class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int at) {
    for (int piece = 0; piece < 2; ++piece) {
      Columns16<V, kRegisters> column;
      LoadPiece<V, TensorType::kQ8_0, kRegisters>(group, b, at, piece, column);
      for (int r = 0; r < kRegisters; ++r) {
        for (int j = 0; j < 4; ++j) w[r][4 * piece + j] = V::SignedWeights(column[r][j]);
      }
    }
    LoadHalves<V, TensorType::kQ8_0, kRegisters>(group, b, at, 0, d);
  }

  template <int kStep, int kTokens>
  HEARTH_INLINE void Add(const BlockActivations& x, const Sums*, Wide<V>* acc, int at) const {
    typename V::I dot[kTokens][kRegisters];
    V::template DotSigned<kRegisters, kTokens>(w, x, dot);
    typename V::F sum[kTokens][kRegisters];
    ToFloats<V, kRegisters, kTokens>(dot, sum);
    AddScaled<V, kRegisters, kTokens>(d, x, sum, acc, at);
  }
};

// Q6_K's step s is quarter s % 4 of half s / 4. The products of each 16 weights have a scale of
// their own; |sum| <= 16*32*127, times |scale| <= 128, twice, is below 2^24, and so exact as a
// float too.
template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ6_K, kRegisters> {
  static constexpr TensorType kType = TensorType::kQ6_K;
  static constexpr int kSteps = 8;
  static constexpr int kScalePiece = 12;
  struct Sums {
    int32_t of[16];
  };
  typename V::I w[kRegisters][8];   // 0..63
  Columns16<V, kRegisters> scales;  // two bytes a quarter
  typename V::F d[kRegisters];

  // The pieces of low nibbles and high bit pairs; l is the first or second 16 weights of a step.
  static HEARTH_INLINE constexpr int LowPiece(int step, int l) {
    return 4 * (step / 4) + 2 * (step & 1) + l;
  }
  static HEARTH_INLINE constexpr int HighPiece(int step, int l) { return 8 + 2 * (step / 4) + l; }

  template <int kStep = 0>
  static HEARTH_INLINE void DequantizeFrom(const uint8_t* block, float scale, float* y) {
    for (int l = 0; l < 2; ++l) {
      const typename V::Bytes low = V::LoadBytes(block + 16 * LowPiece(kStep, l));
      const typename V::Bytes high = V::LoadBytes(block + 16 * HighPiece(kStep, l));
      const int8_t of_16 = static_cast<int8_t>(block[16 * kScalePiece + 2 * kStep + l]);
      StoreScaled<V>(V::SubBytes(V::template SixBits<kStep % 4>(low, high), 32),
                     scale * static_cast<float>(of_16), y + 32 * kStep + 16 * l);
    }
    if constexpr (kStep + 1 < kSteps) DequantizeFrom<kStep + 1>(block, scale, y);
  }
  static HEARTH_INLINE void Dequantize(const uint8_t* block, float* y) {
    DequantizeFrom(block, V::HalfToFloat(Load16(block + kPartsOf<kType>.half_at[0])), y);
  }

  static HEARTH_INLINE void Begin(const BlockActivations& x, int64_t n, Sums* sums) {
    for (int64_t t = 0; t < n; ++t) V::template SumsOf16<32>(x.Q(t), sums[t].of);
  }

  template <int kStep, class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int at) {
    if constexpr (kStep == 0) {
      LoadPiece<V, TensorType::kQ6_K, kRegisters>(group, b, at, kScalePiece, scales);
      LoadHalves<V, TensorType::kQ6_K, kRegisters>(group, b, at, 0, d);
    }
    for (int l = 0; l < 2; ++l) {
      Columns16<V, kRegisters> low;
      Columns16<V, kRegisters> high;
      LoadPiece<V, TensorType::kQ6_K, kRegisters>(group, b, at, LowPiece(kStep, l), low);
      LoadPiece<V, TensorType::kQ6_K, kRegisters>(group, b, at, HighPiece(kStep, l), high);
      for (int r = 0; r < kRegisters; ++r) {
        for (int j = 0; j < 4; ++j)
          w[r][4 * l + j] = V::template SixBits<kStep % 4>(low[r][j], high[r][j]);
      }
    }
  }

  template <int kStep, int kTokens>
  HEARTH_INLINE void Add(const BlockActivations& x, const Sums* sums, Wide<V>* acc, int at) const {
    typename V::Scale16 first[kRegisters];
    typename V::Scale16 second[kRegisters];
    for (int r = 0; r < kRegisters; ++r) {
      first[r] = V::template ScaleOfByte<2 * (kStep & 1)>(scales[r][kStep / 2]);
      second[r] = V::template ScaleOfByte<2 * (kStep & 1) + 1>(scales[r][kStep / 2]);
    }
    typename V::F dot[kTokens][kRegisters];
    V::template DotHalves<kStep, true, kRegisters, kTokens>(w, first, second, x, sums, dot);
    AddScaled<V, kRegisters, kTokens>(d, x, dot, acc, at);
  }
};

// 16 numbers 0..31: bit i of `bits` is the fifth of byte i of nibbles, low or high ones.
template <class V>
HEARTH_INLINE typename V::Bytes FiveBits(const uint8_t* bytes, bool high, uint32_t bits) {
  uint8_t q[16];
  for (int i = 0; i < 16; ++i) {
    const uint32_t nibble = high ? bytes[i] >> 4 : bytes[i] & 0xfu;
    q[i] = static_cast<uint8_t>(nibble | (bits >> i & 1) << 4);
  }
  return V::LoadBytes(q);
}

// Adds the fifth bits of a block of 32, which are two of its two-byte parts from kFirstHalf on.
template <class V, TensorType kType, int kFirstHalf, int kRegisters, class Group>
HEARTH_INLINE void AddFifthBits(const Group& group, int64_t b, int at, typename V::I (*w)[8]) {
  for (int l = 0; l < 2; ++l) {
    typename V::I bits[kRegisters];
    LoadShorts<V, kType, kRegisters>(group, b, at, kFirstHalf + l, bits);
    for (int r = 0; r < kRegisters; ++r) {
      w[r][4 * l] = V::template AddFifthBits<0>(w[r][4 * l], bits[r]);
      w[r][4 * l + 1] = V::template AddFifthBits<1>(w[r][4 * l + 1], bits[r]);
      w[r][4 * l + 2] = V::template AddFifthBits<2>(w[r][4 * l + 2], bits[r]);
      w[r][4 * l + 3] = V::template AddFifthBits<3>(w[r][4 * l + 3], bits[r]);
    }
  }
}

template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ5_0, kRegisters> : Block32<TensorType::kQ5_0> {
  using Block32<TensorType::kQ5_0>::Sums;
  typename V::I w[kRegisters][8];  // 0..31; the start makes them -16..15
  typename V::F d[kRegisters];

  static HEARTH_INLINE void Dequantize(const uint8_t* block, float* y) {
    const float scale = V::HalfToFloat(Load16(block));
    for (int l = 0; l < 2; ++l) {
      const typename V::Bytes q = FiveBits<V>(block + 6, l == 1, Load16(block + 2 + 2 * l));
      StoreScaled<V>(V::SubBytes(q, 16), scale, y + 16 * l);
    }
  }

  template <int kStep, class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int at) {
    Columns16<V, kRegisters> column;
    LoadPiece<V, TensorType::kQ5_0, kRegisters>(group, b, at, 0, column);
    SplitNibbles<V, kRegisters>(column, w);
    AddFifthBits<V, TensorType::kQ5_0, 1, kRegisters>(group, b, at, w);
    LoadHalves<V, TensorType::kQ5_0, kRegisters>(group, b, at, 0, d);
  }

  template <int kStep, int kTokens>
  HEARTH_INLINE void Add(const BlockActivations& x, const Sums*, Wide<V>* acc, int at) const {
    int32_t start[kTokens];
    for (int t = 0; t < kTokens; ++t) start[t] = 2 * x.Offset(t);
    typename V::I dot[kTokens][kRegisters];
    V::template DotFiveBits<kRegisters, kTokens>(w, x, start, dot);
    typename V::F sum[kTokens][kRegisters];
    ToFloats<V, kRegisters, kTokens>(dot, sum);
    AddScaled<V, kRegisters, kTokens>(d, x, sum, acc, at);
  }
};

template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ5_1, kRegisters> : Block32<TensorType::kQ5_1> {
  using Block32<TensorType::kQ5_1>::Sums;
  typename V::I w[kRegisters][8];
  typename V::F d[kRegisters];
  typename V::F m[kRegisters];

  static HEARTH_INLINE void Dequantize(const uint8_t* block, float* y) {
    const float scale = V::HalfToFloat(Load16(block));
    const float offset = V::HalfToFloat(Load16(block + 2));
    for (int l = 0; l < 2; ++l) {
      const typename V::Bytes q = FiveBits<V>(block + 8, l == 1, Load16(block + 4 + 2 * l));
      StoreAffine<V>(q, scale, offset, y + 16 * l);
    }
  }

  template <int kStep, class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int at) {
    Columns16<V, kRegisters> column;
    LoadPiece<V, TensorType::kQ5_1, kRegisters>(group, b, at, 0, column);
    SplitNibbles<V, kRegisters>(column, w);
    AddFifthBits<V, TensorType::kQ5_1, 2, kRegisters>(group, b, at, w);
    LoadHalves<V, TensorType::kQ5_1, kRegisters>(group, b, at, 0, d);
    LoadHalves<V, TensorType::kQ5_1, kRegisters>(group, b, at, 1, m);
  }

  template <int kStep, int kTokens>
  HEARTH_INLINE void Add(const BlockActivations& x, const Sums*, Wide<V>* acc, int at) const {
    const int32_t start[kTokens] = {};
    typename V::I dot[kTokens][kRegisters];
    V::template DotFiveBits<kRegisters, kTokens>(w, x, start, dot);
    typename V::F sum[kTokens][kRegisters];
    ToFloats<V, kRegisters, kTokens>(dot, sum);
    AddScaled<V, kRegisters, kTokens>(d, x, sum, acc, at);
    for (int t = 0; t < kTokens; ++t) {
      const float sum_of_x = -0.125f * static_cast<float>(x.Offset(t));  // exact
      for (int r = 0; r < kRegisters; ++r) sum[t][r] = V::Set(sum_of_x);
    }
    AddScaled<V, kRegisters, kTokens>(m, x, sum, acc, at);
  }
};

// Q4_K and Q5_K, whose step s is 32-block s: the low or high nibbles of pieces 2*(s/2) and the
// next, and in Q5_K bit s of the bytes of two pieces before them. The products of the integers are
// below 2^24, and so exact as floats too.
template <class V, TensorType kBlockType, int kRegisters>
struct WithMinima {
  static constexpr TensorType kType = kBlockType;
  static constexpr bool kHasFifthBits = kType == TensorType::kQ5_K;
  static constexpr int kSteps = 8;
  static constexpr int kFirstNibbles = kHasFifthBits ? 3 : 1;  // pieces
  struct Sums {};                                              // nothing is asked for once
  typename V::I w[kRegisters][8];
  typename V::I scales[kRegisters][2];
  typename V::I minima[kRegisters][2];
  typename V::F d[kRegisters];
  typename V::F dmin[kRegisters];

  static HEARTH_INLINE void Dequantize(const uint8_t* block, float* y) {
    const float d_all = V::HalfToFloat(Load16(block));
    const float dmin_all = V::HalfToFloat(Load16(block + 2));
    for (int s = 0; s < kSteps; ++s) {
      const ScaleAndMinimum of_32 = ScaleAndMinimumOf(block + 4, s);
      const float scale = d_all * static_cast<float>(of_32.scale);
      const float offset = -(dmin_all * static_cast<float>(of_32.minimum));
      for (int l = 0; l < 2; ++l) {
        const uint8_t* bytes = block + 16 * (kFirstNibbles + 2 * (s / 2) + l);
        uint32_t bits = 0;
        for (int i = 0; kHasFifthBits && i < 16; ++i)
          bits |= (block[16 * (1 + l) + i] >> s & 1u) << i;
        StoreAffine<V>(FiveBits<V>(bytes, s % 2 == 1, bits), scale, offset, y + 32 * s + 16 * l);
      }
    }
  }

  static HEARTH_INLINE void Begin(const BlockActivations&, int64_t, Sums*) {}

  template <int kStep, class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int at) {
    if constexpr (kStep == 0) {
      Columns16<V, kRegisters> first;
      LoadPiece<V, kType, kRegisters>(group, b, at, 0, first);
      for (int r = 0; r < kRegisters; ++r) {
        d[r] = V::LowHalf(first[r][0]);
        dmin[r] = V::HighHalf(first[r][0]);
        V::SixBitPairs(first[r] + 1, scales[r], minima[r]);
      }
    }
    for (int l = 0; l < 2; ++l) {
      Columns16<V, kRegisters> column;
      LoadPiece<V, kType, kRegisters>(group, b, at, kFirstNibbles + 2 * (kStep / 2) + l, column);
      for (int r = 0; r < kRegisters; ++r) {
        for (int j = 0; j < 4; ++j) {
          w[r][4 * l + j] =
              kStep % 2 == 0 ? V::LowNibbles(column[r][j]) : V::HighNibbles(column[r][j]);
        }
      }
      if constexpr (kHasFifthBits) {
        LoadPiece<V, kType, kRegisters>(group, b, at, 1 + l, column);
        for (int r = 0; r < kRegisters; ++r) {
          for (int j = 0; j < 4; ++j)
            w[r][4 * l + j] = V::template AddBit<kStep, 4>(w[r][4 * l + j], column[r][j]);
        }
      }
    }
  }

  template <int kStep, int kTokens>
  HEARTH_INLINE void Add(const BlockActivations& x, const Sums*, Wide<V>* acc, int at) const {
    const int32_t start[kTokens] = {};
    typename V::I dot[kTokens][kRegisters];
    if constexpr (kHasFifthBits) {
      V::template DotFiveBits<kRegisters, kTokens>(w, x, start, dot);
    } else {
      V::template DotNibbles<kRegisters, kTokens>(w, x, start, dot);
    }
    typename V::F sum[kTokens][kRegisters];
    ToFloats<V, kRegisters, kTokens>(dot, sum);
    for (int r = 0; r < kRegisters; ++r) {
      const typename V::F scale = V::template ByteToFloat<kStep % 4>(scales[r][kStep / 4]);
      for (int t = 0; t < kTokens; ++t) sum[t][r] = V::Mul(scale, sum[t][r]);
    }
    AddScaled<V, kRegisters, kTokens>(d, x, sum, acc, at);
    for (int r = 0; r < kRegisters; ++r) {
      const typename V::F minimum = V::template ByteToFloat<kStep % 4>(minima[r][kStep / 4]);
      for (int t = 0; t < kTokens; ++t) {
        const float minus_sum_of_x = 0.125f * static_cast<float>(x.Offset(t));  // exact
        sum[t][r] = V::Mul(minimum, V::Set(minus_sum_of_x));
      }
    }
    AddScaled<V, kRegisters, kTokens>(dmin, x, sum, acc, at);
  }
};
template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ4_K, kRegisters> : WithMinima<V, TensorType::kQ4_K, kRegisters> {
};
template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ5_K, kRegisters> : WithMinima<V, TensorType::kQ5_K, kRegisters> {
};

// Q2_K and Q3_K, whose step s is 32-block s: bit pair s % 4 of the bytes of two pieces for each
// half of the super-block, and in Q3_K bit s of those of the first two. Each 16 weights have a
// scale of their own. The products of the integers are below 2^24, and so exact as floats too.
template <class V, TensorType kBlockType, int kRegisters>
struct WithBitPairs {
  static constexpr TensorType kType = kBlockType;
  static constexpr bool kHasMinima = kType == TensorType::kQ2_K;  // else third bits
  static constexpr int kSteps = 8;
  static constexpr int kFirstPairs = kHasMinima ? 1 : 2;  // pieces
  struct Sums {
    int32_t of[16];
  };
  typename V::I w[kRegisters][8];   // 0..3, or 0..7 that stand for -4..3
  Columns16<V, kRegisters> scales;  // a byte for each 16 weights
  Columns16<V, kRegisters> minima;
  typename V::F d[kRegisters];
  typename V::F dmin[kRegisters];

  static HEARTH_INLINE void Dequantize(const uint8_t* block, float* y) {
    const auto half = [block](int i) {
      return V::HalfToFloat(Load16(block + kPartsOf<kType>.half_at[i]));
    };
    const float d_all = half(kHasMinima ? 0 : 6);
    for (int i = 0; i < 16; ++i) {
      const int step = i / 2;
      const uint8_t* pairs = block + 16 * (kFirstPairs + 2 * (step / 4) + i % 2);
      uint8_t q[16];
      for (int j = 0; j < 16; ++j) {
        q[j] = pairs[j] >> 2 * (step % 4) & 3;
        if (!kHasMinima)
          q[j] = static_cast<uint8_t>(q[j] | (block[16 * (i % 2) + j] >> step & 1) << 2);
      }
      const typename V::Bytes bytes = V::LoadBytes(q);
      if constexpr (kHasMinima) {
        const float minimum = half(1) * static_cast<float>(block[i] >> 4);
        StoreAffine<V>(bytes, d_all * static_cast<float>(block[i] & 0xf), -minimum, y + 16 * i);
      } else {
        const int scale = ThreeBitScaleOf(block + 96, i);
        StoreScaled<V>(V::SubBytes(bytes, 4), d_all * static_cast<float>(scale), y + 16 * i);
      }
    }
  }

  static HEARTH_INLINE void Begin(const BlockActivations& x, int64_t n, Sums* sums) {
    for (int64_t t = 0; t < n; ++t) V::template SumsOf16<kHasMinima ? 1 : 4>(x.Q(t), sums[t].of);
  }

  template <class Group>
  HEARTH_INLINE void LoadScales(const Group& group, int64_t b, int at) {
    if constexpr (kHasMinima) {
      Columns16<V, kRegisters> column;
      LoadPiece<V, kType, kRegisters>(group, b, at, 0, column);
      for (int r = 0; r < kRegisters; ++r) {
        for (int j = 0; j < 4; ++j) {
          scales[r][j] = V::LowNibbles(column[r][j]);
          minima[r][j] = V::HighNibbles(column[r][j]);
        }
      }
      LoadHalves<V, kType, kRegisters>(group, b, at, 0, d);
      LoadHalves<V, kType, kRegisters>(group, b, at, 1, dmin);
    } else {
      typename V::I low[6][kRegisters];
      for (int j = 0; j < 6; ++j) LoadShorts<V, kType, kRegisters>(group, b, at, j, low[j]);
      for (int r = 0; r < kRegisters; ++r) {
        const typename V::I first = V::JoinShorts(low[0][r], low[1][r]);
        const typename V::I second = V::JoinShorts(low[2][r], low[3][r]);
        const typename V::I high = V::JoinShorts(low[4][r], low[5][r]);
        // Nibbles and pairs of bits lie as those of Q6_K do.
        scales[r][0] = V::SubBytes(V::template SixBits<0>(first, high), 32);
        scales[r][1] = V::SubBytes(V::template SixBits<1>(second, high), 32);
        scales[r][2] = V::SubBytes(V::template SixBits<2>(first, high), 32);
        scales[r][3] = V::SubBytes(V::template SixBits<3>(second, high), 32);
      }
      LoadHalves<V, kType, kRegisters>(group, b, at, 6, d);
    }
  }

  template <int kStep, class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int at) {
    if constexpr (kStep == 0) LoadScales(group, b, at);
    for (int l = 0; l < 2; ++l) {
      Columns16<V, kRegisters> column;
      LoadPiece<V, kType, kRegisters>(group, b, at, kFirstPairs + 2 * (kStep / 4) + l, column);
      for (int r = 0; r < kRegisters; ++r) {
        for (int j = 0; j < 4; ++j) w[r][4 * l + j] = V::template BitPair<kStep % 4>(column[r][j]);
      }
      if constexpr (!kHasMinima) {
        LoadPiece<V, kType, kRegisters>(group, b, at, l, column);
        for (int r = 0; r < kRegisters; ++r) {
          for (int j = 0; j < 4; ++j)
            w[r][4 * l + j] = V::template AddBit<kStep, 2>(w[r][4 * l + j], column[r][j]);
        }
      }
    }
  }

  // Of the two halves of a step.
  template <int kStep>
  static HEARTH_INLINE void ScalesOf(const Columns16<V, kRegisters>& column,
                                     typename V::Scale16* first, typename V::Scale16* second) {
    for (int r = 0; r < kRegisters; ++r) {
      first[r] = V::template ScaleOfByte<2 * (kStep & 1)>(column[r][kStep / 2]);
      second[r] = V::template ScaleOfByte<2 * (kStep & 1) + 1>(column[r][kStep / 2]);
    }
  }

  template <int kStep, int kTokens>
  HEARTH_INLINE void Add(const BlockActivations& x, const Sums* sums, Wide<V>* acc, int at) const {
    typename V::Scale16 first[kRegisters];
    typename V::Scale16 second[kRegisters];
    ScalesOf<kStep>(scales, first, second);
    typename V::F sum[kTokens][kRegisters];
    V::template DotHalves<kStep, !kHasMinima, kRegisters, kTokens>(w, first, second, x, sums, sum);
    AddScaled<V, kRegisters, kTokens>(d, x, sum, acc, at);
    if constexpr (kHasMinima) {
      ScalesOf<kStep>(minima, first, second);
      V::template MinusSums<kStep, kRegisters, kTokens>(first, second, sums, sum);
      AddScaled<V, kRegisters, kTokens>(dmin, x, sum, acc, at);
    }
  }
};
template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ2_K, kRegisters>
    : WithBitPairs<V, TensorType::kQ2_K, kRegisters> {};
template <class V, int kRegisters>
struct Quantised<V, TensorType::kQ3_K, kRegisters>
    : WithBitPairs<V, TensorType::kQ3_K, kRegisters> {};

template <class V>
void DequantizeRow(TensorType type, const void* row, int64_t n, float* y) {
  const uint8_t* w = AsBytes(row);
  ForType(type, [&](auto tag) {
    constexpr TensorType kType = decltype(tag)::kValue;
    if constexpr (IsQuantized(kType)) {
      for (int64_t i = 0; i < n; i += BlockLength(kType), w += BlockBytes(kType))
        Quantised<V, kType>::Dequantize(w, y + i);
    } else {
      ConvertRow<V, FloatWeights<kType>>(w, n, y);
    }
  });
}

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_FORMATS_INL_H_
