// Primitives that the x86 instruction sets have in common: those of 128 bits, and prefetches.
#ifndef HEARTH_KERNELS_X86_INL_H_
#define HEARTH_KERNELS_X86_INL_H_

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/formats-inl.h"
#include "kernels/inline.h"

namespace hearth {
namespace {

struct X86 {
  using Bytes = __m128i;

  // Distances are measured (docs/adr/0008).
  static constexpr size_t kFarBytes = 16384;
  static constexpr size_t kNearBytes = 2048;
  static HEARTH_INLINE void PrefetchFar(const char* p) { _mm_prefetch(p, _MM_HINT_T1); }
  static HEARTH_INLINE void PrefetchNear(const char* p) { _mm_prefetch(p, _MM_HINT_T0); }

  static HEARTH_INLINE float HalfToFloat(uint16_t half) {
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
  }

  static HEARTH_INLINE Bytes LoadBytes(const void* p) {
    return _mm_loadu_si128(static_cast<const __m128i*>(p));
  }
  static HEARTH_INLINE Bytes LowNibbles(Bytes v) { return _mm_and_si128(v, _mm_set1_epi8(0xf)); }
  static HEARTH_INLINE Bytes HighNibbles(Bytes v) { return LowNibbles(_mm_srli_epi16(v, 4)); }
  static HEARTH_INLINE Bytes SubBytes(Bytes v, int8_t c) {
    return _mm_sub_epi8(v, _mm_set1_epi8(c));
  }
  template <int kQuarter>
  static HEARTH_INLINE Bytes SixBits(Bytes ql, Bytes qh) {
    const Bytes low = kQuarter >= 2 ? HighNibbles(ql) : LowNibbles(ql);
    const Bytes pair = _mm_and_si128(_mm_srli_epi16(qh, 2 * kQuarter), _mm_set1_epi8(3));
    return _mm_or_si128(low, _mm_slli_epi16(pair, 4));
  }

  // The number of 16 bits at `offset` of rows i..i+7.
  template <class Group>
  static HEARTH_INLINE __m128i Gather16(const Group& group, int i, size_t offset) {
    __m128i v = _mm_cvtsi32_si128(Load16(group.Row(i) + offset));
    v = _mm_insert_epi16(v, Load16(group.Row(i + 1) + offset), 1);
    v = _mm_insert_epi16(v, Load16(group.Row(i + 2) + offset), 2);
    v = _mm_insert_epi16(v, Load16(group.Row(i + 3) + offset), 3);
    v = _mm_insert_epi16(v, Load16(group.Row(i + 4) + offset), 4);
    v = _mm_insert_epi16(v, Load16(group.Row(i + 5) + offset), 5);
    v = _mm_insert_epi16(v, Load16(group.Row(i + 6) + offset), 6);
    return _mm_insert_epi16(v, Load16(group.Row(i + 7) + offset), 7);
  }

  // Four bytes as an integer, to be broadcast to every lane.
  static HEARTH_INLINE int32_t Load32(const void* p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return v;
  }

  // The end of Reduce16 for four sums of four.
  static HEARTH_INLINE __m128 Reduce4x4(__m128 a, __m128 b, __m128 c, __m128 d) {
    _MM_TRANSPOSE4_PS(a, b, c, d);
    return _mm_add_ps(_mm_add_ps(a, c), _mm_add_ps(b, d));
  }
  static HEARTH_INLINE float Reduce4x1(__m128 s4) {
    const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
  }
};

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_X86_INL_H_
