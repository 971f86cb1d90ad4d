#include "engine/engine.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <set>
#include <thread>
#include <vector>

#include "base/testing.h"
#include "engine/expert_layout.h"
#include "engine/model_testing.h"
#include "engine/rig_testing.h"
#include "kernels/dispatch.h"
#include "kernels/isas_testing.h"

namespace hearth {
namespace {

using Logits = std::vector<float>;

// Logits of all tokens, [n_token, n_vocab].
Result<Logits> AllLogits(Session& session, const std::vector<int32_t>& tokens,
                         int64_t n_chunk = 0) {
  Logits all;
  SyncOptions options;
  options.n_chunk = n_chunk;
  options.on_logits = [&](std::span<const float> chunk) {
    all.insert(all.end(), chunk.begin(), chunk.end());
  };
  Result<SyncReport> report = session.Sync(tokens, options);
  if (!report.ok()) return report.status();
  return all;
}

Result<Logits> Evaluate(const ModelSpec& spec, const EngineOptions& options,
                        const std::vector<int32_t>& tokens) {
  Result<std::unique_ptr<Engine>> engine = Engine::Load(spec, options, nullptr);
  if (!engine.ok()) return engine.status();
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  if (!session.ok()) return session.status();
  return AllLogits(*session.value(), tokens, options.n_chunk);
}

TEST(Engine, SameBitsForAnySlotsThreadsChunksReadAheadAndIsa) {
  for (const TensorType type : {TensorType::kF32, TensorType::kQ4_0}) {
    const RandomModel model(type, Gating::kSoftmax);
    const auto tokens = model.Tokens(32, 3);
    EngineOptions plain;
    plain.n_threads = 1;
    Result<Logits> expected = Evaluate(model.spec(), plain, tokens);
    ASSERT_TRUE(expected.ok());
    EXPECT_EQ(expected.value().size(), 32u * 50);
    // Not all the same, or the comparison would show nothing.
    EXPECT_TRUE(std::set<float>(expected.value().begin(), expected.value().end()).size() > 1000);
    for (const Isa isa : testing::IsasHere()) {
      for (const int slots : {1, 2, 5, 18}) {
        for (const int64_t chunk : {1, 7, 32}) {
          EngineOptions options;
          options.isa = isa;
          options.expert_slots = slots;
          options.n_chunk = chunk;
          options.n_threads = slots % 2 == 0 ? 1 : 3;
          options.read_ahead = slots != 2;
          Result<Logits> logits = Evaluate(model.spec(), options, tokens);
          ASSERT_TRUE(logits.ok());
          EXPECT_TRUE(logits.value() == expected.value());
        }
      }
    }
  }
}

// Contexts that fill take slots from the experts, and give them back.
TEST(Engine, SameBitsWhateverTheBudget) {
  for (const TensorType type : {TensorType::kF32, TensorType::kQ4_0}) {
    const RandomModel model(type, Gating::kSigmoid);
    const auto tokens = model.Tokens(256, 9);
    Result<Logits> expected = Evaluate(model.spec(), {}, tokens);
    ASSERT_TRUE(expected.ok());
    EngineOptions options;
    options.n_session = 2;
    options.n_ctx = 2048;
    options.n_kept = 0;  // a full context then takes little beside the experts
    Result<std::unique_ptr<Engine>> all = Engine::Load(model.spec(), options, nullptr);
    ASSERT_TRUE(all.ok());
    const MemoryPlan unlimited = all.value()->plan();
    for (const bool direct : {true, false}) {
      options.direct_reads = direct;
      // The smallest that works.
      Result<std::unique_ptr<Engine>> engine = Status::Cancelled();
      uint64_t refused = 0;
      for (uint64_t works = unlimited.total_bytes; works - refused > unlimited.slot_bytes;) {
        options.memory_budget_bytes = (works + refused) / 2;
        Result<std::unique_ptr<Engine>> tighter = Engine::Load(model.spec(), options, nullptr);
        (tighter.ok() ? works : refused) = options.memory_budget_bytes;
        if (tighter.ok()) engine = std::move(tighter);
      }
      ASSERT_TRUE(engine.ok());
      const MemoryPlan& plan = engine.value()->plan();
      EXPECT_TRUE(plan.embedding_on_disk);
      EXPECT_GT(plan.n_slot, plan.n_slot_min);
      EXPECT_EQ(engine.value()->stats().n_slot, plan.n_slot);
      for (int round = 0; round < 2; ++round) {
        std::unique_ptr<Session> one = std::move(engine.value()->NewSession()).value();
        std::unique_ptr<Session> two = std::move(engine.value()->NewSession()).value();
        Result<Logits> logits = AllLogits(*one, tokens);
        ASSERT_TRUE(logits.ok());
        EXPECT_TRUE(logits.value() == expected.value());
        logits = AllLogits(*two, tokens);
        ASSERT_TRUE(logits.ok());
        EXPECT_TRUE(logits.value() == expected.value());
        const int n_slot = engine.value()->stats().n_slot;
        EXPECT_LT(n_slot, plan.n_slot);
        one.reset();
        ASSERT_TRUE(two->Sync(std::span(tokens).first(9), {}).ok());
        EXPECT_GT(engine.value()->stats().n_slot, n_slot);
      }
    }
  }
}

// Polls: what is waited for happens on another thread.
template <typename Condition>
bool Eventually(const Condition& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return condition();
}

TEST(Engine, RestsAndComesBackWithWhatWasHot) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const auto tokens = model.Tokens(40, 5);
  Result<Logits> expected = Evaluate(model.spec(), {}, tokens);
  ASSERT_TRUE(expected.ok());
  for (const int n_slot : {0, 5}) {
    EngineOptions options;
    options.expert_slots = n_slot;
    std::unique_ptr<Engine> engine =
        std::move(Engine::Load(model.spec(), options, nullptr)).value();
    std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
    ASSERT_TRUE(session->Sync(tokens, {}).ok());
    const size_t n_hot = engine->HotExperts().size();
    EXPECT_GT(n_hot, 1u);
    engine->TrimIdle();
    EXPECT_TRUE(Eventually([&] { return engine->stats().n_slot == 1; }));
    EXPECT_TRUE(Eventually([&] { return engine->HotExperts().size() == n_hot; }));
    engine->TrimIdle();  // there is nothing left to give, and nothing is forgotten
    std::atomic<bool> rested = false;
    engine->scheduler().Post(
        {.priority = JobPriority::kPrefill, .session = &rested, .step = [&rested] {
           rested = true;
           return false;
         }});
    EXPECT_TRUE(Eventually([&] { return rested.load(); }));
    const std::vector<ExpertId> hot = engine->HotExperts();
    EXPECT_EQ(hot.size(), n_hot);
    Result<Logits> logits = AllLogits(*session, tokens);
    ASSERT_TRUE(logits.ok());
    EXPECT_TRUE(logits.value() == expected.value());
    EXPECT_EQ(engine->stats().n_slot, engine->plan().n_slot);
    std::unique_ptr<Engine> next = std::move(Engine::Load(model.spec(), options, nullptr)).value();
    next->Preload(hot);
    EXPECT_TRUE(Eventually([&] { return next->HotExperts().size() == n_hot; }));
    EXPECT_EQ(next->stats().experts.misses, 0u);
  }
}

TEST(Engine, SameBitsForDelayedAndShuffledReads) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSigmoid);
  const auto tokens = model.Tokens(40, 5);
  Result<Logits> expected = Evaluate(model.spec(), {}, tokens);
  ASSERT_TRUE(expected.ok());
  for (uint32_t seed = 0; seed < 6; ++seed) {
    for (const int n_slot : {1, 3, 9}) {
      Rig rig(model.spec(), n_slot, 1 + static_cast<int>(seed % 2), seed, 0);
      Result<Logits> logits = AllLogits(*rig.session, tokens, seed % 2 == 0 ? 0 : 3);
      ASSERT_TRUE(logits.ok());
      EXPECT_TRUE(logits.value() == expected.value());
    }
  }
}

TEST(Engine, AFailingReadEndsTheRequestAndTheNextOneGoesOn) {
  const RandomModel model(TensorType::kF32, Gating::kSigmoid);
  const auto tokens = model.Tokens(24, 6);
  Result<Logits> expected = Evaluate(model.spec(), {}, tokens);
  ASSERT_TRUE(expected.ok());
  Rig rig(model.spec(), 4, 1, 9, 0.1);
  int failures = 0;
  SyncOptions options;
  options.n_chunk = 2;
  for (int attempt = 0; attempt < 500; ++attempt) {
    Result<SyncReport> report = rig.session->Sync(tokens, options);
    if (report.ok()) break;
    ++failures;
    EXPECT_TRUE(report.status().code() == StatusCode::kIo);
    EXPECT_EQ(report.status().message(), "disturbed");
  }
  EXPECT_GT(failures, 0);
  const Logits last(expected.value().end() - 50, expected.value().end());
  EXPECT_TRUE(Logits(rig.session->logits().begin(), rig.session->logits().end()) == last);
}

TEST(Engine, AFileThatIsCutWhileInUseIsAnErrorNotACrash) {
  RandomModel model(TensorType::kF32, Gating::kSigmoid);
  EngineOptions options;
  options.expert_slots = 2;
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), options, nullptr);
  ASSERT_TRUE(engine.ok());
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  model.Truncate();
  const auto tokens = model.Tokens(10, 1);
  Result<SyncReport> report = session.value()->Sync(tokens, {});
  EXPECT_TRUE(report.status().code() == StatusCode::kIo);
  EXPECT_TRUE(session.value()->logits().empty());
  model.Write();
  EXPECT_TRUE(session.value()->Sync(tokens, {}).ok());
}

TEST(Session, ReusesTheCommonPrefixWithTheSameBits) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  EngineOptions options;
  options.n_chunk = 8;
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), options, nullptr);
  ASSERT_TRUE(engine.ok());
  Result<std::unique_ptr<Session>> kept = engine.value()->NewSession();
  std::mt19937 random(11);
  std::vector<int32_t> tokens = model.Tokens(80, 2);
  int64_t n_reused = 0;
  for (int round = 0; round < 30; ++round) {
    // An editor's life: cut somewhere, go on differently.
    tokens.resize(1 + random() % tokens.size());
    const auto more = model.Tokens(1 + random() % 30, static_cast<uint32_t>(random()));
    tokens.insert(tokens.end(), more.begin(), more.end());
    Result<SyncReport> report = kept.value()->Sync(tokens, {});
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report.value().n_reused + report.value().n_evaluated,
              static_cast<int64_t>(tokens.size()));
    n_reused += report.value().n_reused;
    Result<std::unique_ptr<Session>> fresh = engine.value()->NewSession();
    ASSERT_TRUE(fresh.value()->Sync(tokens, {}).ok());
    const auto a = kept.value()->logits();
    const auto b = fresh.value()->logits();
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
    EXPECT_EQ(a.size(), 50u);
  }
  EXPECT_GT(n_reused, 50);
}

TEST(Session, GoesBackInAWindowWithoutStartingAnew) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  EngineOptions options;
  options.n_chunk = 1;
  options.n_ctx = 600;
  options.n_kept = 0;
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), options, nullptr);
  ASSERT_TRUE(engine.ok());
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  auto tokens = model.Tokens(500, 2);
  ASSERT_TRUE(session.value()->Sync(tokens, {}).ok());
  // The windows of 16 have wrapped round many times.
  tokens.resize(tokens.size() - Session::kRewindTokens + 1);
  tokens.back() ^= 1;
  EXPECT_EQ(session.value()->Sync(tokens, {}).value().n_evaluated, 1);
  Result<std::unique_ptr<Session>> fresh = engine.value()->NewSession();
  ASSERT_TRUE(fresh.value()->Sync(tokens, {}).ok());
  EXPECT_TRUE(std::equal(session.value()->logits().begin(), session.value()->logits().end(),
                         fresh.value()->logits().begin()));
  // Further back than is kept: all anew, and still right.
  tokens.resize(50);
  EXPECT_EQ(session.value()->Sync(tokens, {}).value().n_evaluated, 50);
}

// A cursor that jumps about: whatever the timeline shares with a prompt within its first n_kept
// tokens is evaluated no more, however far behind the windows of 16 it ends.
TEST(Session, GoesBackToAnyPositionThatIsKept) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  EngineOptions options;
  options.n_chunk = 8;
  options.n_ctx = 900;
  options.n_kept = 200;
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), options, nullptr);
  ASSERT_TRUE(engine.ok());
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  auto tokens = model.Tokens(800, 2);
  ASSERT_TRUE(session.value()->Sync(tokens, {}).ok());
  // Behind all windows, within them, at the first position, where the ring begins, and anywhere.
  for (const size_t n : {200, 199, 130, 60, 5, 1}) {
    tokens.resize(n);
    const auto more = model.Tokens(500, static_cast<uint32_t>(n + 50));
    tokens.insert(tokens.end(), more.begin(), more.end());
    const auto& held = session.value()->tokens();
    const auto shared = std::mismatch(held.begin(), held.end(), tokens.begin(), tokens.end());
    const auto n_shared = static_cast<int64_t>(shared.first - held.begin());
    Result<SyncReport> report = session.value()->Sync(tokens, {});
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report.value().n_reused, n_shared);
    EXPECT_TRUE(n_shared >= static_cast<int64_t>(n));
    Result<std::unique_ptr<Session>> fresh = engine.value()->NewSession();
    ASSERT_TRUE(fresh.value()->Sync(tokens, {}).ok());
    EXPECT_TRUE(std::equal(session.value()->logits().begin(), session.value()->logits().end(),
                           fresh.value()->logits().begin()));
  }
}

TEST(Session, EvaluatesNothingForTheSamePromptTwice) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), {}, nullptr);
  ASSERT_TRUE(engine.ok());
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  const auto tokens = model.Tokens(12, 2);
  EXPECT_EQ(session.value()->Sync(tokens, {}).value().n_evaluated, 12);
  const Logits before(session.value()->logits().begin(), session.value()->logits().end());
  EXPECT_EQ(session.value()->Sync(tokens, {}).value().n_evaluated, 0);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), session.value()->logits().begin()));
  // A shorter prompt needs its last token's logits anew.
  const std::vector<int32_t> shorter(tokens.begin(), tokens.end() - 3);
  EXPECT_EQ(session.value()->Sync(shorter, {}).value().n_evaluated, 1);
}

TEST(Session, AppendIsTheSameAsALongerPrompt) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSigmoid);
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), {}, nullptr);
  ASSERT_TRUE(engine.ok());
  Result<std::unique_ptr<Session>> a = engine.value()->NewSession();
  Result<std::unique_ptr<Session>> b = engine.value()->NewSession();
  const auto tokens = model.Tokens(30, 2);
  ASSERT_TRUE(a.value()->Sync(std::span(tokens).first(5), {}).ok());
  for (size_t i = 5; i < tokens.size(); ++i)
    ASSERT_TRUE(a.value()->Append(tokens[i], nullptr).ok());
  ASSERT_TRUE(b.value()->Sync(tokens, {}).ok());
  EXPECT_TRUE(std::equal(a.value()->logits().begin(), a.value()->logits().end(),
                         b.value()->logits().begin()));
  EXPECT_TRUE(a.value()->tokens() == tokens);
}

TEST(Session, RefusesWhatItCannotDo) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  EngineOptions options;
  options.n_ctx = 10;
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), options, nullptr);
  ASSERT_TRUE(engine.ok());
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  const auto refused = [&](std::vector<int32_t> tokens) {
    return session.value()->Sync(tokens, {}).status().code() == StatusCode::kBadRequest;
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({-1}));
  EXPECT_TRUE(refused({50}));
  EXPECT_TRUE(refused(model.Tokens(11, 1)));
  EXPECT_FALSE(refused(model.Tokens(10, 1)));
  EXPECT_TRUE(session.value()->Append(1, nullptr).code() == StatusCode::kBadRequest);
}

TEST(Session, WhatIsCancelledBeforeItBeginsLeavesTheTimelineAlone) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), {}, nullptr);
  ASSERT_TRUE(engine.ok());
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  const auto tokens = model.Tokens(12, 2);
  ASSERT_TRUE(session.value()->Sync(std::span(tokens).first(8), {}).ok());
  std::atomic<bool> cancelled{true};
  SyncOptions options;
  options.cancelled = &cancelled;
  EXPECT_TRUE(session.value()->Sync(tokens, options).status().code() == StatusCode::kCancelled);
  EXPECT_EQ(session.value()->tokens().size(), 8u);
  EXPECT_EQ(session.value()->logits().size(), 50u);
  cancelled = false;
  EXPECT_EQ(session.value()->Sync(tokens, options).value().n_evaluated, 4);
}

TEST(Session, ACancelInTheMiddleOfAChunkLeavesWindowsRight) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const auto tokens = model.Tokens(200, 8);
  Result<Logits> expected = Evaluate(model.spec(), {}, tokens);
  ASSERT_TRUE(expected.ok());
  const Logits last(expected.value().end() - 50, expected.value().end());
  int n_cancelled = 0;
  for (int at_read = 5; at_read < 200; at_read += 13) {
    std::atomic<bool> cancelled{false};
    Rig rig(model.spec(), 1, 1, 1, 0, [&](int n_read) { cancelled = n_read >= at_read; });
    SyncOptions options;
    options.cancelled = &cancelled;
    // Some layers have written keys and values of the chunk when the cancel comes.
    Result<SyncReport> first = rig.session->Sync(tokens, options);
    n_cancelled += first.ok() ? 0 : 1;
    if (!first.ok()) EXPECT_TRUE(first.status().code() == StatusCode::kCancelled);
    options.cancelled = nullptr;
    ASSERT_TRUE(rig.session->Sync(tokens, options).ok());
    EXPECT_TRUE(Logits(rig.session->logits().begin(), rig.session->logits().end()) == last);
  }
  EXPECT_GT(n_cancelled, 5);
}

TEST(Session, ReportsTheExpertsChosen) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), {}, nullptr);
  ASSERT_TRUE(engine.ok());
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  RoutingTrace trace;
  SyncOptions options;
  options.n_chunk = 5;
  options.trace = &trace;
  ASSERT_TRUE(session.value()->Sync(model.Tokens(12, 2), options).ok());
  ASSERT_EQ(trace.layers.size(), 3u);
  for (const auto& ids : trace.layers) {
    EXPECT_EQ(ids.size(), 24u);
    for (size_t t = 0; t < ids.size(); t += 2) EXPECT_NE(ids[t], ids[t + 1]);
  }
  for (const auto& ids : trace.guesses) EXPECT_EQ(ids.size(), 0u);
}

TEST(Session, ReportsWhatRoutersWouldHaveChosenEarlier) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  const int n_token = 12;
  const auto traced = [&](int64_t n_chunk) {
    Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), {}, nullptr);
    Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
    RoutingTrace trace;
    trace.depth = 2;
    SyncOptions options;
    options.n_chunk = n_chunk;
    options.trace = &trace;
    EXPECT_TRUE(session.value()->Sync(model.Tokens(n_token, 2), options).ok());
    return trace;
  };
  const RoutingTrace trace = traced(5);
  const ModelSpec& spec = model.spec();
  const auto n_used = static_cast<size_t>(spec.n_expert_used);
  ASSERT_EQ(trace.guesses.size(), 3u);
  // Of three layers the last one has nothing behind it.
  EXPECT_EQ(trace.guesses[0].size(), n_token * 2 * n_used);
  EXPECT_EQ(trace.guesses[1].size(), n_token * 2 * n_used);
  EXPECT_EQ(trace.guesses[2].size(), n_token * n_used);
  for (size_t t = 0; t < n_token; ++t) {
    for (size_t r = 0; r < n_used; ++r) {
      // The first layer's router sees the embedding itself.
      EXPECT_EQ(trace.guesses[0][t * 2 * n_used + r], trace.layers[0][t * n_used + r]);
      EXPECT_NE(trace.next_ranked[1][t * n_used], trace.layers[1][t * n_used + r]);
    }
  }
  // Whatever the chunks.
  const RoutingTrace again = traced(1);
  EXPECT_TRUE(again.layers == trace.layers);
  EXPECT_TRUE(again.guesses == trace.guesses);
  EXPECT_TRUE(again.next_ranked == trace.next_ranked);
}

TEST(Engine, NamesTheLayerThatGivesNoNumber) {
  const uint16_t kNanHalf = 0x7e00;
  // All of a router's row, or of a norm: a single NaN logit would just never be chosen.
  const std::vector<float> kNans(64 * 6, std::numeric_limits<float>::quiet_NaN());
  const struct {
    const char* tensor;
    const char* expected;
    TensorType type;
  } kCases[] = {
      {"blk.1.attn_v.weight", "layer 1 ", TensorType::kQ4_0},
      {"blk.2.ffn_gate_inp.weight", "layer 2 ", TensorType::kF32},
      {"blk.0.ffn_norm.weight", "layer 0 ", TensorType::kF32},
      {"output.weight", "the output head", TensorType::kQ4_0},
  };
  for (const auto& c : kCases) {
    RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
    if (c.type == TensorType::kF32) {
      model.Damage(c.tensor, kNans.data(), model.spec().Find(c.tensor)->bytes);
    } else {
      model.Damage(c.tensor, &kNanHalf, sizeof(kNanHalf));
    }
    Result<Logits> logits = Evaluate(model.spec(), {}, model.Tokens(6, 1));
    EXPECT_TRUE(logits.status().code() == StatusCode::kNumeric);
    if (logits.status().message().find(c.expected) == std::string::npos) {
      testing::Fail(__FILE__, __LINE__,
                    std::string(c.expected) + " not in: " + logits.status().message());
    }
  }
}

TEST(Engine, RefusesFilesThatChangedAndOptionsThatMakeNoSense) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  ModelSpec spec = model.spec();
  spec.file_bytes += 1;
  EXPECT_TRUE(Engine::Load(spec, {}, nullptr).status().code() == StatusCode::kBadModel);
  spec = model.spec();
  spec.path += ".missing";
  EXPECT_TRUE(Engine::Load(spec, {}, nullptr).status().code() == StatusCode::kIo);
  EngineOptions options;
  options.n_threads = -1;
  EXPECT_TRUE(Engine::Load(model.spec(), options, nullptr).status().code() ==
              StatusCode::kBadRequest);
  options = {};
  options.n_chunk = 1 << 20;
  EXPECT_TRUE(Engine::Load(model.spec(), options, nullptr).status().code() ==
              StatusCode::kBadRequest);
}

TEST(MemoryArbiter, EvictsIdleContextsBeforeItRefuses) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSigmoid);
  const auto tokens = model.Tokens(256, 9);
  Result<Logits> expected = Evaluate(model.spec(), {}, tokens);
  ASSERT_TRUE(expected.ok());
  EngineOptions options;
  options.n_session = 3;
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), options, nullptr);
  options.memory_budget_bytes =
      engine.value()->plan().total_bytes - engine.value()->plan().kv_bytes;
  engine = Engine::Load(model.spec(), options, nullptr);
  ASSERT_TRUE(engine.ok());
  std::unique_ptr<Session> one = std::move(engine.value()->NewSession()).value();
  std::unique_ptr<Session> two = std::move(engine.value()->NewSession()).value();
  EXPECT_TRUE(one->Sync(tokens, {}).ok());
  EXPECT_TRUE(two->Sync(tokens, {}).ok());  // takes what `one` had
  EXPECT_TRUE(one->tokens().empty());
  EXPECT_TRUE(std::equal(one->logits().begin(), one->logits().end(), expected.value().end() - 50));
  Result<SyncReport> again = one->Sync(tokens, {});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.value().n_reused, 0);
  EXPECT_TRUE(std::equal(one->logits().begin(), one->logits().end(), expected.value().end() - 50));
  // An answer that was begun goes on.
  ASSERT_TRUE(one->Sync(std::span(tokens).first(255), {}).ok());
  ASSERT_TRUE(two->Sync(tokens, {}).ok());
  EXPECT_TRUE(one->Append(tokens.back(), nullptr).ok());
  EXPECT_TRUE(one->tokens() == tokens);
  EXPECT_TRUE(std::equal(one->logits().begin(), one->logits().end(), expected.value().end() - 50));
  // While a request is half done its context stays.
  ASSERT_TRUE(two->BeginSync(tokens, {}).ok());
  ASSERT_TRUE(two->Step().ok());
  EXPECT_TRUE(one->Sync(model.Tokens(20, 1), {}).status().code() == StatusCode::kMemory);
  while (true) {
    Result<bool> done = two->Step();
    ASSERT_TRUE(done.ok());
    if (done.value()) break;
  }
  EXPECT_TRUE(std::equal(two->logits().begin(), two->logits().end(), expected.value().end() - 50));
  EXPECT_TRUE(one->Sync(model.Tokens(20, 1), {}).ok());
}

TEST(MemoryArbiter, GivesAPromptsRoomBackToTheExperts) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSigmoid);
  const auto prompt = model.Tokens(200, 9);
  const auto other = model.Tokens(40, 10);
  const auto end_of = [&](const std::vector<int32_t>& tokens) {
    Result<Logits> all = Evaluate(model.spec(), {}, tokens);
    return Logits(all.value().end() - 50, all.value().end());
  };
  const auto is_at = [](const Session& session, const Logits& expected) {
    return std::equal(session.logits().begin(), session.logits().end(), expected.begin(),
                      expected.end());
  };
  EngineOptions options;
  options.n_session = 2;
  options.n_ctx = 2048;
  options.n_kept = 0;
  options.n_chunk = 80;
  Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), options, nullptr);
  const MemoryPlan unlimited = engine.value()->plan();
  options.memory_budget_bytes = unlimited.total_bytes - unlimited.kv_bytes / 2 -
                                unlimited.dense_bytes / 2 - 8 * unlimited.slot_bytes;
  engine = Engine::Load(model.spec(), options, nullptr);
  ASSERT_TRUE(engine.ok());
  const MemoryPlan& plan = engine.value()->plan();
  ASSERT_TRUE(plan.shares());
  EXPECT_GT(plan.prompt_bytes, plan.slot_bytes);
  const auto n_slot = [&] { return engine.value()->stats().n_slot; };
  std::unique_ptr<Session> one = std::move(engine.value()->NewSession()).value();
  std::unique_ptr<Session> two = std::move(engine.value()->NewSession()).value();
  ASSERT_TRUE(one->Sync(std::span(prompt).first(199), {}).ok());
  ASSERT_TRUE(two->Sync(std::span(other).first(8), {}).ok());
  const int n_slot_at_rest = n_slot();
  const Logits after_one_more = end_of(prompt);
  ASSERT_TRUE(one->Append(prompt.back(), nullptr).ok());
  EXPECT_TRUE(is_at(*one, after_one_more));
  EXPECT_EQ(n_slot(), n_slot_at_rest);

  // Between two layers of a long chunk, tokens of other sessions do not take its scratch.
  const auto anew = model.Tokens(200, 11);
  ASSERT_TRUE(one->BeginSync(anew, {}).ok());
  ASSERT_TRUE(one->Step().ok());
  EXPECT_LT(n_slot(), n_slot_at_rest);
  const int n_slot_in_prompt = n_slot();
  for (size_t i = 8; i < 16; ++i) {
    ASSERT_TRUE(two->Append(other[i], nullptr).ok());
    EXPECT_EQ(n_slot(), n_slot_in_prompt);
    Result<bool> done = one->Step();
    ASSERT_TRUE(done.ok());
  }
  while (true) {
    Result<bool> done = one->Step();
    ASSERT_TRUE(done.ok());
    if (done.value()) break;
  }
  EXPECT_TRUE(is_at(*one, end_of(anew)));
  ASSERT_TRUE(two->Append(other[16], nullptr).ok());
  EXPECT_EQ(n_slot(), n_slot_at_rest);
  EXPECT_TRUE(is_at(*two, end_of({other.begin(), other.begin() + 17})));

  // A session that is destroyed in a prompt gives its room back; the next prompt may take room in
  // steps.
  ASSERT_TRUE(one->BeginSync(prompt, {}).ok());
  ASSERT_TRUE(one->Step().ok());
  EXPECT_EQ(n_slot(), n_slot_in_prompt);
  one.reset();
  ASSERT_TRUE(two->Sync(other, {}).ok());
  EXPECT_GT(n_slot(), n_slot_in_prompt);
  EXPECT_TRUE(is_at(*two, end_of(other)));
}

}  // namespace
}  // namespace hearth
