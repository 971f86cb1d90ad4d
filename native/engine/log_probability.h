// Probabilities of tokens as logarithms, the same bits on every machine: exponentials and their
// sums are the kernels' own (kernels/kernels.h, softmax), the logarithm is ours.
#ifndef HEARTH_ENGINE_LOG_PROBABILITY_H_
#define HEARTH_ENGINE_LOG_PROBABILITY_H_

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.h"

namespace hearth {

// The natural logarithm of a positive, finite, normal number, within 4 units in the last place.
// x = 2^e * m with m in [sqrt(1/2), sqrt(2)); log(m) = 2 * atanh((m-1)/(m+1)) by its power series
// up to the 21st power, whose remainder is below 2^-57 of it. Plain additions, multiplications and
// one division of doubles in a fixed order; libm is free to differ from one system to the next.
double Log(double x);

// log(sum of e^logit) over logits of which none is NaN or +infinity; -infinity where there are
// none, or all are -infinity. The error is that of a sum of n floats in 16 parts: at most (n/16 +
// 100) * 2^-24, which is below 0.0006 for a vocabulary of 150,000, and about 1e-6 for the
// distributions that models give, where few terms make the sum. Keeps its memory from one call to
// the next; used by one thread at a time.
class LogSumExp {
 public:
  explicit LogSumExp(const Kernels& kernels) : kernels_(kernels) {}

  double operator()(std::span<const float> logits);
  // Of the logits at `ids` alone.
  double operator()(std::span<const float> logits, std::span<const int32_t> ids);

 private:
  double OfTerms();  // which it overwrites

  const Kernels& kernels_;
  std::vector<float> terms_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_LOG_PROBABILITY_H_
