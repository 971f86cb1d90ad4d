// Primitives of NEON with dot products (ARMv8.2 with FEAT_DotProd: Cortex-A76, Neoverse N1, Apple
// M1 and later). The 16 partial sums of a float product are four registers. Quantised rows are
// multiplied in a way of NEON's own (neon_products-inl.h).
#ifndef HEARTH_KERNELS_NEON_INL_H_
#define HEARTH_KERNELS_NEON_INL_H_

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/table-inl.h"

namespace hearth {
namespace {

struct Neon {
  static constexpr int kLanes = 4;
  using F = float32x4_t;
  using I = int32x4_t;
  using Bytes = uint8x16_t;
  struct Mask {
    uint32x4_t bits;
    size_t n;  // lanes
  };
  using Scale16 = I;

  // About 16 registers of sums: enough chains to hide the latency of fma, and the rest for what is
  // multiplied.
  static constexpr int kFloatTokens = 4;
  static constexpr int FloatRows(int n) { return n == 1 ? 4 : n == 2 ? 2 : 1; }
  static constexpr int kValueHeads = 4;
  static constexpr int ValueRegisters(int heads) { return heads == 1 ? 16 : heads == 2 ? 8 : 4; }
  static constexpr size_t kFarBytes = 0;  // the processors' own prefetchers do

  static HEARTH_INLINE Mask FirstLanes(int64_t n) {
    constexpr int32_t kIndex[kLanes] = {0, 1, 2, 3};
    const int32_t lanes = n > kLanes ? kLanes : static_cast<int32_t>(n);
    return {vcgtq_s32(vdupq_n_s32(lanes), vld1q_s32(kIndex)), static_cast<size_t>(lanes)};
  }
  static HEARTH_INLINE F Load(const void* p) {
    return vreinterpretq_f32_u8(vld1q_u8(static_cast<const uint8_t*>(p)));
  }
  static HEARTH_INLINE F Load(const void* p, const Mask& mask) {
    float v[kLanes] = {};
    memcpy(v, p, mask.n * sizeof v[0]);
    return vld1q_f32(v);
  }
  static HEARTH_INLINE uint16x4_t Load16s(const void* p) {
    return vreinterpret_u16_u8(vld1_u8(static_cast<const uint8_t*>(p)));
  }
  static HEARTH_INLINE uint16x4_t Load16s(const void* p, const Mask& mask) {
    uint16_t v[kLanes] = {};
    memcpy(v, p, mask.n * sizeof v[0]);
    return vld1_u16(v);
  }
  template <class... M>
  static HEARTH_INLINE F LoadHalf(const void* p, const M&... mask) {
    return vcvt_f32_f16(vreinterpret_f16_u16(Load16s(p, mask...)));
  }
  template <class... M>
  static HEARTH_INLINE F LoadBf16(const void* p, const M&... mask) {
    return vreinterpretq_f32_u32(vshll_n_u16(Load16s(p, mask...), 16));
  }
  static HEARTH_INLINE float HalfToFloat(uint16_t half) {
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
  }
  static HEARTH_INLINE void Store(float* p, F v) { vst1q_f32(p, v); }
  static HEARTH_INLINE void Store(float* p, F v, const Mask& mask) {
    float lane[kLanes];
    vst1q_f32(lane, v);
    memcpy(p, lane, mask.n * sizeof lane[0]);
  }
  static HEARTH_INLINE uint16x4_t ToHalf(F v) { return vreinterpret_u16_f16(vcvt_f16_f32(v)); }
  static HEARTH_INLINE void StoreHalf(uint16_t* p, F v) { vst1_u16(p, ToHalf(v)); }
  static HEARTH_INLINE void StoreHalf(uint16_t* p, F v, const Mask& mask) {
    uint16_t lane[kLanes];
    vst1_u16(lane, ToHalf(v));
    memcpy(p, lane, mask.n * sizeof lane[0]);
  }

  static HEARTH_INLINE F Zero() { return vdupq_n_f32(0.0f); }
  static HEARTH_INLINE F Set(float x) { return vdupq_n_f32(x); }
  static HEARTH_INLINE F Add(F a, F b) { return vaddq_f32(a, b); }
  static HEARTH_INLINE F Sub(F a, F b) { return vsubq_f32(a, b); }
  static HEARTH_INLINE F Mul(F a, F b) { return vmulq_f32(a, b); }
  static HEARTH_INLINE F Div(F a, F b) { return vdivq_f32(a, b); }
  static HEARTH_INLINE F Fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
  static HEARTH_INLINE F FmaSub(F a, F b, F c) { return vfmaq_f32(vnegq_f32(c), a, b); }
  // fmaxnm would take a signalling NaN for a number.
  static HEARTH_INLINE F Max(F a, F b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static HEARTH_INLINE F Add(F a, F b, const Mask& mask) {
    return vbslq_f32(mask.bits, Add(a, b), b);
  }
  static HEARTH_INLINE F Fma(F a, F b, F c, const Mask& mask) {
    return vbslq_f32(mask.bits, Fma(a, b, c), c);
  }
  static HEARTH_INLINE F Max(F a, F b, const Mask& mask) {
    return vbslq_f32(mask.bits, Max(a, b), b);
  }
  // What is below 0, as integers: Clang makes fmax of a comparison with 0, which gives +0 for -0.
  static HEARTH_INLINE F Relu(F x) {
    constexpr uint32_t kFirst = 0x80000001;  // -1e-45, the bits behind -0
    constexpr uint32_t kLast = 0xff800000;   // -infinity
    const uint32x4_t bits = vreinterpretq_u32_f32(x);
    const uint32x4_t negative =
        vcleq_u32(vsubq_u32(bits, vdupq_n_u32(kFirst)), vdupq_n_u32(kLast - kFirst));
    return vreinterpretq_f32_u32(vbicq_u32(bits, negative));
  }
  static HEARTH_INLINE F Round(F x) { return vrndnq_f32(x); }
  // Unsigned: lanes behind the end may hold a float of any size.
  static HEARTH_INLINE F PowerOfTwo(F n) {
    const uint32x4_t exponent = vreinterpretq_u32_s32(vcvtq_s32_f32(n));
    return vreinterpretq_f32_u32(vshlq_n_u32(vaddq_u32(exponent, vdupq_n_u32(127)), 23));
  }
  static HEARTH_INLINE F ZeroBelow(F x, F limit, F v) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), vcltq_f32(x, limit)));
  }
  static HEARTH_INLINE int Equal(F a, F b, const Mask& mask) {
    const uint32x4_t equal = vandq_u32(vceqq_f32(a, b), mask.bits);
    if (vmaxvq_u32(equal) == 0) return -1;
    uint32_t lane[kLanes];
    vst1q_u32(lane, equal);
    return lane[0] != 0 ? 0 : lane[1] != 0 ? 1 : lane[2] != 0 ? 2 : 3;
  }
  static HEARTH_INLINE float Reduce(const F* s) {
    const F s4 = Add(Add(s[0], s[2]), Add(s[1], s[3]));
    const float32x2_t s2 = vadd_f32(vget_low_f32(s4), vget_high_f32(s4));
    return vget_lane_f32(vpadd_f32(s2, s2), 0);
  }
  static HEARTH_INLINE void Reduce4(const F* a, const F* b, const F* c, const F* d, float* p) {
    p[0] = Reduce(a);
    p[1] = Reduce(b);
    p[2] = Reduce(c);
    p[3] = Reduce(d);
  }
  static HEARTH_INLINE float MaxLane(F v) { return vmaxvq_f32(v); }

  // Integers.

  static HEARTH_INLINE I Magnitude(F x) {
    return vandq_s32(vreinterpretq_s32_f32(x), vdupq_n_s32(0x7fffffff));
  }
  static HEARTH_INLINE I MaxInt(I a, I b) { return vmaxq_s32(a, b); }
  static HEARTH_INLINE I AddInt(I a, I b) { return vaddq_s32(a, b); }
  static HEARTH_INLINE int32_t MaxIntLane(I v) { return vmaxvq_s32(v); }
  static HEARTH_INLINE int32_t SumLanes(I v) { return vaddvq_s32(v); }
  static HEARTH_INLINE I RoundToInt(F x) { return vcvtnq_s32_f32(x); }
  static HEARTH_INLINE I KeepInt(bool keep, I v) {
    return vandq_s32(v, vdupq_n_s32(keep ? -1 : 0));
  }
  static HEARTH_INLINE int16x8_t Narrow(I a, I b) {
    return vuzp1q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
  }
  static HEARTH_INLINE void StoreBytes(int8_t* p, const I* v) {
    for (int i = 0; i < 2; ++i, v += 4) {
      vst1q_s8(p + 16 * i, vuzp1q_s8(vreinterpretq_s8_s16(Narrow(v[0], v[1])),
                                     vreinterpretq_s8_s16(Narrow(v[2], v[3]))));
    }
  }

  // Blocks.

  static HEARTH_INLINE Bytes LoadBytes(const uint8_t* p) { return vld1q_u8(p); }
  static HEARTH_INLINE Bytes LowNibbles(Bytes v) { return vandq_u8(v, vdupq_n_u8(0xf)); }
  static HEARTH_INLINE Bytes HighNibbles(Bytes v) { return vshrq_n_u8(v, 4); }
  static HEARTH_INLINE Bytes SubBytes(Bytes v, uint8_t c) { return vsubq_u8(v, vdupq_n_u8(c)); }
  template <int kQuarter>
  static HEARTH_INLINE Bytes SixBits(Bytes ql, Bytes qh) {
    const Bytes mask = vdupq_n_u8(0x3f);
    if constexpr (kQuarter == 0) return vandq_u8(vsliq_n_u8(ql, qh, 4), mask);
    if constexpr (kQuarter == 1) return vandq_u8(vsliq_n_u8(ql, vshrq_n_u8(qh, 2), 4), mask);
    if constexpr (kQuarter == 2) return vandq_u8(vsriq_n_u8(qh, ql, 4), mask);
    return vsriq_n_u8(vshrq_n_u8(qh, 2), ql, 4);
  }
  static HEARTH_INLINE void ToFloats(Bytes q, F* v) {
    const int8x16_t bytes = vreinterpretq_s8_u8(q);
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes));
    const int16x8_t high = vmovl_high_s8(bytes);
    v[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(low)));
    v[1] = vcvtq_f32_s32(vmovl_high_s16(low));
    v[2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(high)));
    v[3] = vcvtq_f32_s32(vmovl_high_s16(high));
  }

  static HEARTH_INLINE I LoadInts(const void* p) {
    return vreinterpretq_s32_u8(vld1q_u8(static_cast<const uint8_t*>(p)));
  }
  static HEARTH_INLINE void StoreInts(void* p, I v) {
    vst1q_u8(static_cast<uint8_t*>(p), vreinterpretq_u8_s32(v));
  }
  static HEARTH_INLINE uint64x2_t As64(uint32x4_t v) { return vreinterpretq_u64_u32(v); }
  static HEARTH_INLINE I FromPairs(uint64x2_t v) { return vreinterpretq_s32_u64(v); }
  template <class Group>
  static HEARTH_INLINE void LoadColumns(const Group& group, int i, size_t offset, I* column) {
    uint32x4_t row[kLanes];
    for (int r = 0; r < kLanes; ++r)
      row[r] = vreinterpretq_u32_u8(vld1q_u8(group.Row(i + r) + offset));
    const uint64x2_t even01 = As64(vtrn1q_u32(row[0], row[1]));
    const uint64x2_t odd01 = As64(vtrn2q_u32(row[0], row[1]));
    const uint64x2_t even23 = As64(vtrn1q_u32(row[2], row[3]));
    const uint64x2_t odd23 = As64(vtrn2q_u32(row[2], row[3]));
    column[0] = FromPairs(vzip1q_u64(even01, even23));
    column[1] = FromPairs(vzip1q_u64(odd01, odd23));
    column[2] = FromPairs(vzip2q_u64(even01, even23));
    column[3] = FromPairs(vzip2q_u64(odd01, odd23));
  }
  template <class Group>
  static HEARTH_INLINE F GatherHalves(const Group& group, int i, size_t offset) {
    uint16x4_t v = vdup_n_u16(Load16(group.Row(i) + offset));
    v = vset_lane_u16(Load16(group.Row(i + 1) + offset), v, 1);
    v = vset_lane_u16(Load16(group.Row(i + 2) + offset), v, 2);
    v = vset_lane_u16(Load16(group.Row(i + 3) + offset), v, 3);
    return vcvt_f32_f16(vreinterpret_f16_u16(v));
  }
};

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_NEON_INL_H_
