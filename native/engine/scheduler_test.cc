// Jobs in the order of their urgency, and sessions that take turns a layer at a time.
#include "engine/scheduler.h"

#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/testing.h"
#include "engine/engine.h"
#include "engine/model_testing.h"
#include "engine/rig_testing.h"

namespace hearth {
namespace {

using Flag = std::shared_ptr<std::atomic<bool>>;
using Logits = std::vector<float>;

// Sessions, to the scheduler.
const int kSessions[5] = {};
const int* const kA = &kSessions[0];
const int* const kB = &kSessions[1];
const int* const kC = &kSessions[2];
const int* const kD = &kSessions[3];
const int* const kE = &kSessions[4];

// Records which jobs ran a step, in order, on the scheduler's thread.
class Steps {
 public:
  explicit Steps(std::chrono::milliseconds successor_wait = std::chrono::milliseconds(0))
      : scheduler_(successor_wait) {}

  // A job of `n` steps, each of which calls `at_step` with its number from 1.
  void Post(char name, JobPriority priority, const int* session, int n,
            std::function<void(int)> at_step = nullptr, Flag cancelled = nullptr) {
    auto step = [this, name, n, at_step = std::move(at_step), cancelled, done = 0]() mutable {
      order_ += name;
      ++done;
      if (at_step) at_step(done);
      return done < n && !(cancelled != nullptr && cancelled->load());
    };
    scheduler_.Post({priority, session, cancelled, std::move(step)});
  }

  // Holds the scheduler's thread until Open, so that what is posted in between competes.
  void Hold() {
    scheduler_.Post({JobPriority::kCompletion, &gate_, nullptr, [this] {
                       gate_.get_future().wait();
                       return false;
                     }});
  }
  void Open() { gate_.set_value(); }

  // For steps.
  const std::string& so_far() const { return order_; }

  // When all that was posted has ended.
  std::string Order() {
    std::promise<void> end;
    scheduler_.Post({JobPriority::kPrefill, &end, nullptr, [&] {
                       end.set_value();
                       return false;
                     }});
    end.get_future().wait();
    return order_;
  }

 private:
  std::promise<void> gate_;
  std::string order_;
  Scheduler scheduler_;
};

TEST(Scheduler, RunsTheMostUrgentFirstAndEqualsInTheirOrder) {
  Steps steps;
  steps.Hold();
  steps.Post('i', JobPriority::kPrefill, kC, 1);
  steps.Post('c', JobPriority::kChat, kB, 2);
  steps.Post('d', JobPriority::kChat, kD, 1);
  steps.Post('x', JobPriority::kCompletion, kA, 2);
  steps.Post('y', JobPriority::kCompletion, kE, 1);
  steps.Open();
  EXPECT_EQ(steps.Order(), "xxyccdi");
}

TEST(Scheduler, WhatIsMoreUrgentComesBetweenTwoSteps) {
  Steps steps;
  steps.Post('i', JobPriority::kPrefill, kA, 3, [&](int step) {
    if (step != 2) return;
    steps.Post('c', JobPriority::kChat, kB, 3, [&](int chat_step) {
      if (chat_step == 1) steps.Post('x', JobPriority::kCompletion, kC, 2);
      if (chat_step == 2) steps.Post('d', JobPriority::kChat, kC, 1);
    });
  });
  EXPECT_EQ(steps.Order(), "iicxxccdi");
}

TEST(Scheduler, KeepsTheOrderOfASessionAndLendsUrgency) {
  Steps steps;
  // The completion waits for the idle job of its own session, which therefore goes before the chat.
  steps.Post('i', JobPriority::kPrefill, kA, 3, [&](int step) {
    if (step != 1) return;
    steps.Post('c', JobPriority::kChat, kB, 2);
    steps.Post('x', JobPriority::kCompletion, kA, 1);
  });
  EXPECT_EQ(steps.Order(), "iiixcc");
}

TEST(Scheduler, WhatIsCancelledEndsBeforeAllElse) {
  Steps steps;
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  const auto at_idle_step = [&](int step) {
    if (step != 1) return;
    steps.Post('c', JobPriority::kChat, kB, 3, [&](int chat_step) {
      if (chat_step == 2) *cancelled = true;
    });
  };
  steps.Post('i', JobPriority::kPrefill, kA, 100, at_idle_step, cancelled);
  EXPECT_EQ(steps.Order(), "iccic");
}

TEST(Scheduler, WaitsAMomentForTheNextTokenOfWhatIsMoreUrgent) {
  Steps steps(std::chrono::seconds(100));
  std::promise<void> given;
  std::promise<std::string> at_chat;
  steps.Hold();
  steps.Post('c', JobPriority::kChat, kB, 1, [&](int) { at_chat.set_value(steps.so_far()); });
  steps.Post('x', JobPriority::kCompletion, kA, 1, [&](int) { given.set_value(); });
  steps.Open();
  given.get_future().wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  // A cancelled job has no successor: waiting for one would be wasted.
  steps.Post('y', JobPriority::kCompletion, kA, 1, nullptr,
             std::make_shared<std::atomic<bool>>(true));
  EXPECT_EQ(at_chat.get_future().get(), "xyc");
}

TEST(Scheduler, DropsWhatHasNotEnded) {
  bool ran = false;
  const auto held = std::make_shared<int>(0);
  {
    Scheduler scheduler;
    std::promise<void> started;
    scheduler.Post(
        {JobPriority::kChat, kA, nullptr, [&, held, told = std::make_shared<bool>(false)] {
           if (!*told) started.set_value();
           *told = true;
           return true;
         }});
    scheduler.Post({JobPriority::kChat, kB, nullptr, [&] { return !(ran = true); }});
    started.get_future().wait();
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(held.use_count(), 1);
}

// The logits after all of `tokens`, undisturbed.
Logits LogitsOf(const ModelSpec& spec, const std::vector<int32_t>& tokens) {
  Result<std::unique_ptr<Engine>> engine = Engine::Load(spec, {}, nullptr);
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  CHECK(session.value()->Sync(tokens, {}).ok(), "a small prompt");
  return {session.value()->logits().begin(), session.value()->logits().end()};
}

bool Same(std::span<const float> a, const Logits& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

TEST(Session, SameBitsWhoeverIsEvaluatedBetweenTwoLayers) {
  for (const Gating gating : {Gating::kSigmoid, Gating::kSoftmax}) {
    const RandomModel model(TensorType::kQ4_0, gating);
    std::vector<std::vector<int32_t>> prompts;
    std::vector<Logits> expected;
    for (uint32_t i = 0; i < 3; ++i) {
      prompts.push_back(model.Tokens(90 + 10 * i, i));
      expected.push_back(LogitsOf(model.spec(), prompts.back()));
    }
    for (uint32_t seed = 0; seed < 4; ++seed) {
      // One slot: a pass that waits must not hold what another one needs.
      for (const int n_slot : {1, 3, 18}) {
        Rig rig(model.spec(), n_slot, 1 + static_cast<int>(seed % 2), seed, 0);
        std::mt19937 random(seed);
        std::vector<std::unique_ptr<Session>> sessions;
        std::vector<size_t> left = {0, 1, 2};
        for (const size_t i : left) {
          sessions.push_back(rig.NewSession(model.spec()));
          // The end is given token by token.
          const auto prompt = std::span(prompts[i]).first(prompts[i].size() - 3);
          ASSERT_TRUE(sessions[i]->BeginSync(prompt, {}).ok());
        }
        while (!left.empty()) {
          const size_t i = left[random() % left.size()];
          Session& session = *sessions[i];
          Result<bool> done = session.Step();
          ASSERT_TRUE(done.ok());
          if (!done.value()) continue;
          if (session.tokens().size() == prompts[i].size()) {
            EXPECT_TRUE(Same(session.logits(), expected[i]));
            std::erase(left, i);
          } else {
            ASSERT_TRUE(session.BeginAppend(prompts[i][session.tokens().size()], nullptr).ok());
          }
        }
      }
    }
  }
}

TEST(Session, WhatWasBegunCanBeGivenUpAtAnyLayer) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const auto tokens = model.Tokens(120, 8);
  const Logits expected = LogitsOf(model.spec(), tokens);
  Rig rig(model.spec(), 2, 1, 1, 0);
  std::mt19937 random(5);
  for (int round = 0; round < 40; ++round) {
    const auto seed = static_cast<uint32_t>(random());
    const auto other = model.Tokens(40 + random() % 60, seed);
    std::atomic<bool> cancelled{false};
    SyncOptions options;
    options.cancelled = &cancelled;
    ASSERT_TRUE(rig.session->BeginSync(other, options).ok());
    for (size_t step = random() % 12; step > 0; --step) EXPECT_FALSE(rig.session->Step().value());
    if (round % 2 == 0) {
      cancelled = true;
      EXPECT_TRUE(rig.session->Step().status().code() == StatusCode::kCancelled);
    }
    if (round % 4 != 0) continue;
    ASSERT_TRUE(rig.session->Sync(tokens, {}).ok());
    EXPECT_TRUE(Same(rig.session->logits(), expected));
  }
  EXPECT_EQ(rig.session->Sync(tokens, {}).value().n_reused + rig.session->report().n_evaluated,
            120);
}

// A prompt or a token, as the addon posts it.
struct Posted {
  std::promise<Status> ended;
  Flag cancelled = std::make_shared<std::atomic<bool>>(false);

  void Sync(Engine& engine, Session& session, JobPriority priority, std::vector<int32_t> tokens) {
    engine.scheduler().Post({priority, &session, cancelled,
                             [this, &session, tokens = std::move(tokens), begun = false]() mutable {
                               SyncOptions options;
                               options.cancelled = cancelled.get();
                               Status status;
                               if (!begun) {
                                 begun = true;
                                 status = session.BeginSync(tokens, options);
                                 if (status.ok()) return true;
                               } else {
                                 Result<bool> done = session.Step();
                                 if (done.ok() && !done.value()) return true;
                                 status = done.status();
                               }
                               ended.set_value(std::move(status));
                               return false;
                             }});
  }
};

TEST(Engine, AChatGivesWayToCompletionsAndGoesOnWithTheSameBits) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSigmoid);
  const auto chat_tokens = model.Tokens(250, 1);
  const auto typed = model.Tokens(60, 2);
  const Logits chat_expected = LogitsOf(model.spec(), chat_tokens);
  for (const int n_slot : {2, 18}) {
    for (const int n_threads : {1, 2}) {
      EngineOptions options;
      options.n_threads = n_threads;
      options.expert_slots = n_slot;
      options.n_session = 3;
      options.n_chunk = 16;
      Result<std::unique_ptr<Engine>> loaded = Engine::Load(model.spec(), options, nullptr);
      ASSERT_TRUE(loaded.ok());
      Engine& engine = *loaded.value();
      const std::unique_ptr<Session> chat = std::move(engine.NewSession()).value();
      const std::unique_ptr<Session> editor = std::move(engine.NewSession()).value();
      const std::unique_ptr<Session> warmed = std::move(engine.NewSession()).value();
      Posted idle;
      idle.Sync(engine, *warmed, JobPriority::kPrefill, chat_tokens);
      Posted answer;
      answer.Sync(engine, *chat, JobPriority::kChat, chat_tokens);
      for (size_t n = 40; n <= typed.size(); n += 5) {
        const std::vector<int32_t> prompt(typed.begin(),
                                          typed.begin() + static_cast<std::ptrdiff_t>(n));
        Posted completion;
        completion.Sync(engine, *editor, JobPriority::kCompletion, prompt);
        ASSERT_TRUE(completion.ended.get_future().get().ok());
        EXPECT_TRUE(Same(editor->logits(), LogitsOf(model.spec(), prompt)));
      }
      ASSERT_TRUE(answer.ended.get_future().get().ok());
      EXPECT_TRUE(Same(chat->logits(), chat_expected));
      *idle.cancelled = true;
      const Status status = idle.ended.get_future().get();
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kCancelled);
    }
  }
}

}  // namespace
}  // namespace hearth
