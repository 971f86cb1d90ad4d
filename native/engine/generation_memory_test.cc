// What is drawn with a memory of code at hand.
#include <algorithm>
#include <memory>
#include <ranges>
#include <utility>
#include <vector>

#include "base/testing.h"
#include "engine/engine.h"
#include "engine/generation.h"
#include "engine/generation_testing.h"
#include "engine/model_testing.h"
#include "kernels/isas_testing.h"

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;

MixtureWeights Trusting() {
  MixtureWeights weights;
  for (SourceWeights& source : weights) {
    source.strength.fill(1e-4);
    source.discount = 1e-4;
  }
  return weights;
}

std::shared_ptr<const CodeMemory> Memory(const Tokens& code, const MixtureWeights& weights,
                                         const Tokens& line_feeds = {}) {
  auto index = std::make_shared<CodeIndex>();
  CHECK(index->Append(CodeSource::kFile, {}, code).ok(), "appends");
  return std::make_shared<CodeMemory>(CodeMemory{index, weights, line_feeds});
}

GenerationOptions With(std::shared_ptr<const CodeMemory> memory, const Tokens& context) {
  GenerationOptions options;
  options.log_probabilities = true;
  options.memory = std::move(memory);
  options.context = context;
  return options;
}

TEST(GenerationMemory, CopiesWhatFollowedTheContext) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const Tokens prompt = model.Tokens(12, 3);
  const Tokens code = {1, 2, 3, 11, 12, 13, 14, 15, 16};
  const auto tokens =
      Generate(model.spec(), {}, prompt, With(Memory(code, Trusting()), {7, 1, 2, 3}), 6);
  EXPECT_TRUE(IdsOf(tokens) == Tokens({11, 12, 13, 14, 15, 16}));
  EXPECT_TRUE(tokens[0].origin == TokenOrigin::kFile);
  EXPECT_GT(tokens[0].log_probability.value(), -0.01);
}

TEST(GenerationMemory, IsTheModelWhereNothingIsKnown) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const Tokens prompt = model.Tokens(12, 3);
  GenerationOptions alone;
  alone.log_probabilities = true;
  alone.watched = {{1, 2, 3}};
  GenerationOptions with = With(Memory({51, 52, 53}, Trusting()), prompt);
  with.watched = alone.watched;
  const auto expected = Generate(model.spec(), {}, prompt, alone, 8);
  const auto tokens = Generate(model.spec(), {}, prompt, with, 8);
  EXPECT_TRUE(IdsOf(tokens) == IdsOf(expected));
  for (size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(*tokens[i].log_probability, *expected[i].log_probability);
    EXPECT_EQ(tokens[i].watched_log_probability[0], expected[i].watched_log_probability[0]);
  }
}

TEST(GenerationMemory, DrawsNothingForbidden) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const Tokens prompt = model.Tokens(12, 3);
  // Of what followed the context one is banned, one does not go on with the prefix, and one is no
  // id.
  const Tokens code = {1, 2, 11, 1, 2, 12, 1, 2, 13, 1, 2, 500};
  GenerationOptions options = With(Memory(code, Trusting()), {1, 2});
  options.banned = {11};
  options.forced.steps = {{{11, 12, 30}, {1, 1, 1}}};
  const auto tokens = Generate(model.spec(), {}, prompt, options, 1);
  EXPECT_EQ(tokens[0].id, 12);
  EXPECT_EQ(tokens[0].n_forced_left, 0);
  EXPECT_GT(*tokens[0].allowed_log_probability, *tokens[0].log_probability);
  EXPECT_LE(*tokens[0].allowed_log_probability, 0.0);
}

// Lines of one token and a line feed, 40.
TEST(GenerationMemory, EndsACopyAfterSomeLines) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const Tokens prompt = model.Tokens(12, 3);
  const Tokens code = {1, 2, 41, 40, 42, 40, 43, 40, 44, 40, 45, 40, 46, 40};
  GenerationOptions options = With(Memory(code, Trusting(), {40}), {1, 2});
  const auto tokens = Generate(model.spec(), {}, prompt, options, 10);
  EXPECT_TRUE(std::ranges::equal(IdsOf(tokens) | std::views::take(6),
                                 code | std::views::drop(2) | std::views::take(6)));
  for (size_t i = 6; i < tokens.size(); ++i) {
    EXPECT_TRUE(tokens[i].origin == TokenOrigin::kModel);
  }
  // Those of the model alone from there on.
  Tokens longer = prompt;
  for (size_t i = 0; i < 6; ++i) longer.push_back(tokens[i].id);
  const auto alone = Generate(model.spec(), {}, longer, {}, 4);
  EXPECT_TRUE(std::ranges::equal(IdsOf(tokens) | std::views::drop(6), IdsOf(alone)));
}

TEST(GenerationMemory, DraftsWhatItCopies) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const Tokens prompt = model.Tokens(12, 3);
  Tokens code = {1, 2, 3};
  for (int32_t i = 11; i < 31; ++i) code.push_back(i);
  const auto evaluated = [&](const GenerationOptions& options, Tokens* ids) {
    auto engine = std::move(Engine::Load(model.spec(), {}, nullptr)).value();
    auto session = std::move(engine->NewSession()).value();
    CHECK(session->Sync(prompt, {}).ok(), "evaluates");
    auto generation = std::move(Generation::Create(*session, options)).value();
    while (ids->size() < 20) ids->push_back(NextToken(*generation).id);
    return engine->stats();
  };
  Tokens ids;
  const EngineStats stats = evaluated(With(Memory(code, Trusting()), {7, 1, 2, 3}), &ids);
  EXPECT_TRUE(std::ranges::equal(ids, code | std::views::drop(3)));
  EXPECT_GE(stats.n_accepted, 8u);
  // What the timeline itself repeats.
  Tokens others;
  EXPECT_LT(evaluated(With(Memory({51, 52, 53}, Trusting()), {7, 1, 2, 3}), &others).n_accepted,
            3u);
}

TEST(GenerationMemory, HasTheSameBitsForAnySlotsThreadsDraftsAndIsa) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const Tokens prompt = model.Tokens(40, 3);
  MixtureWeights weights;
  for (SourceWeights& source : weights) source.strength.fill(2);
  GenerationOptions options = With(Memory(model.Tokens(3000, 4), weights, {40}), prompt);
  options.watched = {{1, 2, 3, 10, 49}};
  const auto expected = Generate(model.spec(), {}, prompt, options, 24);
  EXPECT_TRUE(std::ranges::any_of(
      expected, [](const auto& token) { return token.origin != TokenOrigin::kModel; }));
  for (const Isa isa : testing::IsasHere()) {
    for (const int slots : {1, 18}) {
      EngineOptions engine;
      engine.isa = isa;
      engine.expert_slots = slots;
      engine.n_threads = slots == 1 ? 1 : 3;
      engine.prompt_lookup = slots == 1;
      const auto tokens = Generate(model.spec(), engine, prompt, options, 24);
      for (size_t i = 0; i < tokens.size(); ++i) {
        EXPECT_EQ(tokens[i].id, expected[i].id);
        EXPECT_EQ(*tokens[i].log_probability, *expected[i].log_probability);
        EXPECT_EQ(tokens[i].watched_log_probability[0], expected[i].watched_log_probability[0]);
      }
    }
  }
}

TEST(GenerationMemory, IsForGreedyTextAlone) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  std::unique_ptr<Engine> engine = std::move(Engine::Load(model.spec(), {}, nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  GenerationOptions options = With(Memory({1, 2, 3}, Trusting()), {});
  options.sampler.temperature = 0.5;
  EXPECT_TRUE(Generation::Create(*session, options).status().code() == StatusCode::kBadRequest);
}

}  // namespace
}  // namespace hearth
