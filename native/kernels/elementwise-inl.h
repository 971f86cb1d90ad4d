// Functions of vectors: norm, rotation, gates, conversions, softmax, what is done to logits. The
// order of operations is that of kernels.h.
#ifndef HEARTH_KERNELS_ELEMENTWISE_INL_H_
#define HEARTH_KERNELS_ELEMENTWISE_INL_H_

#include <math.h>
#include <stdint.h>

#include "kernels/float_products-inl.h"
#include "kernels/kernels.h"
#include "kernels/vectors-inl.h"

namespace hearth {
namespace {

template <class V>
void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y) {
  const uint8_t* row = AsBytes(x);
  float sum;
  DotProducts<V, FloatWeights<TensorType::kF32>, 1, 1>(&row, {x, 0}, n, &sum);
  const float mean = sum / static_cast<float>(n);
  const typename V::F scale = V::Set(1.0f / sqrtf(mean + eps));
  ForLanes<V>(n, [&](int64_t i, auto... mask) {
    const typename V::F scaled = V::Mul(V::Load(x + i, mask...), scale);
    V::Store(y + i, V::Mul(scaled, V::Load(weight + i, mask...)), mask...);
  });
}

template <class V>
void Rope(float* v, const float* cos, const float* sin, int64_t n) {
  const int64_t half = n / 2;
  ForLanes<V>(half, [&](int64_t i, auto... mask) {
    const typename V::F a = V::Load(v + i, mask...);
    const typename V::F b = V::Load(v + i + half, mask...);
    const typename V::F c = V::Load(cos + i, mask...);
    const typename V::F s = V::Load(sin + i, mask...);
    V::Store(v + i, V::FmaSub(a, c, V::Mul(b, s)), mask...);
    V::Store(v + i + half, V::Fma(b, c, V::Mul(a, s)), mask...);
  });
}

template <class V>
void ReluMul(const float* gate, const float* up, int64_t n, float* out) {
  ForLanes<V>(n, [&](int64_t i, auto... mask) {
    const typename V::F g = V::Relu(V::Load(gate + i, mask...));
    V::Store(out + i, V::Mul(g, V::Load(up + i, mask...)), mask...);
  });
}

// x <= 0 or NaN in each lane.
template <class V>
HEARTH_INLINE typename V::F Exp(typename V::F x) {
  const typename V::F n = V::Round(V::Mul(x, V::Set(kLog2E)));
  typename V::F r = V::Fma(n, V::Set(-kLn2Hi), x);
  r = V::Fma(n, V::Set(-kLn2Lo), r);
  typename V::F p = V::Set(kExpC6);
  p = V::Fma(p, r, V::Set(kExpC5));
  p = V::Fma(p, r, V::Set(kExpC4));
  p = V::Fma(p, r, V::Set(kExpC3));
  p = V::Fma(p, r, V::Set(kExpC2));
  p = V::Fma(p, r, V::Set(1.0f));
  p = V::Fma(p, r, V::Set(1.0f));
  return V::ZeroBelow(x, V::Set(kExpMin), V::Mul(p, V::PowerOfTwo(n)));
}

template <class V>
void SiluMul(const float* gate, const float* up, int64_t n, float* out) {
  const typename V::F one = V::Set(1.0f);
  ForLanes<V>(n, [&](int64_t i, auto... mask) {
    const typename V::F g = V::Load(gate + i, mask...);
    const typename V::F magnitude = V::Max(g, V::Sub(V::Zero(), g));
    const typename V::F e = Exp<V>(V::Sub(V::Zero(), magnitude));
    // e is at most 1: the larger of both is 1 where g is not below 0, else e.
    const typename V::F numerator = V::Max(V::ZeroBelow(g, V::Zero(), one), e);
    const typename V::F logistic = V::Div(numerator, V::Add(one, e));
    V::Store(out + i, V::Mul(V::Mul(g, logistic), V::Load(up + i, mask...)), mask...);
  });
}

template <class V>
void Add(const float* x, int64_t n, float* y) {
  ForLanes<V>(n, [&](int64_t i, auto... mask) {
    V::Store(y + i, V::Add(V::Load(y + i, mask...), V::Load(x + i, mask...)), mask...);
  });
}

template <class V>
void Axpy(float a, const float* x, int64_t n, float* y) {
  const typename V::F factor = V::Set(a);
  ForLanes<V>(n, [&](int64_t i, auto... mask) {
    const typename V::F sum = V::Fma(factor, V::Load(x + i, mask...), V::Load(y + i, mask...));
    V::Store(y + i, sum, mask...);
  });
}

template <class V>
void ToF16(const float* x, int64_t n, uint16_t* y) {
  ForLanes<V>(
      n, [&](int64_t i, auto... mask) { V::StoreHalf(y + i, V::Load(x + i, mask...), mask...); });
}

template <class V>
void FromF16(const uint16_t* x, int64_t n, float* y) {
  ConvertRow<V, FloatWeights<TensorType::kF16>>(AsBytes(x), n, y);
}

// -------------------------------------------------------------------------------------------------
// Softmax

// The largest of n that is not NaN, else -infinity. A maximum may be taken in any order.
template <class V>
HEARTH_INLINE float LargestOf(const float* x, int64_t n) {
  const typename V::F lowest = V::Set(-HUGE_VALF);
  Wide<V> max;
  for (int r = 0; r < Wide<V>::kRegisters; ++r) max.r[r] = lowest;
  ForSums<V>(n, [&](int64_t i, int r, auto... mask) {
    max.r[r] = V::Max(V::Load(x + i, mask...), max.r[r], mask...);
  });
  for (int r = 1; r < Wide<V>::kRegisters; ++r) max.r[0] = V::Max(max.r[r], max.r[0]);
  return V::MaxLane(max.r[0]);
}

template <class V>
float Softmax(float* s, int64_t n) {
  const typename V::F max = V::Set(LargestOf<V>(s, n));
  Wide<V> sum;
  Clear<V>(&sum, 1);
  ForSums<V>(n, [&](int64_t i, int r, auto... mask) {
    const typename V::F p = Exp<V>(V::Sub(V::Load(s + i, mask...), max));
    V::Store(s + i, p, mask...);
    sum.r[r] = V::Add(p, sum.r[r], mask...);
  });
  return V::Reduce(sum.r);
}

// -------------------------------------------------------------------------------------------------
// Logits

template <class V>
bool AllFinite(const float* x, int64_t n) {
  typename V::I max[Wide<V>::kRegisters];
  for (int r = 0; r < Wide<V>::kRegisters; ++r) max[r] = V::Magnitude(V::Zero());
  ForSums<V>(n, [&](int64_t i, int r, auto... mask) {
    max[r] = V::MaxInt(max[r], V::Magnitude(V::Load(x + i, mask...)));
  });
  for (int r = 1; r < Wide<V>::kRegisters; ++r) max[0] = V::MaxInt(max[0], max[r]);
  return V::MaxIntLane(max[0]) < 0x7f800000;
}

template <class V>
int64_t Argmax(const float* x, int64_t n) {
  const typename V::F max = V::Set(LargestOf<V>(x, n));
  for (int64_t i = 0; i < n; i += V::kLanes) {
    const typename V::Mask mask = V::FirstLanes(n - i);
    const int lane = V::Equal(V::Load(x + i, mask), max, mask);
    if (lane >= 0) return i + lane;
  }
  return 0;  // all are NaN
}

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_ELEMENTWISE_INL_H_
