// The approximate head from the outside: an engine over a random model whose predictor is random
// too. What is tested is that its choice changes no logit, not that it is a good one.
#include "transformer/approximate_head.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "base/testing.h"
#include "engine/engine.h"
#include "engine/model_testing.h"
#include "kernels/isas_testing.h"

namespace hearth {
namespace {

using Logits = std::vector<float>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kVocab = 5000;     // several ranges for several threads, the last one not whole
constexpr float kThreshold = 3.0f;  // some scores are above it, most are not
constexpr size_t kPrompt = 4;

RandomModel ModelOf(TensorType type) {
  return RandomModel(type, Gating::kSoftmax, 1, {static_cast<int64_t>(kVocab), type});
}

std::unique_ptr<Engine> Load(const ModelSpec& spec, EngineOptions options) {
  Result<std::unique_ptr<Engine>> engine = Engine::Load(spec, std::move(options), nullptr);
  CHECK(engine.ok(), "loads");
  return std::move(engine).value();
}

std::unique_ptr<Engine> Load(const ModelSpec& spec, std::optional<float> threshold) {
  EngineOptions options;
  options.approximate_head = threshold;
  return Load(spec, options);
}

// Logits after a prompt and each token appended to it.
std::vector<Logits> Decode(Engine& engine, std::span<const int32_t> tokens) {
  std::unique_ptr<Session> session = std::move(engine.NewSession()).value();
  CHECK(session->Sync(tokens.first(kPrompt), {}).ok(), "evaluates");
  std::vector<Logits> all;
  for (size_t i = kPrompt;; ++i) {
    all.emplace_back(session->logits().begin(), session->logits().end());
    if (i == tokens.size()) return all;
    CHECK(session->Append(tokens[i], nullptr).ok(), "evaluates");
  }
}

size_t CountCandidates(const Logits& logits) {
  return static_cast<size_t>(
      std::count_if(logits.begin(), logits.end(), [](float l) { return !std::isinf(l); }));
}

TEST(ApproximateHead, IsNotThereUnlessAskedFor) {
  const RandomModel model = ModelOf(TensorType::kQ4_0);
  ModelSpec without = model.spec();
  without.tensors.pop_back();
  // It is not used: its shape may be anything.
  ModelSpec odd = model.spec();
  odd.tensors.back().shape = {7, 3};
  const auto tokens = model.Tokens(20, 3);
  const auto expected = Load(without, std::nullopt);
  for (const ModelSpec& spec : {model.spec(), odd}) {
    const auto engine = Load(spec, std::nullopt);
    EXPECT_TRUE(Decode(*engine, tokens) == Decode(*expected, tokens));
    EXPECT_EQ(engine->plan().total_bytes, expected->plan().total_bytes);
    EXPECT_EQ(engine->stats().n_approximated, 0u);
  }
  const auto on = Load(model.spec(), kThreshold);
  EXPECT_LE(expected->plan().dense_bytes + model.spec().tensors.back().bytes,
            on->plan().dense_bytes);
  EXPECT_LT(expected->plan().scratch_bytes, on->plan().scratch_bytes);
}

TEST(ApproximateHead, CandidatesHaveTheirLogitsForAnyThreadsAndIsa) {
  for (const TensorType type : {TensorType::kF32, TensorType::kQ4_0}) {
    const RandomModel model = ModelOf(type);
    const auto tokens = model.Tokens(12, 3);
    const auto exact = Decode(*Load(model.spec(), std::nullopt), tokens);
    const auto approximate = Decode(*Load(model.spec(), kThreshold), tokens);
    ASSERT_EQ(approximate.size(), exact.size());
    // A prompt is evaluated exactly.
    EXPECT_TRUE(approximate[0] == exact[0]);
    for (size_t i = 1; i < exact.size(); ++i) {
      const size_t n = CountCandidates(approximate[i]);
      EXPECT_TRUE(n > 10 && n < kVocab / 2);
      for (size_t id = 0; id < kVocab; ++id) {
        if (!std::isinf(approximate[i][id])) EXPECT_EQ(approximate[i][id], exact[i][id]);
      }
    }
    for (const Isa isa : testing::IsasHere()) {
      for (const int n_threads : {1, 3}) {
        EngineOptions options;
        options.isa = isa;
        options.n_threads = n_threads;
        options.approximate_head = kThreshold;
        EXPECT_TRUE(Decode(*Load(model.spec(), options), tokens) == approximate);
      }
    }
  }
}

TEST(ApproximateHead, GivesTheSameWhetherOrNotATokenWasDrafted) {
  const RandomModel model = ModelOf(TensorType::kQ4_0);
  auto tokens = model.Tokens(8, 3);
  for (int i = 0; i < 40; ++i) tokens.push_back(tokens[static_cast<size_t>(i) % 8]);
  EngineOptions options;
  options.approximate_head = kThreshold;
  const auto drafting = Load(model.spec(), options);
  options.prompt_lookup = false;
  EXPECT_TRUE(Decode(*drafting, tokens) == Decode(*Load(model.spec(), options), tokens));
  EXPECT_GT(drafting->stats().n_accepted, 0u);
}

TEST(ApproximateHead, AnswersNobodyWhoWantsToJudge) {
  const RandomModel model = ModelOf(TensorType::kQ4_0);
  const auto tokens = model.Tokens(12, 3);
  const auto exact = Decode(*Load(model.spec(), std::nullopt), tokens);
  const auto engine = Load(model.spec(), kThreshold);
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  ASSERT_TRUE(session->Sync(std::span(tokens).first(11), {}).ok());
  Logits logits;
  ASSERT_TRUE(session->ExactLogits(&logits).ok());
  EXPECT_TRUE(logits == exact[7]);
  ASSERT_TRUE(session->Append(tokens[11], nullptr).ok());
  EXPECT_LT(CountCandidates(Logits(session->logits().begin(), session->logits().end())), kVocab);
  ASSERT_TRUE(session->ExactLogits(&logits).ok());
  EXPECT_TRUE(logits == exact[8]);
  // The timeline is complete, but its logits are not what a sync gives.
  Result<SyncReport> report = session->Sync(tokens, {});
  EXPECT_EQ(report.value().n_evaluated, 1);
  EXPECT_TRUE(Logits(session->logits().begin(), session->logits().end()) == exact[8]);
  // Nor are they the logits of a sync that samples from them.
  SyncOptions options;
  options.head = Head::kApproximate;
  EXPECT_EQ(session->Sync(tokens, options).value().n_evaluated, 1);
  EXPECT_LT(CountCandidates(Logits(session->logits().begin(), session->logits().end())), kVocab);
  EXPECT_EQ(session->Sync(tokens, options).value().n_evaluated, 0);
  // All positions.
  Logits all;
  options.on_logits = [&](std::span<const float> chunk) {
    all.insert(all.end(), chunk.begin(), chunk.end());
  };
  ASSERT_TRUE(session->Sync(tokens, options).ok());
  EXPECT_EQ(CountCandidates(all), all.size());
}

TEST(ApproximateHead, TellsExactLogitsInTheMiddleOfADraft) {
  const RandomModel model = ModelOf(TensorType::kQ4_0);
  auto tokens = model.Tokens(8, 3);
  for (int i = 0; i < 24; ++i) tokens.push_back(tokens[static_cast<size_t>(i) % 8]);
  const auto exact = Decode(*Load(model.spec(), std::nullopt), tokens);
  const auto engine = Load(model.spec(), kThreshold);
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  ASSERT_TRUE(session->Sync(std::span(tokens).first(kPrompt), {}).ok());
  for (size_t i = kPrompt; i < tokens.size(); ++i) {
    ASSERT_TRUE(session->Append(tokens[i], nullptr).ok());
    Logits logits;
    ASSERT_TRUE(session->ExactLogits(&logits).ok());
    EXPECT_TRUE(logits == exact[i + 1 - kPrompt]);
  }
  EXPECT_GT(engine->stats().n_accepted, 0u);
}

TEST(ApproximateHead, LeavesItToTheWholeHeadWhereThereIsNoCandidate) {
  const RandomModel model = ModelOf(TensorType::kQ4_0);
  const auto tokens = model.Tokens(12, 3);
  const auto exact = Decode(*Load(model.spec(), std::nullopt), tokens);
  for (const float threshold : {kInfinity, -kInfinity}) {
    const auto engine = Load(model.spec(), threshold);
    EXPECT_TRUE(Decode(*engine, tokens) == exact);
    EXPECT_EQ(engine->stats().n_approximated, 8u);
    EXPECT_EQ(engine->stats().n_candidate, 8u * kVocab);
    EXPECT_EQ(engine->stats().n_missed, 0u);
  }
}

TEST(ApproximateHead, CountsWhatItMisses) {
  const RandomModel model = ModelOf(TensorType::kQ4_0);
  const auto tokens = model.Tokens(kPrompt + 100, 3);
  EngineOptions options;
  // A draft would be counted along.
  options.prompt_lookup = false;
  const auto exact = Decode(*Load(model.spec(), options), tokens);
  options.approximate_head = kThreshold;
  const auto engine = Load(model.spec(), options);
  const auto approximate = Decode(*engine, tokens);
  uint64_t n_candidate = 0;
  uint64_t n_missed = 0;
  for (size_t i = 1; i <= 100; ++i) {
    n_candidate += CountCandidates(approximate[i]);
    const auto best = std::max_element(exact[i].begin(), exact[i].end()) - exact[i].begin();
    const bool audited = i % HeadCounts::kAuditPeriod == 1;
    n_missed += audited && std::isinf(approximate[i][static_cast<size_t>(best)]) ? 1 : 0;
  }
  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.n_approximated, 100u);
  EXPECT_EQ(stats.n_candidate, n_candidate);
  EXPECT_EQ(stats.n_audited, 4u);
  EXPECT_EQ(stats.n_missed, n_missed);
  // A random predictor is no good one.
  EXPECT_GT(n_missed, 0u);
}

TEST(ApproximateHead, NamesAHeadThatGivesNoNumber) {
  RandomModel model = ModelOf(TensorType::kQ4_0);
  const uint16_t kNanHalf = 0x7e00;
  model.Damage("output.weight", &kNanHalf, sizeof(kNanHalf));
  const auto engine = Load(model.spec(), -kInfinity);
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  SyncOptions options;
  options.head = Head::kApproximate;
  const Status status = session->Sync(model.Tokens(5, 3), options).status();
  EXPECT_TRUE(status.code() == StatusCode::kNumeric);
  EXPECT_TRUE(status.message().find("the output head") != std::string::npos);
}

TEST(ApproximateHead, RefusesAModelWithoutAPredictorThatFits) {
  const RandomModel model = ModelOf(TensorType::kQ4_0);
  const auto refused = [](const ModelSpec& spec, float threshold, const char* why) {
    EngineOptions options;
    options.approximate_head = threshold;
    const Status status = Engine::Load(spec, options, nullptr).status();
    EXPECT_TRUE(status.code() == StatusCode::kBadRequest);
    EXPECT_TRUE(status.message().find(why) != std::string::npos);
  };
  refused(model.spec(), std::numeric_limits<float>::quiet_NaN(), "no number");
  ModelSpec spec = model.spec();
  spec.tensors.back().shape = {128, 5064};
  refused(spec, kThreshold, "has shape [128, 5064], expected [648192]; switch it off");
  spec = model.spec();
  spec.tensors.back().type = TensorType::kQ6_K;
  refused(spec, kThreshold, "which Q6_K cannot hold");
  spec.tensors.pop_back();
  refused(spec, kThreshold, "it has no tensor 'lm_head_profiler.weight'");
  spec = model.spec();
  spec.tensors.back().offset = spec.file_bytes;
  EngineOptions options;
  options.approximate_head = kThreshold;
  EXPECT_TRUE(Engine::Load(spec, options, nullptr).status().code() == StatusCode::kBadModel);
}

}  // namespace
}  // namespace hearth
