#include "engine/token_mixture.h"

#include <cmath>
#include <map>
#include <random>
#include <vector>

#include "base/testing.h"
#include "kernels/dispatch.h"
#include "kernels/isas_testing.h"

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;
constexpr size_t kVocab = 60;

MixtureWeights Weights() {
  MixtureWeights weights;
  for (size_t i = 0; i < kContextLengths.size(); ++i) {
    weights[0].strength[i] = 4.0 / static_cast<double>(i + 1);
    weights[1].strength[i] = 7.0 / static_cast<double>(i + 1);
  }
  weights[0].discount = 0.3;
  weights[1].discount = 0.6;
  weights[0].confidence = 1.5;
  weights[1].confidence = -0.7;
  return weights;
}

std::vector<float> SomeLogits(uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(kVocab);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

void Fill(CodeIndex& index) {
  std::mt19937 random(3);
  for (int i = 0; i < 60; ++i) {
    Tokens tokens(40);
    for (int32_t& id : tokens) id = static_cast<int32_t>(random() % 5);
    CHECK(index.Append(i % 2 == 0 ? CodeSource::kFile : CodeSource::kWorkspace, {}, tokens).ok(),
          "appends");
  }
}

// The definition, in doubles and over the whole vocabulary.
std::vector<double> ByDefinition(const std::vector<float>& logits, const CodeIndex& index,
                                 const MixtureWeights& weights, const Tokens& context) {
  double sum = 0;
  std::vector<double> p(logits.size());
  for (size_t w = 0; w < p.size(); ++w) sum += p[w] = std::exp(static_cast<double>(logits[w]));
  double largest = 0;
  for (double& each : p) largest = std::max(largest, each /= sum);
  for (size_t i = 0; i < kContextLengths.size(); ++i) {
    for (const CodeSource source : {CodeSource::kWorkspace, CodeSource::kFile}) {
      const SourceWeights& of = weights[static_cast<size_t>(source)];
      std::vector<CodeIndex::Place> places;
      index.Lookup(source, context, &places);
      std::map<size_t, double> counts;
      double total = 0;
      for (const auto& place : places) {
        if (place.n_context < kContextLengths[i]) continue;
        ++counts[static_cast<size_t>(place.id)];
        ++total;
      }
      if (total == 0) continue;
      const double strength = of.strength[i] * std::exp(of.confidence * (largest - 0.5));
      const auto distinct = static_cast<double>(counts.size());
      for (size_t w = 0; w < p.size(); ++w) {
        const double count = counts.contains(w) ? std::max(counts[w] - of.discount, 0.0) : 0;
        p[w] = (count + (strength + of.discount * distinct) * p[w]) / (total + strength);
      }
    }
  }
  return p;
}

TEST(TokenMixture, IsTheModelsWhereNothingIsKnown) {
  const std::vector<float> logits = SomeLogits(1);
  TokenMixture mixture(KernelsFor(BestIsa()));
  LogSumExp log_sum_exp(KernelsFor(BestIsa()));
  mixture.Begin(logits);
  mixture.Mix(CodeIndex(), Weights(), Tokens{1, 2, 3});
  EXPECT_TRUE(mixture.is_pure());
  EXPECT_EQ(mixture.LogProbability(5),
            std::min(0.0, static_cast<double>(logits[5]) - log_sum_exp(logits)));
  EXPECT_TRUE(mixture.Origin(5) == TokenOrigin::kModel);
}

TEST(TokenMixture, IsItsDefinitionAndADistribution) {
  CodeIndex index;
  Fill(index);
  TokenMixture mixture(KernelsFor(BestIsa()));
  std::mt19937 random(5);
  int n_mixed = 0;
  for (uint32_t round = 0; round < 200; ++round) {
    const std::vector<float> logits = SomeLogits(round);
    Tokens context(random() % 12);
    for (int32_t& id : context) id = static_cast<int32_t>(random() % 6);
    const std::vector<double> expected = ByDefinition(logits, index, Weights(), context);
    mixture.Begin(logits);
    mixture.Mix(index, Weights(), context);
    n_mixed += mixture.is_pure() ? 0 : 1;
    double sum = 0;
    Tokens all;
    for (int32_t w = 0; w < static_cast<int32_t>(kVocab); ++w) {
      const double p = std::exp(mixture.LogProbability(w));
      EXPECT_NEAR(p / expected[static_cast<size_t>(w)], 1.0, 1e-4);
      sum += p;
      all.push_back(w);
    }
    EXPECT_NEAR(sum, 1.0, 1e-5);
    EXPECT_NEAR(std::exp(mixture.LogProbability(all)), 1.0, 1e-5);
    const Tokens some = {0, 3, 9, 30};
    const double of_some = expected[0] + expected[3] + expected[9] + expected[30];
    EXPECT_NEAR(std::exp(mixture.LogProbability(some)) / of_some, 1.0, 1e-4);
    EXPECT_NEAR(std::exp(mixture.LogProbabilityAmong(3, some)) / (expected[3] / of_some), 1.0,
                2e-4);
  }
  EXPECT_GT(n_mixed, 100);
}

TEST(TokenMixture, TellsWhereMostOfAProbabilityIsFrom) {
  CodeIndex index;
  CHECK(index.Append(CodeSource::kFile, {}, Tokens{1, 2, 3, 9, 1, 2, 3}).ok(), "appends");
  CHECK(index.Append(CodeSource::kWorkspace, {}, Tokens{5, 6, 4, 8, 1, 2, 7}).ok(), "appends");
  std::vector<float> logits(kVocab, 0);
  TokenMixture mixture(KernelsFor(BestIsa()));
  const auto origin = [&](const Tokens& context, int32_t id) {
    mixture.Begin(logits);
    mixture.Mix(index, Weights(), context);
    return mixture.Origin(id);
  };
  EXPECT_TRUE(origin({1, 2}, 3) == TokenOrigin::kFile);
  EXPECT_TRUE(origin({5, 6}, 4) == TokenOrigin::kWorkspace);
  EXPECT_TRUE(origin({1, 2}, 30) == TokenOrigin::kModel);
  logits[3] = 30;
  EXPECT_TRUE(origin({1, 2}, 3) == TokenOrigin::kModel);
}

TEST(TokenMixture, HasTheSameBitsInEveryTable) {
  CodeIndex index;
  Fill(index);
  const Tokens context = {1, 2, 3, 2, 1, 4, 0, 1, 2};
  TokenMixture expected(kRefKernels);
  for (const Isa isa : testing::IsasHere()) {
    TokenMixture mixture(KernelsFor(isa));
    for (uint32_t seed = 0; seed < 20; ++seed) {
      const std::vector<float> logits = SomeLogits(seed);
      expected.Begin(logits);
      expected.Mix(index, Weights(), context);
      mixture.Begin(logits);
      mixture.Mix(index, Weights(), context);
      EXPECT_FALSE(mixture.is_pure());
      for (int32_t w = 0; w < static_cast<int32_t>(kVocab); ++w) {
        EXPECT_EQ(mixture.LogProbability(w), expected.LogProbability(w));
      }
    }
  }
}

}  // namespace
}  // namespace hearth
