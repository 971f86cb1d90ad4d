// Primitives of AVX2 with FMA and F16C (Haswell, Zen and later); avxvnni.cc has the same with other
// products of bytes. Without vpdpbusd, products are added in pairs to 16-bit integers (vpmaddubsw,
// unsigned by signed) as long as they provably fit, then in pairs of those to 32 bits (vpmaddwd).
#ifndef HEARTH_KERNELS_AVX2_INL_H_
#define HEARTH_KERNELS_AVX2_INL_H_

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/table-inl.h"
#include "kernels/x86-inl.h"

namespace hearth {
namespace {

struct Avx2 : X86 {
  static constexpr int kLanes = 8;
  using F = __m256;
  using I = __m256i;
  struct Mask {
    I bits;
    int64_t n;  // lanes
  };
  using Scale16 = I;

  static constexpr int kTokens = 32;
  static constexpr int kTokenTile = 2;  // 4 sums of pairs and 16 registers of weights: few spills
  static constexpr int kFloatTokens = 1;
  static constexpr int FloatRows(int) { return 4; }  // 8 chains of fma
  // 8 to 12 chains, beside the values and a weight in sixteen registers.
  static constexpr int kValueHeads = 6;
  static constexpr int ValueRegisters(int heads) { return heads == 1 ? 8 : heads <= 3 ? 4 : 2; }

  static HEARTH_INLINE F Zero() { return _mm256_setzero_ps(); }
  static HEARTH_INLINE F Set(float x) { return _mm256_set1_ps(x); }
  static HEARTH_INLINE F Add(F a, F b) { return _mm256_add_ps(a, b); }
  static HEARTH_INLINE F Sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static HEARTH_INLINE F Mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static HEARTH_INLINE F Div(F a, F b) { return _mm256_div_ps(a, b); }
  static HEARTH_INLINE F Fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static HEARTH_INLINE F FmaSub(F a, F b, F c) { return _mm256_fmsub_ps(a, b, c); }
  static HEARTH_INLINE F Max(F a, F b) { return _mm256_max_ps(a, b); }
  // vmaxps gives its second operand for two zeros too.
  static HEARTH_INLINE F Relu(F x) { return _mm256_max_ps(Zero(), x); }

  static HEARTH_INLINE Mask FirstLanes(int64_t n) {
    const int lanes = n > kLanes ? kLanes : static_cast<int>(n);
    const I index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return {_mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), index), lanes};
  }
  static HEARTH_INLINE F Select(const Mask& mask, F a, F b) {
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(mask.bits));
  }
  static HEARTH_INLINE F Add(F a, F b, const Mask& mask) { return Select(mask, Add(a, b), b); }
  static HEARTH_INLINE F Max(F a, F b, const Mask& mask) { return Select(mask, Max(a, b), b); }
  static HEARTH_INLINE F Fma(F a, F b, F c, const Mask& mask) {
    return Select(mask, Fma(a, b, c), c);
  }

  static HEARTH_INLINE F Load(const void* p) {
    return _mm256_loadu_ps(static_cast<const float*>(p));
  }
  static HEARTH_INLINE F Load(const void* p, const Mask& mask) {
    return _mm256_maskload_ps(static_cast<const float*>(p), mask.bits);
  }
  static HEARTH_INLINE void Store(float* p, F v) { _mm256_storeu_ps(p, v); }
  static HEARTH_INLINE void Store(float* p, F v, const Mask& mask) {
    _mm256_maskstore_ps(p, mask.bits, v);
  }
  static HEARTH_INLINE __m128i Load16s(const void* p, const Mask& mask) {
    uint16_t v[kLanes] = {};
    memcpy(v, p, 2 * static_cast<size_t>(mask.n));
    return LoadBytes(v);
  }
  static HEARTH_INLINE F LoadHalf(const void* p) { return _mm256_cvtph_ps(LoadBytes(p)); }
  static HEARTH_INLINE F LoadHalf(const void* p, const Mask& mask) {
    return _mm256_cvtph_ps(Load16s(p, mask));
  }
  static HEARTH_INLINE F UpperHalf(__m128i v) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16));
  }
  static HEARTH_INLINE F LoadBf16(const void* p) { return UpperHalf(LoadBytes(p)); }
  static HEARTH_INLINE F LoadBf16(const void* p, const Mask& mask) {
    return UpperHalf(Load16s(p, mask));
  }
  static HEARTH_INLINE __m128i ToHalf(F v) {
    return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static HEARTH_INLINE void StoreHalf(uint16_t* p, F v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), ToHalf(v));
  }
  static HEARTH_INLINE void StoreHalf(uint16_t* p, F v, const Mask& mask) {
    const __m128i half = ToHalf(v);
    memcpy(p, &half, 2 * static_cast<size_t>(mask.n));
  }

  static HEARTH_INLINE F Round(F x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static HEARTH_INLINE F PowerOfTwo(F n) {
    const I exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  }
  static HEARTH_INLINE F ZeroBelow(F x, F limit, F v) {
    return _mm256_and_ps(_mm256_cmp_ps(x, limit, _CMP_NLT_UQ), v);
  }
  static HEARTH_INLINE int Equal(F a, F b, const Mask& mask) {
    const F equal = _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ), _mm256_castsi256_ps(mask.bits));
    const int hit = _mm256_movemask_ps(equal);
    int lane = 0;
    while (hit != 0 && (hit >> lane & 1) == 0) ++lane;
    return hit != 0 ? lane : -1;
  }

  static HEARTH_INLINE __m128 SumsOf4(const F* s) {
    const F s8 = Add(s[0], s[1]);
    return _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  }
  static HEARTH_INLINE float Reduce(const F* s) { return Reduce4x1(SumsOf4(s)); }
  static HEARTH_INLINE void Reduce4(const F* a, const F* b, const F* c, const F* d, float* p) {
    _mm_storeu_ps(p, Reduce4x4(SumsOf4(a), SumsOf4(b), SumsOf4(c), SumsOf4(d)));
  }
  static HEARTH_INLINE float MaxLane(F v) {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_shuffle_ps(m, m, 1)));
  }

  // Integers.

  static HEARTH_INLINE F ToFloat(I v) { return _mm256_cvtepi32_ps(v); }
  static HEARTH_INLINE I Magnitude(F x) {
    return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
  }
  static HEARTH_INLINE I MaxInt(I a, I b) { return _mm256_max_epi32(a, b); }
  static HEARTH_INLINE I AddInt(I a, I b) { return _mm256_add_epi32(a, b); }
  static HEARTH_INLINE int32_t MaxIntLane(I v) {
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
  }
  static HEARTH_INLINE int32_t SumLanes(I v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
  }
  static HEARTH_INLINE I RoundToInt(F x) { return _mm256_cvtps_epi32(x); }
  static HEARTH_INLINE I KeepInt(bool keep, I v) {
    return _mm256_and_si256(v, _mm256_set1_epi32(keep ? -1 : 0));
  }
  static HEARTH_INLINE void StoreBytes(int8_t* p, const I* v) {
    // Packing works within 128-bit halves: four bytes of each v come from its low half, then four
    // from its high half.
    const I bytes =
        _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
    StoreInts(p, _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
  }
  static HEARTH_INLINE void ToFloats(Bytes q, F* v) {
    v[0] = ToFloat(_mm256_cvtepi8_epi32(q));
    v[1] = ToFloat(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8)));
  }

  // Blocks.

  static HEARTH_INLINE I LoadInts(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static HEARTH_INLINE void StoreInts(void* p, I v) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), v);
  }
  using X86::HighNibbles;
  using X86::LowNibbles;
  using X86::SixBits;
  static HEARTH_INLINE I LowNibbles(I v) { return _mm256_and_si256(v, _mm256_set1_epi8(0xf)); }
  static HEARTH_INLINE I HighNibbles(I v) { return LowNibbles(_mm256_srli_epi16(v, 4)); }
  template <int kQuarter>
  static HEARTH_INLINE I SixBits(I low, I high) {
    if constexpr (kQuarter >= 2) low = _mm256_srli_epi16(low, 4);
    if constexpr (kQuarter < 2) high = _mm256_slli_epi16(high, 4 - 2 * kQuarter);
    if constexpr (kQuarter == 3) high = _mm256_srli_epi16(high, 2);
    return _mm256_or_si256(LowNibbles(low), _mm256_and_si256(high, _mm256_set1_epi8(0x30)));
  }
  template <int kQuarter>
  static HEARTH_INLINE I BitPair(I v) {
    return _mm256_and_si256(_mm256_srli_epi16(v, 2 * kQuarter), _mm256_set1_epi8(3));
  }
  using X86::SubBytes;
  static HEARTH_INLINE I SubBytes(I v, int8_t c) { return _mm256_sub_epi8(v, _mm256_set1_epi8(c)); }

  // Bits 4*kColumn.. of each lane, at 16 of its bytes: each byte gets the one with its bits, and
  // one of these is tested.
  template <int kColumn>
  static HEARTH_INLINE I AddFifthBits(I w, I bits) {
    constexpr char k = kColumn / 2;
    const __m128i pick = _mm_setr_epi8(k, k, k, k, k + 4, k + 4, k + 4, k + 4, k + 8, k + 8, k + 8,
                                       k + 8, k + 12, k + 12, k + 12, k + 12);
    const I bit = _mm256_set1_epi32(kColumn % 2 == 0 ? 0x08040201 : static_cast<int>(0x80402010u));
    const I picked = _mm256_shuffle_epi8(bits, _mm256_broadcastsi128_si256(pick));
    const I set = _mm256_cmpeq_epi8(_mm256_and_si256(picked, bit), bit);
    return _mm256_or_si256(w, _mm256_and_si256(set, _mm256_set1_epi8(0x10)));
  }
  template <int kBit, int kTo>
  static HEARTH_INLINE I AddBit(I w, I bits) {
    const I moved = kBit <= kTo ? _mm256_slli_epi16(bits, kBit <= kTo ? kTo - kBit : 0)
                                : _mm256_srli_epi16(bits, kBit <= kTo ? 0 : kBit - kTo);
    return _mm256_or_si256(w, _mm256_and_si256(moved, _mm256_set1_epi8(1 << kTo)));
  }
  static HEARTH_INLINE F HalvesToFloats(I v) {  // of lanes up to 0xffff
    const I packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(v, v), 0x08);
    return _mm256_cvtph_ps(_mm256_castsi256_si128(packed));
  }
  static HEARTH_INLINE F LowHalf(I v) {
    return HalvesToFloats(_mm256_and_si256(v, _mm256_set1_epi32(0xffff)));
  }
  static HEARTH_INLINE F HighHalf(I v) { return HalvesToFloats(_mm256_srli_epi32(v, 16)); }
  static HEARTH_INLINE void SixBitPairs(const I* column, I* scales, I* minima) {
    const I six = _mm256_set1_epi8(0x3f);
    const I pair = _mm256_set1_epi8(0x30);
    scales[0] = _mm256_and_si256(column[0], six);
    minima[0] = _mm256_and_si256(column[1], six);
    scales[1] = _mm256_or_si256(LowNibbles(column[2]),
                                _mm256_and_si256(_mm256_srli_epi16(column[0], 2), pair));
    minima[1] = _mm256_or_si256(HighNibbles(column[2]),
                                _mm256_and_si256(_mm256_srli_epi16(column[1], 2), pair));
  }
  template <int kByte>
  static HEARTH_INLINE F ByteToFloat(I v) {
    return ToFloat(_mm256_and_si256(_mm256_srli_epi32(v, 8 * kByte), _mm256_set1_epi32(0xff)));
  }

  static HEARTH_INLINE I JoinShorts(I low, I high) {
    return _mm256_or_si256(low, _mm256_slli_epi32(high, 16));
  }
  static HEARTH_INLINE I LoadShorts(const void* p) { return _mm256_cvtepu16_epi32(LoadBytes(p)); }
  template <class Group>
  static HEARTH_INLINE I GatherShorts(const Group& group, int i, size_t offset) {
    return _mm256_cvtepu16_epi32(Gather16(group, i, offset));
  }
  template <class Group>
  static HEARTH_INLINE I LoadRows(const Group& group, int i, size_t offset) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(LoadBytes(group.Row(i) + offset)),
                                   LoadBytes(group.Row(i + 4) + offset), 1);
  }
  template <class Group>
  static HEARTH_INLINE void LoadColumns(const Group& group, int i, size_t offset, I* column) {
    const I a = LoadRows(group, i, offset);
    const I b = LoadRows(group, i + 1, offset);
    const I c = LoadRows(group, i + 2, offset);
    const I d = LoadRows(group, i + 3, offset);
    const I ab_low = _mm256_unpacklo_epi32(a, b);
    const I ab_high = _mm256_unpackhi_epi32(a, b);
    const I cd_low = _mm256_unpacklo_epi32(c, d);
    const I cd_high = _mm256_unpackhi_epi32(c, d);
    column[0] = _mm256_unpacklo_epi64(ab_low, cd_low);
    column[1] = _mm256_unpackhi_epi64(ab_low, cd_low);
    column[2] = _mm256_unpacklo_epi64(ab_high, cd_high);
    column[3] = _mm256_unpackhi_epi64(ab_high, cd_high);
  }
  template <class Group>
  static HEARTH_INLINE F GatherHalves(const Group& group, int i, size_t offset) {
    return _mm256_cvtph_ps(Gather16(group, i, offset));
  }

  // Products of 16 rows with kCount tokens: a register of four activations serves two of weights,
  // and a register of weights all tokens.

  static HEARTH_INLINE I Broadcast4(const int8_t* q) { return _mm256_set1_epi32(Load32(q)); }

  // Sets pair[t][r] to the products of columns kFirst.. of kColumns registers, added to pairs of 16
  // bits that wrap: exact if the whole sum fits. w are unsigned bytes; two products must fit, that
  // is w <= 129.
  template <int kRegisters, int kCount, int kColumns>
  static HEARTH_INLINE void PairSums(const I (*w)[8], int first, const BlockActivations& x,
                                     I (*pair)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) {
      for (int r = 0; r < kRegisters; ++r) pair[t][r] = _mm256_setzero_si256();
    }
    HEARTH_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      for (int t = 0; t < kCount; ++t) {
        const I q = Broadcast4(x.Q(t) + 4 * (first + j));
        for (int r = 0; r < kRegisters; ++r) {
          pair[t][r] = _mm256_add_epi16(pair[t][r], _mm256_maddubs_epi16(w[r][first + j], q));
          HEARTH_IN_ORDER(pair[t][r]);
        }
      }
    }
  }

  // 16 products of at most 15*127 fit 16 bits (30480), so 32 columns need only one widening.
  template <int kRegisters, int kCount>
  static HEARTH_INLINE void DotNibbles(const I (*w)[8], const BlockActivations& x,
                                       const int32_t* start, I (*dot)[kRegisters]) {
    I pair[kCount][kRegisters];
    PairSums<kRegisters, kCount, 8>(w, 0, x, pair);
    for (int t = 0; t < kCount; ++t) {
      for (int r = 0; r < kRegisters; ++r) {
        dot[t][r] = _mm256_add_epi32(_mm256_madd_epi16(pair[t][r], _mm256_set1_epi16(1)),
                                     _mm256_set1_epi32(start[t]));
      }
    }
  }

  // 8 products of at most 31*127 fit 16 bits (31496).
  template <int kRegisters, int kCount>
  static HEARTH_INLINE void DotFiveBits(const I (*w)[8], const BlockActivations& x,
                                        const int32_t* start, I (*dot)[kRegisters]) {
    for (int l = 0; l < 2; ++l) {
      I pair[kCount][kRegisters];
      PairSums<kRegisters, kCount, 4>(w, 4 * l, x, pair);
      for (int t = 0; t < kCount; ++t) {
        for (int r = 0; r < kRegisters; ++r) {
          const I sum = _mm256_madd_epi16(pair[t][r], _mm256_set1_epi16(1));
          dot[t][r] = _mm256_add_epi32(l == 0 ? _mm256_set1_epi32(start[t]) : dot[t][r], sum);
        }
      }
    }
  }

  static HEARTH_INLINE I SignedWeights(I w) { return w; }
  // |w| times q with w's sign: 2*128*127 fits 16 bits, and q is never -128, whose negative does not
  // exist.
  template <int kRegisters, int kCount>
  static HEARTH_INLINE void DotSigned(const I (*w)[8], const BlockActivations& x,
                                      I (*dot)[kRegisters]) {
    HEARTH_UNROLL
    for (int j = 0; j < 8; ++j) {
      for (int r = 0; r < kRegisters; ++r) {
        const I magnitude = _mm256_abs_epi8(w[r][j]);
        for (int t = 0; t < kCount; ++t) {
          const I q = _mm256_sign_epi8(Broadcast4(x.Q(t) + 4 * j), w[r][j]);
          const I sum = _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, q), _mm256_set1_epi16(1));
          dot[t][r] = j == 0 ? sum : _mm256_add_epi32(dot[t][r], sum);
          HEARTH_IN_ORDER(dot[t][r]);
        }
      }
    }
  }

  // kTimes <= 32 the pair sums (two 16-bit integers in one number) of each 16 of 256 activations:
  // for half h and quarter s, those of the first 16 are at 8h + s, of the second at 8h + s + 4.
  template <int kTimes>
  static HEARTH_INLINE void SumsOf16(const int8_t* q, int32_t* sums) {
    const I w = _mm256_set1_epi8(kTimes);
    for (int i = 0; i < 2; ++i) {
      const I a = _mm256_maddubs_epi16(w, LoadInts(q + 128 * i));
      const I b = _mm256_maddubs_epi16(w, LoadInts(q + 128 * i + 32));
      const I c = _mm256_maddubs_epi16(w, LoadInts(q + 128 * i + 64));
      const I d = _mm256_maddubs_epi16(w, LoadInts(q + 128 * i + 96));
      const I ab = _mm256_add_epi16(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
      const I cd = _mm256_add_epi16(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
      StoreInts(sums + 8 * i,
                _mm256_add_epi16(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd)));
    }
  }
  // Sign-extended to both 16-bit halves of a lane.
  template <int kByte>
  static HEARTH_INLINE Scale16 ScaleOfByte(I v) {
    constexpr char kZero = static_cast<char>(0x80);
    const __m128i pick =
        _mm_setr_epi8(kZero, kByte, kZero, kByte, kZero, kByte + 4, kZero, kByte + 4, kZero,
                      kByte + 8, kZero, kByte + 8, kZero, kByte + 12, kZero, kByte + 12);
    return _mm256_srai_epi16(_mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(pick)), 8);
  }
  static constexpr int SumAt(int step) { return 8 * (step / 4) + step % 4; }
  // The activations times what is too much in a weight are taken out of the pair sums of each 16:
  // they may wrap before it, but 8 products of at most 32*127 fit 16 bits (32512) after it.
  template <int kStep, bool kLess, int kRegisters, int kCount, class Sums>
  static HEARTH_INLINE void DotHalves(const I (*w)[8], const Scale16* first, const Scale16* second,
                                      const BlockActivations& x, const Sums* sums,
                                      F (*dot)[kRegisters]) {
    I sum[kCount][kRegisters];
    for (int l = 0; l < 2; ++l) {
      I pair[kCount][kRegisters];
      PairSums<kRegisters, kCount, 4>(w, 4 * l, x, pair);
      for (int t = 0; t < kCount; ++t) {
        for (int r = 0; r < kRegisters; ++r) {
          I exact = pair[t][r];
          if constexpr (kLess)
            exact = _mm256_sub_epi16(exact, _mm256_set1_epi32(sums[t].of[SumAt(kStep) + 4 * l]));
          const I part = _mm256_madd_epi16(exact, l == 0 ? first[r] : second[r]);
          sum[t][r] = l == 0 ? part : _mm256_add_epi32(sum[t][r], part);
        }
      }
    }
    for (int t = 0; t < kCount; ++t) {
      for (int r = 0; r < kRegisters; ++r) dot[t][r] = ToFloat(sum[t][r]);
    }
  }
  template <int kStep, int kRegisters, int kCount, class Sums>
  static HEARTH_INLINE void MinusSums(const Scale16* first, const Scale16* second, const Sums* sums,
                                      F (*out)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) {
      const I low = _mm256_set1_epi32(sums[t].of[SumAt(kStep)]);
      const I high = _mm256_set1_epi32(sums[t].of[SumAt(kStep) + 4]);
      for (int r = 0; r < kRegisters; ++r) {
        const I sum =
            _mm256_add_epi32(_mm256_madd_epi16(low, first[r]), _mm256_madd_epi16(high, second[r]));
        out[t][r] = ToFloat(_mm256_sub_epi32(_mm256_setzero_si256(), sum));
      }
    }
  }
};

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_AVX2_INL_H_
