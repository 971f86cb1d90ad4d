// Every allocation of an engine at work fails, one after the other, as SQLite's tests do it
// (sqlite.org/testing.html, "Out-Of-Memory Testing"): once, and from some allocation on for good.
// The call under way may fail; nothing may abort, wait for ever or change a later result.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/testing.h"
#include "engine/engine.h"
#include "engine/generation.h"
#include "engine/model_testing.h"

namespace {

// Allocations of all threads until the one that fails; below 0: none does.
std::atomic<int64_t> n_until_failure{-1};
std::atomic<bool> fails_for_good{false};
std::atomic<int64_t> n_failed{0};

bool MustFail() {
  if (n_until_failure.load(std::memory_order_relaxed) < 0) return false;
  if (n_until_failure.fetch_sub(1) > 0) return false;
  if (fails_for_good.load()) n_until_failure = 0;
  ++n_failed;
  return true;
}

void* Allocate(size_t bytes) {
  void* memory = MustFail() ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t bytes) { return Allocate(bytes); }
void* operator new[](size_t bytes) { return Allocate(bytes); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return MustFail() ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;

// What fails while this lives is counted; nothing fails afterwards.
class Failing {
 public:
  Failing(int64_t n_before, bool for_good) {
    n_failed = 0;
    fails_for_good = for_good;
    n_until_failure = n_before;
  }
  ~Failing() { n_until_failure = -1; }
};

class Paused {
 public:
  ~Paused() { n_until_failure = n_; }

 private:
  const int64_t n_ = n_until_failure.exchange(-1);
};

// Of the allocations of a long scene so many fail, spread evenly; HEARTH_FUZZ=1000000 for all.
int64_t Rounds() {
  const char* given = std::getenv("HEARTH_FUZZ");
  return given != nullptr ? std::max(1, std::atoi(given)) : 20;
}

// Allocations of `work`.
template <typename Work>
int64_t Count(const Work& work) {
  constexpr int64_t kMany = int64_t{1} << 40;
  const Failing none(kMany, false);
  work();
  return kMany - n_until_failure;
}

// The n-th allocation of `work`, for n = 0, step, 2 * step, ..., until there are no more. Calls
// after(n) behind each. Returns how many failed.
template <typename Work, typename After>
int64_t FailEach(int64_t step, bool for_good, const Work& work, const After& after) {
  int64_t n_all = 0;
  for (int64_t n = step / 2;; n += step) {
    {
      const Failing failing(n, for_good);
      try {
        work();
      } catch (const std::bad_alloc&) {
        // As the addon does for each job.
      }
    }
    const int64_t n_now = n_failed;
    after(n);
    if (n_now == 0) return n_all;
    n_all += n_now;
  }
}

EngineOptions FewExperts() {
  EngineOptions options;
  options.n_threads = 2;
  options.n_session = 2;
  options.n_ctx = 256;
  options.n_parked = 3;
  options.n_chunk = 16;
  // Past the page cache each of the many reads would wait for the drive.
  options.direct_reads = false;
  return options;
}

// With a budget in which experts and contexts share memory.
EngineOptions SharingOptions(const ModelSpec& spec) {
  EngineOptions options = FewExperts();
  std::unique_ptr<Engine> roomy = std::move(Engine::Load(spec, options, nullptr)).value();
  const MemoryPlan plan = roomy->plan();
  options.memory_budget_bytes = plan.total_bytes - plan.kv_bytes / 2 - 6 * plan.slot_bytes;
  return options;
}

std::shared_ptr<const CodeMemory> MemoryOf(const Tokens& code) {
  auto index = std::make_shared<CodeIndex>();
  EXPECT_TRUE(index->Append(CodeSource::kFile, {}, code).ok());
  MixtureWeights weights;
  for (SourceWeights& source : weights) source.strength.fill(1);
  return std::make_shared<CodeMemory>(CodeMemory{index, weights, {}});
}

// What two sessions of one engine say.
struct Said {
  std::vector<std::vector<float>> logits;
  Tokens text;
  bool operator==(const Said&) const = default;
};

class Scene {
 public:
  Scene(const RandomModel& model, const EngineOptions& options)
      : memory_(MemoryOf(model.Tokens(400, 9))),
        first_(model.Tokens(120, 2)),
        second_(model.Tokens(90, 3)),
        edited_(first_),
        engine_(std::move(Engine::Load(model.spec(), options, nullptr)).value()) {
    edited_[40] = (edited_[40] + 1) % 50;
    for (auto& session : sessions_) session = std::move(engine_->NewSession()).value();
  }

  const MemoryPlan& plan() const { return engine_->plan(); }

  // The logits of two short texts, each evaluated anew; nothing where the engine said that it has
  // no memory.
  std::optional<Said> ShortTexts() {
    Said said;
    for (const Tokens* all : {&first_, &second_}) {
      const Tokens text(all->begin(), all->begin() + 8);
      if (!Sync(*sessions_[1], text, &said)) return std::nullopt;
    }
    return said;
  }

  // Nothing where the engine said that it has no memory.
  std::optional<Said> Play() {
    Said said;
    Session& a = *sessions_[0];
    Session& b = *sessions_[1];
    const bool all_said = Sync(a, first_, &said) && Generate(a, 6, &said) &&
                          Sync(b, second_, &said) && Sync(a, edited_, &said) &&
                          Sync(a, first_, &said) && Append(b, &said) && Trim() &&
                          Sync(b, second_, &said) && Generate(b, 3, &said);
    if (!all_said) return std::nullopt;
    return said;
  }

 private:
  static bool IsFine(const Status& status) {
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kMemory);
    return status.ok();
  }

  static bool Sync(Session& session, const Tokens& tokens, Said* said) {
    if (!IsFine(session.Sync(tokens, {}).status())) return false;
    said->logits.emplace_back(session.logits().begin(), session.logits().end());
    return true;
  }

  static bool Append(Session& session, Said* said) {
    if (!IsFine(session.Append(7, nullptr))) return false;
    said->logits.emplace_back(session.logits().begin(), session.logits().end());
    return true;
  }

  bool Generate(Session& session, int n, Said* said) const {
    GenerationOptions options;
    options.log_probabilities = true;
    options.memory = memory_;
    options.context = first_;
    Result<std::unique_ptr<Generation>> generation = Generation::Create(session, options);
    if (!IsFine(generation.status())) return false;
    for (int i = 0; i < n; ++i) {
      if (!IsFine(generation.value()->BeginNext(nullptr))) return false;
      Result<bool> done = false;
      while (done.ok() && !done.value()) done = generation.value()->Step();
      if (!IsFine(done.status())) return false;
      said->text.push_back(generation.value()->token().id);
    }
    return true;
  }

  // On the decode thread, while this one waits: that must not fail.
  bool Trim() const {
    engine_->TrimIdle();
    const Paused paused;
    std::promise<void> trimmed;
    engine_->scheduler().Post(
        {.priority = JobPriority::kPrefill, .session = engine_.get(), .step = [&] {
           trimmed.set_value();
           return false;
         }});
    trimmed.get_future().wait();
    return true;
  }

  const std::shared_ptr<const CodeMemory> memory_;
  const Tokens first_;
  const Tokens second_;
  Tokens edited_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> sessions_[2];
};

void PlayOnWhereItFails(bool for_good) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  Scene scene(model, SharingOptions(model.spec()));
  EXPECT_TRUE(scene.plan().shares());
  std::optional<Said> expected = scene.Play();
  ASSERT_TRUE(expected.has_value());
  const int64_t n_allocation = Count([&] { expected = scene.Play(); });
  int64_t n_without_answer = 0;
  // Not answered are those that fail with a status, and those whose exception FailEach catches.
  const auto play = [&] {
    ++n_without_answer;
    const std::optional<Said> said = scene.Play();
    if (!said.has_value()) return;
    --n_without_answer;
    EXPECT_TRUE(*said == *expected);
  };
  const auto play_again = [&](int64_t) {
    const std::optional<Said> said = scene.Play();
    ASSERT_TRUE(said.has_value());
    EXPECT_TRUE(*said == *expected);
  };
  const int64_t step = std::max<int64_t>(1, n_allocation / Rounds());
  EXPECT_GT(FailEach(step, for_good, play, play_again), std::min(Rounds(), n_allocation) / 2);
  EXPECT_GT(n_without_answer, 0);
}

TEST(AllocationFailure, OfAnEngineAtWorkEndsOneCallAlone) { PlayOnWhereItFails(false); }

TEST(AllocationFailure, OfAllThatFollowsEndsOneCallAlone) { PlayOnWhereItFails(true); }

// Each allocation of a prompt: of experts that are read while others are in hand, too.
TEST(AllocationFailure, OfAShortPromptEndsItAlone) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  EngineOptions options = FewExperts();
  options.expert_slots = 3;
  Scene scene(model, options);
  const std::optional<Said> expected = scene.ShortTexts();
  ASSERT_TRUE(expected.has_value());
  const auto play = [&] {
    const std::optional<Said> said = scene.ShortTexts();
    if (said.has_value()) EXPECT_TRUE(*said == *expected);
  };
  const auto play_again = [&](int64_t) { EXPECT_TRUE(scene.ShortTexts() == expected); };
  for (const bool for_good : {false, true}) {
    EXPECT_GT(FailEach(3, for_good, play, play_again), 10);
  }
}

TEST(AllocationFailure, WhileAModelIsLoadedIsTold) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSigmoid);
  const EngineOptions options = SharingOptions(model.spec());
  const auto load = [&] {
    const Result<std::unique_ptr<Engine>> engine = Engine::Load(model.spec(), options, nullptr);
    EXPECT_TRUE(engine.ok() || engine.status().code() == StatusCode::kMemory);
  };
  for (const bool for_good : {false, true}) {
    EXPECT_GT(FailEach(1, for_good, load, [](int64_t) {}), 50);
  }
}

// A piece of the index is there as a whole or not at all, whatever fails while others come and go.
TEST(AllocationFailure, OfTheMemoryOfCodeLosesNothingElse) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  const Tokens kept = {101, 102, 103, 104, 105, 106};
  CodeIndex index;
  ASSERT_TRUE(index.Append(CodeSource::kFile, {}, kept).ok());
  const int64_t n_token = index.n_token();
  std::vector<int64_t> pieces;
  const auto come_and_go = [&] {
    for (uint32_t i = 0; i < 8; ++i) {
      Result<int64_t> piece = index.Append(i % 2 == 0 ? CodeSource::kFile : CodeSource::kWorkspace,
                                           {}, model.Tokens(3000, i));
      if (piece.ok()) pieces.push_back(piece.value());
    }
  };
  const auto check = [&](int64_t) {
    for (const int64_t piece : pieces) index.Forget(piece);
    pieces.clear();
    EXPECT_EQ(index.n_token(), n_token);
    std::vector<CodeIndex::Place> places;
    index.Lookup(CodeSource::kFile, Tokens{101, 102, 103}, &places);
    ASSERT_EQ(places.size(), size_t{1});
    EXPECT_EQ(places[0].id, 104);
  };
  for (const bool for_good : {false, true}) {
    EXPECT_GT(FailEach(1, for_good, come_and_go, check), 10);
  }
  // Of forgetting, too, which makes room.
  const auto forget = [&] {
    while (!pieces.empty()) {
      const int64_t piece = pieces.back();
      pieces.pop_back();
      index.Forget(piece);
    }
  };
  for (int64_t n = 0; n < 12; ++n) {
    come_and_go();
    try {
      const Failing failing(n, false);
      forget();
    } catch (const std::bad_alloc&) {
      // The rest is forgotten by check.
    }
    check(n);
  }
}

}  // namespace
}  // namespace hearth
