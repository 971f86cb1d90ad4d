// Jumps between places of a document: what is evaluated, and that no bit depends on it.
#include "engine/parked_prompts.h"

#include <random>
#include <vector>

#include "base/testing.h"
#include "engine/engine.h"
#include "engine/model_testing.h"
#include "engine/rig_testing.h"

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;

Tokens Joined(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Whether the logits are those of a session that has seen nothing else.
bool AreAsFresh(Engine& engine, const Session& session) {
  std::unique_ptr<Session> fresh = std::move(engine.NewSession()).value();
  CHECK(fresh->Sync(session.tokens(), {}).ok(), "a fresh session evaluates");
  const auto a = session.logits();
  const auto b = fresh->logits();
  return !a.empty() && a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

EngineOptions Small() {
  EngineOptions options;
  options.n_chunk = 32;
  options.n_ctx = 900;
  options.n_kept = 600;
  return options;
}

TEST(ParkedPrompts, AJumpBackToOneOfFourPlacesEvaluatesOnlyWhatIsNew) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  std::unique_ptr<Engine> engine = std::move(Engine::Load(model.spec(), Small(), nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  const Tokens common = model.Tokens(40, 1);
  std::vector<Tokens> places;
  for (uint32_t i = 0; i < 5; ++i) {
    // As much behind what all of them share as windows of 16 reach, and more.
    places.push_back(Joined(common, model.Tokens(120 + i, 100 + i)));
    const int64_t n_new = i == 0 ? 160 : 120 + i;
    if (i < 4) EXPECT_EQ(session->Sync(places[i], {}).value().n_evaluated, n_new);
  }
  int n_key = 0;
  for (const size_t i : {0, 1, 2, 3, 1, 0, 3, 2, 2, 0}) {
    // A key is typed there, and something generated.
    places[i].push_back(++n_key % 50);
    Result<SyncReport> report = session->Sync(places[i], {});
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report.value().n_evaluated, 1);
    EXPECT_EQ(report.value().n_reused, static_cast<int64_t>(places[i].size()) - 1);
    EXPECT_TRUE(AreAsFresh(*engine, *session));
    for (int32_t token = 7; token < 12; ++token) ASSERT_TRUE(session->Append(token, nullptr).ok());
    EXPECT_TRUE(AreAsFresh(*engine, *session));
  }
  // A fifth place: the one that was left longest ago, the second, is forgotten.
  EXPECT_EQ(session->Sync(places[4], {}).value().n_evaluated, 124);
  for (const size_t i : {0, 2, 3}) {
    EXPECT_EQ(session->Sync(places[i], {}).value().n_evaluated, 1);
    EXPECT_TRUE(AreAsFresh(*engine, *session));
  }
  EXPECT_EQ(session->Sync(places[1], {}).value().n_evaluated,
            static_cast<int64_t>(places[1].size() - common.size()));
  EXPECT_TRUE(AreAsFresh(*engine, *session));
}

// Also where what they shared is cut, where the rings of windows have wrapped round, with little
// memory, and where a request is cancelled.
TEST(ParkedPrompts, GiveTheBitsOfAFreshSessionWhateverHappens) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSigmoid);
  const std::atomic<bool> cancelled = true;
  for (const int64_t n_kept : {600, 90, 0}) {
    EngineOptions options = Small();
    options.n_kept = n_kept;
    std::unique_ptr<Engine> engine =
        std::move(Engine::Load(model.spec(), options, nullptr)).value();
    std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
    std::mt19937 random(static_cast<uint32_t>(5 + n_kept));
    std::vector<Tokens> places(6, model.Tokens(60, 3));
    places[0] = Joined(places[0], model.Tokens(400, 4));
    int64_t n_reused = 0;
    for (int round = 0; round < 30; ++round) {
      Tokens& tokens = places[random() % places.size()];
      // Cut anywhere, also within what all begin with.
      if (random() % 3 == 0) tokens.resize(1 + random() % tokens.size());
      tokens = Joined(std::move(tokens),
                      model.Tokens(1 + random() % 90, static_cast<uint32_t>(random())));
      if (tokens.size() > 560) tokens.resize(50);
      if (random() % 8 == 0) {
        SyncOptions stopped;
        stopped.cancelled = &cancelled;
        EXPECT_FALSE(session->Sync(tokens, stopped).ok());
      }
      Result<SyncReport> report = session->Sync(tokens, {});
      ASSERT_TRUE(report.ok());
      n_reused += report.value().n_reused;
      EXPECT_EQ(report.value().n_reused + report.value().n_evaluated,
                static_cast<int64_t>(tokens.size()));
      ASSERT_TRUE(AreAsFresh(*engine, *session));
      for (auto n = random() % 40; n > 0; --n)
        ASSERT_TRUE(session->Append(static_cast<int32_t>(random() % 50), nullptr).ok());
    }
    EXPECT_GT(n_reused, n_kept == 0 ? 0 : 1000);
  }
}

TEST(ParkedPrompts, StayWithinTheBudgetAndGiveWayToContexts) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  EngineOptions options = Small();
  options.n_session = 2;
  const MemoryPlan all = Engine::Load(model.spec(), options, nullptr).value()->plan();
  // Less and less, until experts and one full context share what is left.
  std::unique_ptr<Engine> engine;
  options.memory_budget_bytes = all.total_bytes;
  do {
    options.memory_budget_bytes -= all.slot_bytes;
    engine = std::move(Engine::Load(model.spec(), options, nullptr)).value();
  } while (!engine->plan().shares());
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  std::vector<Tokens> places;
  for (uint32_t i = 0; i < 4; ++i) places.push_back(model.Tokens(150, 20 + i));
  ASSERT_TRUE(session->Sync(places[0], {}).ok());
  const int n_slot = engine->stats().n_slot;
  for (size_t i = 1; i < 4; ++i) {
    ASSERT_TRUE(session->Sync(places[i], {}).ok());
    EXPECT_TRUE(AreAsFresh(*engine, *session));
  }
  EXPECT_TRUE(engine->stats().n_slot <= n_slot);
  // A context that needs all there is takes what is parked.
  std::unique_ptr<Session> other = std::move(engine->NewSession()).value();
  ASSERT_TRUE(other->Sync(model.Tokens(880, 4), {}).ok());
  for (const size_t i : {0, 1, 2, 3}) {
    ASSERT_TRUE(session->Sync(places[i], {}).ok());
    EXPECT_TRUE(AreAsFresh(*engine, *session));
  }
}

}  // namespace
}  // namespace hearth
