// How the budget is divided, with clients and scratch of our own: no model is evaluated.
#include "engine/memory_arbiter.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/testing.h"
#include "experts/cache_testing.h"

namespace hearth {
namespace {

constexpr uint64_t kSlotBytes = 100;
constexpr int kSlots = 20;
constexpr uint64_t kKvBytes = 800;      // eight slots
constexpr uint64_t kPromptBytes = 480;  // five bytes a token beyond the short chunk
constexpr int64_t kLongChunk = 80;      // with the short chunk's 16: room for 112 tokens
constexpr int64_t kShortChunk = MemoryPlan::kShortChunk;

// Slots, contexts and prompts share the bytes of twenty slots.
MemoryPlan SmallPlan() {
  MemoryPlan plan;
  plan.slot_bytes = kSlotBytes;
  plan.shared_bytes = kSlots * kSlotBytes;
  plan.kv_bytes = kKvBytes;
  plan.prompt_bytes = kPromptBytes;
  plan.n_chunk = kShortChunk + 96;
  plan.n_slot_all = 48;
  plan.n_slot = kSlots;
  plan.n_slot_min = static_cast<int>((kSlots * kSlotBytes - kKvBytes - kPromptBytes) / kSlotBytes);
  return plan;
}

struct FakeScratch : ChunkScratch {
  int64_t n_token_room() const override { return room; }
  Status Resize(int64_t n_token) override {
    if (n_token > room_max) return Status::Memory("no more");
    room = n_token;
    return Status::Ok();
  }
  int64_t room = kShortChunk;
  int64_t room_max = 1000;
};

// Holds what it has reserved until it is evicted, which it may refuse.
struct FakeClient : MemoryArbiter::Client {
  explicit FakeClient(MemoryArbiter& a) : arbiter(a), registration(a.Register(this)) {}

  bool EvictKv() override {
    if (on_evict) on_evict();
    ++n_evict;
    if (in_use) return false;
    kv.End();
    return true;
  }
  void DropParked() override {
    ++n_dropped;
    parked.End();
  }
  StatusCode Reserve(size_t bytes, int64_t n_token = 1) {
    Result<MemoryArbiter::Grant> grant = arbiter.Reserve(this, bytes, n_token);
    if (!grant.ok()) return grant.status().code();
    kv.Add(std::move(grant.value().kv));
    if (grant.value().scratch.amount() > 0) scratch = std::move(grant.value().scratch);
    return StatusCode::kOk;
  }

  MemoryArbiter& arbiter;
  MemoryArbiter::Reservation kv;
  MemoryArbiter::Reservation scratch;
  MemoryArbiter::Reservation parked;
  int n_dropped = 0;
  bool in_use = false;
  int n_evict = 0;
  std::function<void()> on_evict;
  MemoryArbiter::Registration registration;  // last: ends first
};

struct Rig {
  Rig() : model(2, 24), reader(model, {}) {
    Result<std::unique_ptr<ExpertCache>> made =
        ExpertCache::Create(model.store(), reader, {kSlots});
    CHECK(made.ok(), "a small cache fits");
    cache = std::move(made).value();
    arbiter.emplace(SmallPlan(), *cache, scratch);
  }
  void Use(int il, const std::vector<int>& ids) {
    ExpertBatch batch = cache->Fetch({il, ids});
    for (size_t n = 0; n < ids.size();) {
      Result<std::vector<PinnedExpert>> some = batch.Next(1);
      CHECK(some.ok() && !some.value().empty(), "the model in memory has every expert");
      n += some.value().size();
    }
  }

  SyntheticModel model;
  ShufflingReader reader;
  std::unique_ptr<ExpertCache> cache;
  FakeScratch scratch;
  std::optional<MemoryArbiter> arbiter;
};

TEST(MemoryArbiter, GivesExpertsWhatContextsLeave) {
  Rig rig;
  {
    FakeClient client(*rig.arbiter);
    EXPECT_TRUE(client.Reserve(0) == StatusCode::kOk);
    EXPECT_EQ(rig.cache->n_slot(), 20);
    EXPECT_TRUE(client.Reserve(250) == StatusCode::kOk);
    EXPECT_EQ(rig.cache->n_slot(), 17);
    EXPECT_TRUE(client.Reserve(250) == StatusCode::kOk);
    EXPECT_EQ(client.kv.amount(), 500u);
    EXPECT_EQ(rig.cache->n_slot(), 15);
  }
  // What was given back goes to the experts with the next call.
  EXPECT_EQ(rig.cache->n_slot(), 15);
  FakeClient next(*rig.arbiter);
  EXPECT_TRUE(next.Reserve(0) == StatusCode::kOk);
  EXPECT_EQ(rig.cache->n_slot(), 20);
}

TEST(MemoryArbiter, KeepsAPromptsScratchUntilItsEnd) {
  Rig rig;
  FakeClient chat(*rig.arbiter);
  FakeClient completion(*rig.arbiter);
  EXPECT_TRUE(chat.Reserve(0, kLongChunk) == StatusCode::kOk);
  EXPECT_EQ(rig.scratch.room, kShortChunk + 96);
  EXPECT_EQ(rig.cache->n_slot(), 15);  // 480 bytes less
  // Single tokens between two layers of the prompt take nothing away.
  EXPECT_TRUE(completion.Reserve(100) == StatusCode::kOk);
  EXPECT_EQ(completion.scratch.amount(), 0u);
  EXPECT_EQ(rig.scratch.room, kShortChunk + 96);
  EXPECT_EQ(rig.cache->n_slot(), 14);
  chat.scratch.End();
  EXPECT_TRUE(completion.Reserve(0) == StatusCode::kOk);
  EXPECT_EQ(rig.scratch.room, kShortChunk);
  EXPECT_EQ(rig.cache->n_slot(), 19);
}

TEST(MemoryArbiter, EvictsWhoReservedLongestAgo) {
  Rig rig;
  FakeClient one(*rig.arbiter);
  FakeClient two(*rig.arbiter);
  FakeClient three(*rig.arbiter);
  EXPECT_TRUE(one.Reserve(300) == StatusCode::kOk);
  EXPECT_TRUE(two.Reserve(300) == StatusCode::kOk);
  EXPECT_TRUE(one.Reserve(0) == StatusCode::kOk);  // now two is the oldest
  EXPECT_TRUE(three.Reserve(400) == StatusCode::kOk);
  EXPECT_EQ(two.n_evict, 1);
  EXPECT_EQ(one.n_evict, 0);
  EXPECT_EQ(two.kv.amount(), 0u);
  EXPECT_EQ(rig.cache->n_slot(), 13);
  // A client in use is skipped.
  one.in_use = true;
  EXPECT_TRUE(two.Reserve(500) == StatusCode::kOk);
  EXPECT_EQ(one.kv.amount(), 300u);
  EXPECT_EQ(three.kv.amount(), 0u);
}

TEST(MemoryArbiter, ReservesNothingWhereItRefuses) {
  Rig rig;
  FakeClient one(*rig.arbiter);
  FakeClient two(*rig.arbiter);
  EXPECT_TRUE(one.Reserve(600) == StatusCode::kOk);
  one.in_use = true;
  EXPECT_TRUE(two.Reserve(201) == StatusCode::kMemory);
  EXPECT_EQ(two.kv.amount(), 0u);
  EXPECT_TRUE(two.Reserve(200) == StatusCode::kOk);
  EXPECT_EQ(rig.cache->n_slot(), 12);
  // Nor where the system has no memory for the scratch.
  two.kv.End();
  rig.scratch.room_max = 50;
  EXPECT_TRUE(two.Reserve(200, kLongChunk) == StatusCode::kMemory);
  EXPECT_EQ(two.scratch.amount(), 0u);
  EXPECT_TRUE(two.Reserve(0) == StatusCode::kOk);
  EXPECT_EQ(rig.cache->n_slot(), 14);
}

TEST(MemoryArbiter, HasWhatItTrimmedReadAgain) {
  Rig rig;
  FakeClient client(*rig.arbiter);
  EXPECT_TRUE(client.Reserve(0, kLongChunk) == StatusCode::kOk);
  client.scratch.End();
  for (int i = 0; i < 3; ++i) rig.Use(1, {4, 9});
  rig.Use(0, {2});
  const std::vector<ExpertId> hot = rig.arbiter->HotExperts();
  ASSERT_EQ(hot.size(), 3u);
  rig.arbiter->Trim();
  EXPECT_EQ(rig.cache->n_slot(), 1);
  EXPECT_EQ(rig.scratch.room, kShortChunk);
  rig.arbiter->Trim();  // and forgets nothing
  ASSERT_EQ(rig.arbiter->HotExperts().size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rig.arbiter->HotExperts()[i].il, hot[i].il);
    EXPECT_EQ(rig.arbiter->HotExperts()[i].id, hot[i].id);
  }
  EXPECT_TRUE(client.Reserve(0) == StatusCode::kOk);
  EXPECT_EQ(rig.cache->n_slot(), 20);
  rig.reader.WaitUntilIdle();
  for (const auto& [il, id] : hot) EXPECT_TRUE(rig.cache->IsResident(il, id));
}

TEST(MemoryArbiter, AnEvictedClientMayUseIt) {
  const Watchdog watchdog("a client that is evicted waits for the arbiter");
  Rig rig;
  auto gone = std::make_unique<FakeClient>(*rig.arbiter);
  FakeClient old(*rig.arbiter);
  EXPECT_TRUE(old.Reserve(300) == StatusCode::kOk);
  EXPECT_TRUE(gone->Reserve(300) == StatusCode::kOk);
  std::optional<FakeClient> added;
  old.on_evict = [&] {
    if (gone == nullptr) return;
    EXPECT_TRUE(rig.arbiter->HotExperts().empty());
    gone.reset();  // the next one to be evicted
    added.emplace(*rig.arbiter);
  };
  old.in_use = true;
  FakeClient last(*rig.arbiter);
  EXPECT_TRUE(last.Reserve(501) == StatusCode::kMemory);
  EXPECT_EQ(old.n_evict, 1);
  EXPECT_TRUE(last.Reserve(500) == StatusCode::kOk);
  EXPECT_EQ(old.n_evict, 1);
}

TEST(MemoryArbiter, AClientOutlivesItsEviction) {
  const Watchdog watchdog("an eviction, or the client that waits for it, does not end");
  Rig rig;
  auto old = std::make_unique<FakeClient>(*rig.arbiter);
  EXPECT_TRUE(old->Reserve(800) == StatusCode::kOk);
  std::atomic<bool> is_evicting = false;
  std::atomic<bool> is_gone = false;
  bool was_gone = true;
  old->on_evict = [&] {
    is_evicting = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    was_gone = is_gone;
  };
  std::thread closer([&] {
    while (!is_evicting) std::this_thread::yield();
    old.reset();
    is_gone = true;
  });
  FakeClient next(*rig.arbiter);
  EXPECT_TRUE(next.Reserve(800) == StatusCode::kOk);
  closer.join();
  EXPECT_FALSE(was_gone);
}

// The decode thread reserves while clients come, and go with what they hold, on other threads.
TEST(MemoryArbiter, LosesNothingWhenClientsComeAndGo) {
  const Watchdog watchdog("the arbiter or a client waits for ever");
  Rig rig;
  constexpr int kThreads = 2;
  constexpr int kRounds = 400;
  std::atomic<FakeClient*> handed_over[kThreads] = {};
  std::atomic<int> n_running = kThreads;
  const auto come_and_go = [&](std::atomic<FakeClient*>& hand_over) {
    for (int i = 0; i < kRounds; ++i) {
      auto client = std::make_unique<FakeClient>(*rig.arbiter);
      hand_over = client.get();
      while (hand_over != nullptr) std::this_thread::yield();
      (void)rig.arbiter->HotExperts();
    }
    --n_running;
  };
  std::vector<std::thread> threads;
  for (auto& hand_over : handed_over) threads.emplace_back(come_and_go, std::ref(hand_over));
  FakeClient mine(*rig.arbiter);
  int n_granted = 0;
  while (n_running > 0) {
    for (auto& hand_over : handed_over) {
      FakeClient* client = hand_over;
      if (client == nullptr) continue;
      const int64_t n_token = n_granted % 2 == 0 ? kLongChunk : 1;
      n_granted += client->Reserve(500, n_token) == StatusCode::kOk ? 1 : 0;
      hand_over = nullptr;  // from now on it may go
      n_granted += mine.Reserve(100) == StatusCode::kOk ? 1 : 0;
      if (mine.kv.amount() > 300) mine.kv.End();
    }
    if (n_granted % 16 == 0) rig.arbiter->Trim();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(n_granted, kThreads * kRounds);
  mine.kv.End();
  EXPECT_TRUE(mine.Reserve(0) == StatusCode::kOk);
  EXPECT_EQ(rig.cache->n_slot(), kSlots);
  EXPECT_EQ(rig.scratch.room, kShortChunk);
}

TEST(MemoryArbiter, ParksWhatNoContextNeedsAndDropsItFirst) {
  Rig rig;
  FakeClient first(*rig.arbiter);
  FakeClient second(*rig.arbiter);
  EXPECT_TRUE(first.Reserve(300) == StatusCode::kOk);
  first.parked = std::move(*rig.arbiter->TryReserve(200));
  // The experts have given way.
  EXPECT_EQ(rig.cache->n_slot(), 15);
  second.parked = std::move(*rig.arbiter->TryReserve(250));
  EXPECT_EQ(rig.cache->n_slot(), 12);
  // 50 bytes are left of the contexts' 800.
  EXPECT_FALSE(rig.arbiter->TryReserve(51).has_value());
  // What is parked goes as far as it must, and no context does; the client's own goes last.
  EXPECT_TRUE(second.Reserve(150) == StatusCode::kOk);
  EXPECT_EQ(first.n_dropped, 1);
  EXPECT_EQ(second.n_dropped, 0);
  EXPECT_TRUE(second.Reserve(350) == StatusCode::kOk);
  EXPECT_EQ(second.n_dropped, 1);
  EXPECT_EQ(first.n_evict + second.n_evict, 0);
  EXPECT_EQ(first.kv.amount() + second.kv.amount(), 800u);
  EXPECT_TRUE(second.Reserve(1) == StatusCode::kOk);
  EXPECT_EQ(first.n_evict, 1);
}

}  // namespace
}  // namespace hearth
