#include "engine/log_probability.h"

#include <bit>
#include <limits>

namespace hearth {
namespace {

// ln 2 in two parts; the first has 32 significant bits, so that its product with an exponent is
// exact.
constexpr double kLn2High = 0x1.62e42fefp-1;
constexpr double kLn2Low = 0x1.473de6af278edp-34;
constexpr double kSqrt2 = 0x1.6a09e667f3bcdp+0;
constexpr int kMantissaBits = 52;
constexpr int kExponentBias = 1023;
// log(m) = 2 * (s + s^3/3 + ... + s^21/21)
constexpr int kLastPower = 21;

}  // namespace

double Log(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  int exponent = static_cast<int>(bits >> kMantissaBits) - kExponentBias;
  constexpr uint64_t kMantissa = (uint64_t{1} << kMantissaBits) - 1;
  double m = std::bit_cast<double>((bits & kMantissa) | (uint64_t{kExponentBias} << kMantissaBits));
  if (m >= kSqrt2) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1) / (m + 1);
  const double square = s * s;
  double series = 1.0 / kLastPower;
  for (int power = kLastPower - 2; power >= 3; power -= 2) series = series * square + 1.0 / power;
  // The first term alone is as large as the result: what is added to it is small.
  const double of_mantissa = 2 * s + 2 * s * square * series;
  const double e = exponent;
  return e * kLn2High + (e * kLn2Low + of_mantissa);
}

double LogSumExp::operator()(std::span<const float> logits) {
  terms_.assign(logits.begin(), logits.end());
  return OfTerms();
}

double LogSumExp::operator()(std::span<const float> logits, std::span<const int32_t> ids) {
  terms_.clear();
  for (const int32_t id : ids) terms_.push_back(logits[static_cast<size_t>(id)]);
  return OfTerms();
}

double LogSumExp::OfTerms() {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  if (terms_.empty()) return kNone;
  const auto n = static_cast<int64_t>(terms_.size());
  const double largest =
      static_cast<double>(terms_[static_cast<size_t>(kernels_.argmax(terms_.data(), n))]);
  if (largest == kNone) return kNone;
  return largest + Log(static_cast<double>(kernels_.softmax(terms_.data(), n)));
}

}  // namespace hearth
