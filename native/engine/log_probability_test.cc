// Logarithms and sums against the C library's in double precision, and every table against the
// reference's bits.
#include "engine/log_probability.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/testing.h"
#include "kernels/dispatch.h"
#include "kernels/isas_testing.h"

namespace hearth {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();

double UlpsApart(double a, double b) {
  return std::abs(static_cast<double>(std::bit_cast<int64_t>(a) - std::bit_cast<int64_t>(b)));
}

TEST(Log, IsWithinFourUnitsOfTheLibrarys) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> exponents(-1000, 1000);
  std::uniform_real_distribution<double> near_one(0.5, 2);
  double worst = 0;
  for (int i = 0; i < 200'000; ++i) {
    for (const double x :
         {std::exp2(exponents(random)), near_one(random), 1 + std::ldexp(near_one(random), -40)}) {
      worst = std::max(worst, UlpsApart(Log(x), std::log(x)));
    }
  }
  EXPECT_LE(worst, 4.0);
  EXPECT_EQ(Log(1), 0.0);
  EXPECT_EQ(Log(2), std::log(2.0));
  EXPECT_EQ(Log(0.5), std::log(0.5));
}

// What the same numbers would give in double precision.
double Exactly(const std::vector<float>& logits) {
  double largest = kNone;
  for (const float logit : logits) largest = std::max(largest, static_cast<double>(logit));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return largest + std::log(sum);
}

std::vector<float> ScaledLogits(size_t n, float scale, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> logits(n);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

TEST(LogSumExp, IsCloseToDoublePrecision) {
  LogSumExp log_sum_exp(KernelsFor(BestIsa()));
  for (const size_t n : {1u, 2u, 15u, 17u, 300u, 151'936u}) {
    for (const float scale : {0.01f, 3.0f, 30.0f}) {
      const std::vector<float> logits = ScaledLogits(n, scale, static_cast<uint32_t>(n));
      EXPECT_NEAR(log_sum_exp(logits), Exactly(logits),
                  (static_cast<double>(n) / 16 + 100) * 0x1p-24);
    }
    // As models give them.
    const std::vector<float> peaked = ScaledLogits(n, 4, 7);
    EXPECT_NEAR(log_sum_exp(peaked), Exactly(peaked), 2e-5);
  }
  // All terms are equal, and each addition to a partial sum rounds.
  const std::vector<float> flat(151'936, 2.5f);
  EXPECT_NEAR(log_sum_exp(flat), Exactly(flat), 6e-4);
}

TEST(LogSumExp, HasTheSameBitsInEveryTable) {
  LogSumExp expected(kRefKernels);
  for (const Isa isa : testing::IsasHere()) {
    LogSumExp log_sum_exp(KernelsFor(isa));
    for (const size_t n : {1u, 16u, 31u, 5000u}) {
      const std::vector<float> logits = ScaledLogits(n, 5, 3);
      EXPECT_EQ(log_sum_exp(logits), expected(logits));
    }
  }
}

TEST(LogSumExp, KnowsPartsAndWhatCannotBe) {
  LogSumExp log_sum_exp(kRefKernels);
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const std::vector<float> logits = {3, kNever, 1, 2};
  const std::vector<int32_t> part = {0, 1, 3};
  EXPECT_NEAR(log_sum_exp(logits, part), std::log(std::exp(3.0) + std::exp(2.0)), 1e-6);
  EXPECT_EQ(log_sum_exp(logits, std::vector<int32_t>{2}), 1.0);
  EXPECT_EQ(log_sum_exp(logits, std::vector<int32_t>{1}), kNone);
  EXPECT_EQ(log_sum_exp(logits, std::vector<int32_t>{}), kNone);
  EXPECT_EQ(log_sum_exp(std::vector<float>{}), kNone);
  // So far below the likeliest token the exponential is 0; the part's own sum still tells it.
  EXPECT_EQ(log_sum_exp(std::vector<float>{0, -200}, std::vector<int32_t>{1}), -200.0);
}

}  // namespace
}  // namespace hearth
