// Tokens and their probabilities: along a forced prefix, for every table, thread count, chunk and
// number of slots, drafted or not, by the approximate head or the whole one.
#include "engine/generation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/testing.h"
#include "engine/engine.h"
#include "engine/generation_testing.h"
#include "engine/model_testing.h"
#include "kernels/isas_testing.h"

namespace hearth {
namespace {

constexpr size_t kPromptTokens = 12;

GenerationOptions Telling(GenerationOptions options = {}) {
  options.log_probabilities = true;
  return options;
}

bool SameBits(const std::vector<GeneratedToken>& a, const std::vector<GeneratedToken>& b) {
  return std::ranges::equal(a, b, [](const GeneratedToken& x, const GeneratedToken& y) {
    return x.id == y.id && x.n_forced_left == y.n_forced_left &&
           x.log_probability == y.log_probability &&
           x.allowed_log_probability == y.allowed_log_probability &&
           x.watched_log_probability == y.watched_log_probability;
  });
}

double LogSumOf(const std::vector<float>& logits, const std::vector<int32_t>& ids) {
  double sum = 0;
  for (const int32_t id : ids)
    sum += std::exp(static_cast<double>(logits[static_cast<size_t>(id)]));
  return std::log(sum);
}

std::vector<int32_t> AllIds(int64_t n_vocab) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < n_vocab; ++id) ids.push_back(id);
  return ids;
}

// Three bytes, as four tokens of one byte or one of two and one of one, which may go on beyond.
ForcedPrefix ThreeBytes() {
  return {{{{3, 7, 20}, {1, 2, 1}}, {{8, 30}, {1, 1}}, {{9, 31, 40}, {1, 1, 1}}}};
}

TEST(Generation, IsWhatSamplingAndAppendingInTurnGives) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const auto prompt = model.Tokens(kPromptTokens, 3);
  SamplerOptions wild;
  wild.temperature = 3;
  wild.seed = 5;
  for (const SamplerOptions& sampler : {SamplerOptions(), wild}) {
    std::unique_ptr<Engine> engine = std::move(Engine::Load(model.spec(), {}, nullptr)).value();
    std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
    ASSERT_TRUE(session->Sync(prompt, {}).ok());
    Sampler by_hand(sampler, {1, 2});
    std::vector<int32_t> expected;
    for (int i = 0; i < 20; ++i) {
      expected.push_back(by_hand.Sample(session->logits()));
      ASSERT_TRUE(session->Append(expected.back(), nullptr).ok());
    }
    GenerationOptions options{.sampler = sampler, .banned = {1, 2}};
    const auto tokens = Generate(model.spec(), {}, prompt, options, 20);
    EXPECT_TRUE(IdsOf(tokens) == expected);
    EXPECT_FALSE(tokens[0].log_probability.has_value());
    // Telling how likely they are changes nothing.
    EXPECT_TRUE(IdsOf(Generate(model.spec(), {}, prompt, Telling(options), 20)) == expected);
  }
}

TEST(Generation, EvaluatesATokenOnlyWhenTheNextOneIsWanted) {
  const RandomModel model(TensorType::kF32, Gating::kSigmoid);
  const auto prompt = model.Tokens(kPromptTokens, 3);
  std::unique_ptr<Engine> engine = std::move(Engine::Load(model.spec(), {}, nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  ASSERT_TRUE(session->Sync(prompt, {}).ok());
  const auto tokens = Generate(*session, {}, 3);
  EXPECT_EQ(session->tokens().size(), kPromptTokens + 2);
  EXPECT_EQ(session->tokens().back(), tokens[1].id);
}

TEST(Generation, GoesOnAfterACancel) {
  const RandomModel model(TensorType::kF32, Gating::kSigmoid);
  const auto prompt = model.Tokens(kPromptTokens, 3);
  const auto expected = IdsOf(Generate(model.spec(), {}, prompt, {}, 4));
  std::unique_ptr<Engine> engine = std::move(Engine::Load(model.spec(), {}, nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  ASSERT_TRUE(session->Sync(prompt, {}).ok());
  auto generation = std::move(Generation::Create(*session, {})).value();
  for (const int32_t id : expected) {
    std::atomic<bool> cancelled = false;
    ASSERT_TRUE(generation->BeginNext(&cancelled).ok());
    cancelled = true;
    Result<bool> done = generation->Step();
    // The first one has nothing to evaluate and is not kept from coming.
    if (!done.ok()) {
      EXPECT_TRUE(done.status().code() == StatusCode::kCancelled);
      ASSERT_TRUE(generation->BeginNext(nullptr).ok());
      done = false;
      while (done.ok() && !done.value()) done = generation->Step();
    }
    ASSERT_TRUE(done.ok() && done.value());
    EXPECT_EQ(generation->token().id, id);
  }
}

TEST(Generation, TellsProbabilitiesOfTheUndistortedDistribution) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const auto prompt = model.Tokens(kPromptTokens, 3);
  std::unique_ptr<Engine> engine = std::move(Engine::Load(model.spec(), {}, nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  const std::vector<int32_t> all = AllIds(model.spec().n_vocab);
  const std::vector<int32_t> some = {0, 5, 6, 49};
  GenerationOptions options = Telling({.sampler = {.temperature = 5, .top_k = 7, .seed = 2}});
  options.banned = {4, 5};
  options.forced = ThreeBytes();
  options.watched = {some, all, {}};
  ASSERT_TRUE(session->Sync(prompt, {}).ok());
  const auto tokens = Generate(*session, options, 12);
  std::vector<int32_t> timeline = prompt;
  int64_t n_left = 3;
  for (const GeneratedToken& token : tokens) {
    ASSERT_TRUE(session->Sync(timeline, {}).ok());
    const std::vector<float> logits(session->logits().begin(), session->logits().end());
    const double of_all = LogSumOf(logits, all);
    const auto logit = static_cast<double>(logits[static_cast<size_t>(token.id)]);
    EXPECT_NEAR(token.log_probability.value(), logit - of_all, 1e-5);
    EXPECT_EQ(token.allowed_log_probability.has_value(), n_left > 0);
    if (n_left > 0) {
      const auto& step = options.forced.steps[static_cast<size_t>(3 - n_left)];
      EXPECT_TRUE(std::ranges::count(step.ids, token.id) == 1);
      EXPECT_NEAR(*token.allowed_log_probability, logit - LogSumOf(logits, step.ids), 1e-5);
      EXPECT_GT(*token.allowed_log_probability, *token.log_probability);
    }
    ASSERT_EQ(token.watched_log_probability.size(), 3u);
    EXPECT_NEAR(token.watched_log_probability[0], LogSumOf(logits, some) - of_all, 1e-5);
    EXPECT_EQ(token.watched_log_probability[1], 0.0);
    EXPECT_TRUE(std::isinf(token.watched_log_probability[2]));
    n_left = token.n_forced_left;
    timeline.push_back(token.id);
  }
  EXPECT_EQ(n_left, 0);
}

// Whatever one chooses among a step's ids, the steps that follow are those of what is left.
TEST(Generation, TakesEveryWayThroughAForcedPrefix) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const auto prompt = model.Tokens(kPromptTokens, 3);
  std::unique_ptr<Engine> engine = std::move(Engine::Load(model.spec(), {}, nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  GenerationOptions options;
  options.forced = ThreeBytes();
  std::map<std::vector<int32_t>, int> ways;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    options.sampler = {.temperature = 50, .seed = seed};
    ASSERT_TRUE(session->Sync(prompt, {}).ok());
    const auto tokens = Generate(*session, options, 4);
    std::vector<int32_t> way;
    for (size_t i = 0; i == 0 || tokens[i - 1].n_forced_left > 0; ++i) way.push_back(tokens[i].id);
    ++ways[way];
  }
  EXPECT_EQ(ways.size(), 2u * 2 * 3 + 3);
  for (const auto& [way, count] : ways) EXPECT_EQ(way.size(), way.front() == 7 ? 2u : 3u);
}

TEST(Generation, FiltersAmongWhatTheForcedPrefixAllows) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const auto prompt = model.Tokens(kPromptTokens, 3);
  const auto draws = [&](SamplerOptions sampler) {
    std::unique_ptr<Engine> engine = std::move(Engine::Load(model.spec(), {}, nullptr)).value();
    std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
    std::set<int32_t> drawn;
    for (sampler.seed = 0; sampler.seed < 60; ++sampler.seed) {
      CHECK(session->Sync(prompt, {}).ok(), "evaluates");
      GenerationOptions options{.sampler = sampler};
      options.forced.steps = {{{3, 7, 20, 33}, {1, 1, 1, 1}}};
      drawn.insert(Generate(*session, options, 1)[0].id);
    }
    return drawn;
  };
  const std::set<int32_t> greedy = draws({});
  EXPECT_EQ(greedy.size(), 1u);
  EXPECT_EQ(draws({.temperature = 100}).size(), 4u);
  EXPECT_EQ(draws({.temperature = 100, .top_k = 2}).size(), 2u);
  EXPECT_TRUE(draws({.temperature = 100, .top_p = 0.01f}) == greedy);
  EXPECT_TRUE(draws({.temperature = 100, .min_p = 1}) == greedy);
}

TEST(Generation, HasTheSameBitsForAnySlotsThreadsChunksDraftsAndIsa) {
  for (const TensorType type : {TensorType::kF32, TensorType::kQ4_0}) {
    const RandomModel model(type, Gating::kSoftmax);
    const auto prompt = model.Tokens(40, 3);
    GenerationOptions options = Telling();
    options.forced = ThreeBytes();
    options.watched = {{1, 2, 3, 10, 49}};
    const auto expected = Generate(model.spec(), {}, prompt, options, 16);
    for (const Isa isa : testing::IsasHere()) {
      for (const int slots : {1, 5, 18}) {
        EngineOptions engine;
        engine.isa = isa;
        engine.expert_slots = slots;
        engine.n_chunk = slots == 5 ? 7 : 32;
        engine.n_threads = slots == 1 ? 1 : 3;
        engine.prompt_lookup = slots != 18;
        EXPECT_TRUE(SameBits(Generate(model.spec(), engine, prompt, options, 16), expected));
      }
    }
  }
}

TEST(Generation, HasTheSameBitsWithinABudget) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSigmoid);
  const auto prompt = model.Tokens(200, 3);
  GenerationOptions options = Telling();
  options.forced = ThreeBytes();
  const auto expected = Generate(model.spec(), {}, prompt, options, 16);
  EngineOptions engine;
  const uint64_t all =
      std::move(Engine::Load(model.spec(), engine, nullptr)).value()->plan().total_bytes;
  int n_tighter = 0;
  for (engine.memory_budget_bytes = all; engine.memory_budget_bytes > 0;
       engine.memory_budget_bytes -= all / 16) {
    Result<std::unique_ptr<Engine>> tighter = Engine::Load(model.spec(), engine, nullptr);
    if (!tighter.ok()) break;
    n_tighter += tighter.value()->plan().holds_all() ? 0 : 1;
    std::unique_ptr<Session> session = std::move(tighter.value()->NewSession()).value();
    ASSERT_TRUE(session->Sync(prompt, {}).ok());
    EXPECT_TRUE(SameBits(Generate(*session, options, 16), expected));
  }
  EXPECT_GT(n_tighter, 0);
}

constexpr float kSomeAbove = 3.0f;  // some scores of a random predictor are above it, most are not

// What is judged is never approximated, nor what stands for the end of a prompt.
TEST(Generation, UsesTheWholeHeadForProbabilitiesAndForcedTokens) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax, 1, {5000, TensorType::kQ4_0});
  const auto prompt = model.Tokens(kPromptTokens, 3);
  GenerationOptions options = Telling();
  options.forced = ThreeBytes();
  EngineOptions approximate;
  approximate.approximate_head = kSomeAbove;
  const auto expected = Generate(model.spec(), {}, prompt, options, 12);
  EXPECT_TRUE(SameBits(Generate(model.spec(), approximate, prompt, options, 12), expected));
  // Also if the prompt was evaluated only for sampling.
  std::unique_ptr<Engine> engine =
      std::move(Engine::Load(model.spec(), approximate, nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  ASSERT_TRUE(session->Sync(prompt, {.head = Head::kApproximate}).ok());
  EXPECT_TRUE(session->logits_are_approximate());
  EXPECT_TRUE(SameBits(Generate(*session, options, 12), expected));
  // Without probabilities the first token after a forced prefix is as if it had been a prompt's
  // end.
  options.log_probabilities = false;
  ASSERT_TRUE(session->Sync(prompt, {}).ok());
  const auto drawn = Generate(*session, options, 12);
  const auto first =
      std::ranges::find(drawn, 0, &GeneratedToken::n_forced_left) - drawn.begin() + 1;
  for (std::ptrdiff_t i = 0; i <= first; ++i) {
    EXPECT_EQ(drawn[static_cast<size_t>(i)].id, expected[static_cast<size_t>(i)].id);
  }
  EXPECT_TRUE(session->logits_are_approximate());
}

// All that the approximate head has left is banned.
TEST(Generation, AsksTheWholeHeadWhereTheApproximateOneLeavesNothing) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax, 1, {5000, TensorType::kQ4_0});
  const auto prompt = model.Tokens(kPromptTokens, 3);
  EngineOptions approximate;
  approximate.approximate_head = kSomeAbove;
  std::unique_ptr<Engine> engine =
      std::move(Engine::Load(model.spec(), approximate, nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  ASSERT_TRUE(session->Sync(prompt, {.head = Head::kApproximate}).ok());
  GenerationOptions options;
  for (int32_t id = 0; id < 5000; ++id) {
    if (!std::isinf(session->logits()[static_cast<size_t>(id)])) options.banned.push_back(id);
  }
  EXPECT_TRUE(options.banned.size() > 10 && options.banned.size() < 4000);
  const auto expected = Generate(model.spec(), {}, prompt, options, 1);
  EXPECT_EQ(Generate(*session, options, 1)[0].id, expected[0].id);
}

TEST(Generation, RefusesWhatItCannotDo) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  EngineOptions short_context;
  short_context.n_ctx = 8;
  std::unique_ptr<Engine> engine =
      std::move(Engine::Load(model.spec(), short_context, nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  const auto refused = [&](const GenerationOptions& options) {
    return Generation::Create(*session, options).status().code() == StatusCode::kBadRequest;
  };
  EXPECT_FALSE(refused({.forced = ThreeBytes()}));
  EXPECT_TRUE(refused({.forced = {{{{3, 7}, {1}}}}}));      // a width is missing
  EXPECT_TRUE(refused({.forced = {{{{3, 7}, {1, 2}}}}}));   // beyond the end
  EXPECT_TRUE(refused({.forced = {{{{3, 7}, {1, 0}}}}}));   // takes nothing
  EXPECT_TRUE(refused({.forced = {{{{7, 3}, {1, 1}}}}}));   // not rising
  EXPECT_TRUE(refused({.forced = {{{{3, 50}, {1, 1}}}}}));  // no id
  EXPECT_TRUE(refused({.watched = {{1, 2}, {-1}}}));
  EXPECT_TRUE(refused({.watched = {{2, 2}}}));
  auto generation = std::move(Generation::Create(*session, {})).value();
  ASSERT_TRUE(generation->BeginNext(nullptr).ok());
  EXPECT_TRUE(generation->Step().status().code() == StatusCode::kBadRequest);  // no prompt
  ASSERT_TRUE(session->Sync(model.Tokens(8, 1), {}).ok());
  EXPECT_EQ(Generate(*session, {}, 1).size(), 1u);  // the last token that fits
  ASSERT_TRUE(generation->BeginNext(nullptr).ok());
  EXPECT_TRUE(generation->Step().value());
  EXPECT_TRUE(generation->BeginNext(nullptr).code() == StatusCode::kBadRequest);
  GenerationOptions nothing;
  nothing.banned = AllIds(50);
  generation = std::move(Generation::Create(*session, nothing)).value();
  ASSERT_TRUE(generation->BeginNext(nullptr).ok());
  EXPECT_TRUE(generation->Step().status().code() == StatusCode::kNumeric);
}

}  // namespace
}  // namespace hearth
