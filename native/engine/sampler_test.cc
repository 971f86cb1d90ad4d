// Which token is drawn, and how often.
#include "engine/sampler.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "base/testing.h"

namespace hearth {
namespace {

using Logits = std::vector<float>;

TEST(Sampler, GreedyTakesTheLikeliestThatIsAllowed) {
  const Logits logits = {1, 5, std::numeric_limits<float>::quiet_NaN(), 5, 9};
  EXPECT_EQ(Sampler({}, {}).Sample(logits), 4);
  EXPECT_EQ(Sampler({}, {4}).Sample(logits), 1);  // the lower id on ties
  EXPECT_EQ(Sampler({}, {4, 1}).Sample(logits), 3);
  EXPECT_EQ(Sampler({}, {4, 3, 1, 0}).Sample(logits), -1);
}

TEST(Sampler, NeverChoosesWhatIsMinusInfinity) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const Logits logits = {kNever, 1, kNever, 2};
  EXPECT_EQ(Sampler({}, {}).Sample(logits), 3);
  EXPECT_EQ(Sampler({}, {1, 3}).Sample(logits), -1);
  SamplerOptions options;
  options.temperature = 100;
  for (const int top_k : {0, 3}) {
    options.top_k = top_k;
    Sampler sampler(options, {});
    std::set<int32_t> drawn;
    for (int i = 0; i < 1000; ++i) drawn.insert(sampler.Sample(logits));
    EXPECT_TRUE((drawn == std::set<int32_t>{1, 3}));
  }
  EXPECT_EQ(Sampler(options, {1, 3}).Sample(logits), -1);
}

// How often each id is drawn.
std::vector<int> Draw(const SamplerOptions& options, const Logits& logits, int n,
                      std::vector<int32_t> banned = {}) {
  Sampler sampler(options, std::move(banned));
  std::vector<int> counts(logits.size());
  for (int i = 0; i < n; ++i) counts[static_cast<size_t>(sampler.Sample(logits))]++;
  return counts;
}

TEST(Sampler, DrawsInProportion) {
  // Probabilities 0.5, 0.25, 0.125, 0.125.
  const Logits logits = {0, -0.6931472f, -1.3862944f, -1.3862944f};
  SamplerOptions options;
  options.temperature = 1;
  options.seed = 42;
  const int n = 40000;
  const auto counts = Draw(options, logits, n);
  const double expected[] = {0.5, 0.25, 0.125, 0.125};
  // Five standard deviations of a binomial count.
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(counts[i] / double{n}, expected[i],
                5 * std::sqrt(expected[i] * (1 - expected[i]) / n));
  }
  // At temperature 0.5 probabilities are squared: 16/22, 4/22, 1/22, 1/22.
  options.temperature = 0.5f;
  const double p = 16.0 / 22;
  EXPECT_NEAR(Draw(options, logits, n)[0] / double{n}, p, 5 * std::sqrt(p * (1 - p) / n));
}

TEST(Sampler, FiltersLeaveOnlyTheLikely) {
  const Logits logits = {0, -0.6931472f, -1.3862944f, -1.3862944f};
  SamplerOptions options;
  options.temperature = 1;
  options.top_k = 2;
  auto counts = Draw(options, logits, 2000);
  EXPECT_TRUE(counts[0] > 0 && counts[1] > 0 && counts[2] == 0 && counts[3] == 0);
  options.top_k = 3;  // of two equals the lower id
  counts = Draw(options, logits, 2000);
  EXPECT_TRUE(counts[2] > 0 && counts[3] == 0);
  options.top_k = 0;
  options.top_p = 0.6f;
  counts = Draw(options, logits, 2000);
  EXPECT_TRUE(counts[0] > 0 && counts[1] > 0 && counts[2] == 0 && counts[3] == 0);
  options.top_p = 0;
  EXPECT_EQ(Draw(options, logits, 100)[0], 100);
  options.top_p = 1;
  options.min_p = 0.4f;
  counts = Draw(options, logits, 2000);
  EXPECT_TRUE(counts[1] > 0 && counts[2] == 0 && counts[3] == 0);
  EXPECT_EQ(Draw(options, logits, 100, {0})[0], 0);
}

TEST(Sampler, TheSameSeedGivesTheSameTokens) {
  const Logits logits(100, 0.0f);
  SamplerOptions options;
  options.temperature = 1;
  options.seed = 7;
  Sampler a(options, {});
  Sampler b(options, {});
  options.seed = 8;
  Sampler c(options, {});
  int same = 0;
  for (int i = 0; i < 200; ++i) {
    const int32_t token = a.Sample(logits);
    EXPECT_EQ(token, b.Sample(logits));
    same += token == c.Sample(logits) ? 1 : 0;
  }
  EXPECT_LT(same, 20);
}

}  // namespace
}  // namespace hearth
