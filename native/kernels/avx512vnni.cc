// Kernels for AVX-512 F/BW/DQ/VL with VNNI (Ice Lake, Zen 4 and later). vpdpbusd adds four columns'
// products with four activations to one integer a row.
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/table-inl.h"
#include "kernels/x86-inl.h"

namespace hearth {
namespace {

struct Avx512 : X86 {
  static constexpr int kLanes = 16;
  using F = __m512;
  using I = __m512i;
  using Mask = __mmask16;
  using Scale16 = __m512;

  static constexpr int kTokens = 16;
  static constexpr int kTokenTile = 2;
  static constexpr int kFloatTokens = 6;
  static constexpr int FloatRows(int) { return 4; }
  // Enough chains to hide an fma's latency, and no more sums than registers.
  static constexpr int kValueHeads = 6;
  static constexpr int ValueRegisters(int heads) { return heads <= 3 ? 8 : 4; }

  static HEARTH_INLINE F Zero() { return _mm512_setzero_ps(); }
  static HEARTH_INLINE F Set(float x) { return _mm512_set1_ps(x); }
  static HEARTH_INLINE F Add(F a, F b) { return _mm512_add_ps(a, b); }
  static HEARTH_INLINE F Sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static HEARTH_INLINE F Mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static HEARTH_INLINE F Div(F a, F b) { return _mm512_div_ps(a, b); }
  static HEARTH_INLINE F Fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static HEARTH_INLINE F FmaSub(F a, F b, F c) { return _mm512_fmsub_ps(a, b, c); }
  static HEARTH_INLINE F Max(F a, F b) { return _mm512_max_ps(a, b); }
  // vmaxps gives its second operand for two zeros too.
  static HEARTH_INLINE F Relu(F x) { return _mm512_max_ps(Zero(), x); }

  static HEARTH_INLINE Mask FirstLanes(int64_t n) {
    return static_cast<Mask>(n >= kLanes ? 0xffffu : (1u << n) - 1);
  }
  static HEARTH_INLINE F Add(F a, F b, Mask mask) { return _mm512_mask_add_ps(b, mask, a, b); }
  static HEARTH_INLINE F Max(F a, F b, Mask mask) { return _mm512_mask_max_ps(b, mask, a, b); }
  static HEARTH_INLINE F Fma(F a, F b, F c, Mask mask) {
    return _mm512_mask3_fmadd_ps(a, b, c, mask);
  }

  static HEARTH_INLINE F Load(const void* p) { return _mm512_loadu_ps(p); }
  static HEARTH_INLINE F Load(const void* p, Mask mask) { return _mm512_maskz_loadu_ps(mask, p); }
  static HEARTH_INLINE void Store(float* p, F v) { _mm512_storeu_ps(p, v); }
  static HEARTH_INLINE void Store(float* p, F v, Mask mask) { _mm512_mask_storeu_ps(p, mask, v); }
  static HEARTH_INLINE __m256i Load256(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static HEARTH_INLINE F LoadHalf(const void* p) { return _mm512_cvtph_ps(Load256(p)); }
  static HEARTH_INLINE F LoadHalf(const void* p, Mask mask) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p));
  }
  static HEARTH_INLINE F UpperHalf(__m256i v) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
  }
  static HEARTH_INLINE F LoadBf16(const void* p) { return UpperHalf(Load256(p)); }
  static HEARTH_INLINE F LoadBf16(const void* p, Mask mask) {
    return UpperHalf(_mm256_maskz_loadu_epi16(mask, p));
  }
  static HEARTH_INLINE __m256i ToHalf(F v) {
    return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static HEARTH_INLINE void StoreHalf(uint16_t* p, F v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), ToHalf(v));
  }
  static HEARTH_INLINE void StoreHalf(uint16_t* p, F v, Mask mask) {
    _mm256_mask_storeu_epi16(p, mask, ToHalf(v));
  }

  static HEARTH_INLINE F Round(F x) {
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static HEARTH_INLINE F PowerOfTwo(F n) {
    const I exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
  }
  static HEARTH_INLINE F ZeroBelow(F x, F limit, F v) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, limit, _CMP_NLT_UQ), v);
  }
  static HEARTH_INLINE int Equal(F a, F b, Mask mask) {
    const unsigned hit = _mm512_mask_cmp_ps_mask(mask, a, b, _CMP_EQ_OQ);
    int lane = 0;
    while (hit != 0 && (hit >> lane & 1) == 0) ++lane;
    return hit != 0 ? lane : -1;
  }

  static HEARTH_INLINE __m128 SumsOf4(F s) {
    const __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
    return _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  }
  static HEARTH_INLINE float Reduce(const F* s) { return Reduce4x1(SumsOf4(*s)); }
  static HEARTH_INLINE void Reduce4(const F* a, const F* b, const F* c, const F* d, float* p) {
    const auto halves = [](F u, F v) {
      return _mm512_add_ps(_mm512_shuffle_f32x4(u, v, 0x44), _mm512_shuffle_f32x4(u, v, 0xee));
    };
    const F ab = halves(*a, *b);
    const F cd = halves(*c, *d);
    // A quarter of each: s[i] += s[i+4] has been done.
    const F s4 =
        _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    const F s2 = _mm512_add_ps(s4, _mm512_permute_ps(s4, 0x4e));
    const F s1 = _mm512_add_ps(s2, _mm512_permute_ps(s2, 0xb1));
    const I quarters = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    _mm_storeu_ps(p, _mm512_castps512_ps128(_mm512_permutexvar_ps(quarters, s1)));
  }
  static HEARTH_INLINE float MaxLane(F v) { return _mm512_reduce_max_ps(v); }

  // Integers.

  static HEARTH_INLINE F ToFloat(I v) { return _mm512_cvtepi32_ps(v); }
  static HEARTH_INLINE I Magnitude(F x) {
    return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
  }
  static HEARTH_INLINE I MaxInt(I a, I b) { return _mm512_max_epi32(a, b); }
  static HEARTH_INLINE I AddInt(I a, I b) { return _mm512_add_epi32(a, b); }
  static HEARTH_INLINE int32_t MaxIntLane(I v) { return _mm512_reduce_max_epi32(v); }
  static HEARTH_INLINE int32_t SumLanes(I v) { return _mm512_reduce_add_epi32(v); }
  static HEARTH_INLINE I RoundToInt(F x) { return _mm512_cvtps_epi32(x); }
  static HEARTH_INLINE I KeepInt(bool keep, I v) {
    return _mm512_maskz_mov_epi32(keep ? 0xffff : 0, v);
  }
  static HEARTH_INLINE void StoreBytes(int8_t* p, const I* v) {
    for (int i = 0; i < 2; ++i) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p + kLanes * i), _mm512_cvtepi32_epi8(v[i]));
    }
  }
  static HEARTH_INLINE void ToFloats(Bytes q, F* v) { v[0] = ToFloat(_mm512_cvtepi8_epi32(q)); }

  // Blocks.

  static HEARTH_INLINE I LoadInts(const void* p) { return _mm512_loadu_si512(p); }
  static HEARTH_INLINE void StoreInts(void* p, I v) { _mm512_storeu_si512(p, v); }
  using X86::HighNibbles;
  using X86::LowNibbles;
  using X86::SixBits;
  static HEARTH_INLINE I LowNibbles(I v) { return _mm512_and_si512(v, _mm512_set1_epi8(0xf)); }
  static HEARTH_INLINE I HighNibbles(I v) { return LowNibbles(_mm512_srli_epi16(v, 4)); }
  template <int kQuarter>
  static HEARTH_INLINE I SixBits(I low, I high) {
    if constexpr (kQuarter >= 2) low = _mm512_srli_epi16(low, 4);
    if constexpr (kQuarter < 2) high = _mm512_slli_epi16(high, 4 - 2 * kQuarter);
    if constexpr (kQuarter == 3) high = _mm512_srli_epi16(high, 2);
    // low where its mask is set, else high.
    const I both = _mm512_ternarylogic_epi32(_mm512_set1_epi8(0x0f), low, high, 0xca);
    return _mm512_and_si512(both, _mm512_set1_epi8(0x3f));
  }
  template <int kQuarter>
  static HEARTH_INLINE I BitPair(I v) {
    return _mm512_and_si512(_mm512_srli_epi16(v, 2 * kQuarter), _mm512_set1_epi8(3));
  }
  using X86::SubBytes;
  static HEARTH_INLINE I SubBytes(I v, int8_t c) { return _mm512_sub_epi8(v, _mm512_set1_epi8(c)); }

  // Bits 4*kColumn.. of each lane, at 16 of its bytes: each byte gets the one with its bits, and
  // one of these is tested.
  template <int kColumn>
  static HEARTH_INLINE I AddFifthBits(I w, I bits) {
    constexpr char k = kColumn / 2;
    const __m128i pick = _mm_setr_epi8(k, k, k, k, k + 4, k + 4, k + 4, k + 4, k + 8, k + 8, k + 8,
                                       k + 8, k + 12, k + 12, k + 12, k + 12);
    const I bit = _mm512_set1_epi32(kColumn % 2 == 0 ? 0x08040201 : static_cast<int>(0x80402010u));
    const I picked = _mm512_shuffle_epi8(bits, _mm512_broadcast_i32x4(pick));
    const __mmask64 set = _mm512_test_epi8_mask(picked, bit);
    return _mm512_or_si512(w, _mm512_maskz_mov_epi8(set, _mm512_set1_epi8(0x10)));
  }
  template <int kBit, int kTo>
  static HEARTH_INLINE I AddBit(I w, I bits) {
    const I moved = kBit <= kTo ? _mm512_slli_epi16(bits, kBit <= kTo ? kTo - kBit : 0)
                                : _mm512_srli_epi16(bits, kBit <= kTo ? 0 : kBit - kTo);
    // w or (moved and the bit).
    return _mm512_ternarylogic_epi32(w, moved, _mm512_set1_epi8(1 << kTo), 0xf8);
  }
  static HEARTH_INLINE F LowHalf(I v) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v)); }
  static HEARTH_INLINE F HighHalf(I v) { return LowHalf(_mm512_srli_epi32(v, 16)); }
  static HEARTH_INLINE void SixBitPairs(const I* column, I* scales, I* minima) {
    const I six = _mm512_set1_epi8(0x3f);
    const I pair = _mm512_set1_epi8(0x30);
    scales[0] = _mm512_and_si512(column[0], six);
    minima[0] = _mm512_and_si512(column[1], six);
    scales[1] = _mm512_or_si512(LowNibbles(column[2]),
                                _mm512_and_si512(_mm512_srli_epi16(column[0], 2), pair));
    minima[1] = _mm512_or_si512(HighNibbles(column[2]),
                                _mm512_and_si512(_mm512_srli_epi16(column[1], 2), pair));
  }
  template <int kByte>
  static HEARTH_INLINE F ByteToFloat(I v) {
    return ToFloat(_mm512_and_si512(_mm512_srli_epi32(v, 8 * kByte), _mm512_set1_epi32(0xff)));
  }

  static HEARTH_INLINE I JoinShorts(I low, I high) {
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
  }
  static HEARTH_INLINE I LoadShorts(const void* p) { return _mm512_cvtepu16_epi32(Load256(p)); }
  template <class Group>
  static HEARTH_INLINE I GatherShorts(const Group& group, int i, size_t offset) {
    return _mm512_cvtepu16_epi32(_mm256_inserti128_si256(
        _mm256_castsi128_si256(Gather16(group, i, offset)), Gather16(group, i + 8, offset), 1));
  }
  template <class Group>
  static HEARTH_INLINE I LoadRows(const Group& group, int i, size_t offset) {
    I v = _mm512_castsi128_si512(LoadBytes(group.Row(i) + offset));
    v = _mm512_inserti32x4(v, LoadBytes(group.Row(i + 4) + offset), 1);
    v = _mm512_inserti32x4(v, LoadBytes(group.Row(i + 8) + offset), 2);
    return _mm512_inserti32x4(v, LoadBytes(group.Row(i + 12) + offset), 3);
  }
  template <class Group>
  static HEARTH_INLINE void LoadColumns(const Group& group, int i, size_t offset, I* column) {
    const I a = LoadRows(group, i, offset);
    const I b = LoadRows(group, i + 1, offset);
    const I c = LoadRows(group, i + 2, offset);
    const I d = LoadRows(group, i + 3, offset);
    const I ab_low = _mm512_unpacklo_epi32(a, b);
    const I ab_high = _mm512_unpackhi_epi32(a, b);
    const I cd_low = _mm512_unpacklo_epi32(c, d);
    const I cd_high = _mm512_unpackhi_epi32(c, d);
    column[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
    column[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
    column[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
    column[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
  }
  template <class Group>
  static HEARTH_INLINE F GatherHalves(const Group& group, int i, size_t offset) {
    return _mm512_cvtph_ps(_mm256_inserti128_si256(
        _mm256_castsi128_si256(Gather16(group, i, offset)), Gather16(group, i + 8, offset), 1));
  }

  // Products. The sums are one chain of eight, though each link waits five cycles for the one
  // before: other blocks and tokens fill the gaps.

  static HEARTH_INLINE I Broadcast4(const int8_t* q) { return _mm512_set1_epi32(Load32(q)); }
  // Adds 16 columns' products to sum; w are unsigned bytes.
  static HEARTH_INLINE I Dot16(I sum, const I* w, const int8_t* q) {
    for (int j = 0; j < 4; ++j) sum = _mm512_dpbusd_epi32(sum, w[j], Broadcast4(q + 4 * j));
    return sum;
  }
  static HEARTH_INLINE I Dot32(int32_t start, const I* w, const int8_t* q) {
    return Dot16(Dot16(_mm512_set1_epi32(start), w, q), w + 4, q + 16);
  }

  template <int kRegisters, int kCount>
  static HEARTH_INLINE void DotNibbles(const I (*w)[8], const BlockActivations& x,
                                       const int32_t* start, I (*dot)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) dot[t][0] = _mm512_set1_epi32(start[t]);
    HEARTH_UNROLL
    for (int j = 0; j < 8; ++j) {
      for (int t = 0; t < kCount; ++t)
        dot[t][0] = _mm512_dpbusd_epi32(dot[t][0], w[0][j], Broadcast4(x.Q(t) + 4 * j));
    }
  }

  // 31 fits as well as 15.
  template <int kRegisters, int kCount>
  static HEARTH_INLINE void DotFiveBits(const I (*w)[8], const BlockActivations& x,
                                        const int32_t* start, I (*dot)[kRegisters]) {
    DotNibbles<kRegisters, kCount>(w, x, start, dot);
  }

  // Weight + 128 is unsigned, and 16 times the offset takes the 128 out again.
  static HEARTH_INLINE I SignedWeights(I w) {
    return _mm512_xor_si512(w, _mm512_set1_epi8(static_cast<char>(0x80)));
  }
  template <int kRegisters, int kCount>
  static HEARTH_INLINE void DotSigned(const I (*w)[8], const BlockActivations& x,
                                      I (*dot)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) dot[t][0] = Dot32(16 * x.Offset(t), w[0], x.Q(t));
  }

  // -kTimes the sum of each 16 activations; that of 16*g.. is at 4*(g%4) + g/4.
  template <int kTimes>
  static HEARTH_INLINE void SumsOf16(const int8_t* q, int32_t* sums) {
    const auto fours = [q](int at) {
      return _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(kTimes),
                                 LoadInts(q + at));
    };
    const I a = fours(0);
    const I b = fours(64);
    const I c = fours(128);
    const I d = fours(192);
    const I ab = AddInt(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    const I cd = AddInt(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    const I all = AddInt(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    StoreInts(sums, _mm512_sub_epi32(_mm512_setzero_si512(), all));
  }
  template <int kByte>
  static HEARTH_INLINE Scale16 ScaleOfByte(I v) {
    return ToFloat(_mm512_srai_epi32(_mm512_slli_epi32(v, 24 - 8 * kByte), 24));
  }
  // Of sum 2*step; the next is 4 further on.
  static constexpr int SumAt(int step) { return 8 * (step & 1) + step / 2; }
  template <int kStep, bool kLess, int kRegisters, int kCount, class Sums>
  static HEARTH_INLINE void DotHalves(const I (*w)[8], const Scale16* first, const Scale16* second,
                                      const BlockActivations& x, const Sums* sums,
                                      F (*dot)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) {
      const int32_t* less = sums[t].of + SumAt(kStep);
      const auto start = [&](int i) {
        return kLess ? _mm512_set1_epi32(less[i]) : _mm512_setzero_si512();
      };
      const F dot0 = ToFloat(Dot16(start(0), w[0], x.Q(t)));
      const F dot1 = ToFloat(Dot16(start(4), w[0] + 4, x.Q(t) + 16));
      dot[t][0] = Fma(dot1, second[0], Mul(dot0, first[0]));
    }
  }
  template <int kStep, int kRegisters, int kCount, class Sums>
  static HEARTH_INLINE void MinusSums(const Scale16* first, const Scale16* second, const Sums* sums,
                                      F (*out)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) {
      const int32_t* minus = sums[t].of + SumAt(kStep);
      const F sum0 = Set(static_cast<float>(minus[0]));
      const F sum1 = Set(static_cast<float>(minus[4]));
      out[t][0] = Fma(sum1, second[0], Mul(sum0, first[0]));
    }
  }
};

}  // namespace

extern constinit const Kernels kAvx512VnniKernels = TableOf<Avx512>("avx512vnni");

}  // namespace hearth
