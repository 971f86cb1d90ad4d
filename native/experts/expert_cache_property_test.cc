// What must hold whatever the disk, the hints, the slots and the threads do: seeded random traces.
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/testing.h"
#include "experts/cache_testing.h"
#include "experts/expert_cache.h"

namespace hearth {
namespace {

constexpr int kLayers = 3;
constexpr int kExperts = 8;

using Ids = std::vector<int>;

// `count` distinct experts in random order.
Ids RandomIds(std::mt19937& random, int count) {
  Ids ids(kExperts);
  std::iota(ids.begin(), ids.end(), 0);
  std::shuffle(ids.begin(), ids.end(), random);
  ids.resize(static_cast<size_t>(count));
  return ids;
}

int Below(std::mt19937& random, int end) {
  return static_cast<int>(random() % static_cast<uint32_t>(end));
}

struct Held {
  int il;
  PinnedExpert expert;
};

// Checks and releases pins on a thread of its own, some time later.
class Releaser {
 public:
  explicit Releaser(const SyntheticModel& model) : model_(model), thread_([this] { Loop(); }) {}
  // True if every expert still held its bytes when it was released.
  bool Join() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
    return all_right_;
  }
  void Take(Held held) {
    std::lock_guard lock(mutex_);
    held_.push_back(std::move(held));
    changed_.notify_all();
  }

 private:
  void Loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || !held_.empty(); });
      if (held_.empty()) return;
      {
        const Held held = std::move(held_.front());
        held_.pop_front();
        lock.unlock();
        std::this_thread::yield();
        all_right_ &= model_.Holds(held.expert.data(), held.il, held.expert.id());
      }
      lock.lock();
    }
  }

  const SyntheticModel& model_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Held> held_;
  bool stopping_ = false;
  bool all_right_ = true;  // of thread_ until it is joined
  std::thread thread_;
};

// One compute thread with up to three interleaved batches, which keeps some pins across Next, gives
// some to another thread, drops some batches half done, hints, preloads and resizes at random.
class Trace {
 public:
  Trace(const SyntheticModel& model, ShufflingReader& reader, ExpertCache& cache, uint32_t seed)
      : model_(model),
        reader_(reader),
        cache_(cache),
        n_slot_max_(cache.n_slot()),
        random_(seed),
        releaser_(model) {}

  void Run(int n_fetch) {
    while (n_fetch > 0 || !live_.empty()) {
      if (Below(random_, 40) == 0) Resize();
      if (Below(random_, 40) == 0) Preload();
      const int dice = Below(random_, 10);
      if (dice < 3 && n_fetch > 0 && live_.size() < 3) {
        Fetch();
        --n_fetch;
      } else if (dice < 5) {
        cache_.Hint(Below(random_, kLayers), RandomIds(random_, Below(random_, kExperts + 1)),
                    Below(random_, kExperts + 1));
      } else if (!live_.empty()) {
        const size_t i = random_() % live_.size();
        const bool over = Below(random_, 25) == 0 || !Next(*live_[i]);
        if (over) live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    ReleaseDownTo(0);
    EXPECT_TRUE(releaser_.Join());
    CheckStats();
  }

 private:
  struct Live {
    ExpertBatch batch;
    int il;
    Ids left;
  };

  void Fetch() {
    const int il = Below(random_, kLayers);
    Ids ids = RandomIds(random_, Below(random_, kExperts + 1));
    n_fetched_ += ids.size();
    live_.push_back(std::make_unique<Live>(Live{cache_.Fetch({il, ids}), il, ids}));
  }

  void Resize() {
    ReleaseDownTo(0);
    cache_.Resize(1 + Below(random_, n_slot_max_));
  }

  void Preload() {
    std::vector<ExpertId> experts;
    const int il = Below(random_, kLayers);
    for (const int id : RandomIds(random_, kExperts)) experts.push_back({il, id});
    cache_.Preload(experts);
  }

  // One Next; false when the batch is over, all handed out or failed.
  bool Next(Live& live) {
    ReleaseDownTo(std::min(cache_.n_slot() - 1, Below(random_, 4)));
    const int max = 1 + Below(random_, kExperts);
    Result<std::vector<PinnedExpert>> next = live.batch.Next(max);
    if (!next.ok()) {
      EXPECT_TRUE(next.status().code() == StatusCode::kIo);
      EXPECT_EQ(next.status().message(), "the disk is on fire");
      EXPECT_TRUE(reader_.n_failed() > 0);
      return false;
    }
    std::vector<PinnedExpert> experts = std::move(next).value();
    EXPECT_EQ(experts.empty(), live.left.empty());
    EXPECT_LE(static_cast<int>(experts.size()), max);
    auto from = live.left.begin();  // they come in the order of `ids`, each once
    for (PinnedExpert& expert : experts) {
      const auto found = std::find(from, live.left.end(), expert.id());
      EXPECT_TRUE(found != live.left.end());
      if (found == live.left.end()) return false;
      from = live.left.erase(found);
      EXPECT_TRUE(model_.Holds(expert.data(), live.il, expert.id()));
      Keep({live.il, std::move(expert)});
    }
    return !experts.empty();
  }

  // Releases it now, later, or elsewhere.
  void Keep(Held held) {
    const int dice = Below(random_, 3);
    if (dice == 0) held_.push_back(std::move(held));
    if (dice == 1) releaser_.Take(std::move(held));
  }

  void ReleaseDownTo(int n) {
    while (static_cast<int>(held_.size()) > n) {
      const size_t i = random_() % held_.size();
      EXPECT_TRUE(model_.Holds(held_[i].expert.data(), held_[i].il, held_[i].expert.id()));
      held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void CheckStats() {
    cache_.Preload({});
    reader_.WaitUntilIdle();
    const ExpertCacheStats stats = cache_.stats();
    uint64_t n_resident = 0;
    for (int il = 0; il < kLayers; ++il) {
      for (int id = 0; id < kExperts; ++id) n_resident += cache_.IsResident(il, id) ? 1 : 0;
    }
    EXPECT_EQ(stats.hits + stats.misses, n_fetched_);
    EXPECT_EQ(stats.hint_reads, reader_.n_speculative());
    EXPECT_LE(stats.hint_hits + stats.late, stats.hint_reads + stats.misses);
    EXPECT_LE(stats.hint_hits, stats.hint_reads);
    EXPECT_LE(n_resident, static_cast<uint64_t>(cache_.n_slot()));
    EXPECT_EQ(stats.withdrawn, reader_.n_withdrawn());
    EXPECT_EQ(cache_.Resident().size(), n_resident);
    // Every read that succeeded is resident still or was evicted.
    EXPECT_EQ(reader_.n_demand() + reader_.n_speculative() - reader_.n_failed(),
              stats.evictions + stats.withdrawn + n_resident);
  }

  const SyntheticModel& model_;
  ShufflingReader& reader_;
  ExpertCache& cache_;
  const int n_slot_max_;
  std::mt19937 random_;
  Releaser releaser_;
  std::vector<std::unique_ptr<Live>> live_;
  std::vector<Held> held_;
  uint64_t n_fetched_ = 0;
};

TEST(ExpertCacheProperty, EveryTraceDeliversWhatItAskedFor) {
  const SyntheticModel model(kLayers, kExperts);
  uint32_t seed = 0;
  for (int n_slot = 1; n_slot <= kLayers * kExperts; ++n_slot) {
    for (const bool read_ahead : {true, false}) {
      for (const double failure_share : {0.0, 0.1}) {
        ++seed;
        const std::string name = "trace " + std::to_string(seed) + ", " + std::to_string(n_slot) +
                                 " slots, read_ahead " + std::to_string(read_ahead) +
                                 ", failures " + std::to_string(failure_share);
        const Watchdog watchdog(name);
        ShufflingReader::Options options;
        options.seed = seed;
        options.failure_share = failure_share;
        options.delay_us_max = seed % 3 == 0 ? 100 : 0;
        ShufflingReader reader(model, options);
        auto cache = ExpertCache::Create(
            model.store(), reader,
            {n_slot, read_ahead, true, seed % 2 == 0 ? Eviction::kLru : Eviction::kReuseDistance});
        ASSERT_TRUE(cache.ok());
        Trace(model, reader, *cache.value(), seed).Run(100);
      }
    }
  }
}

// Batches until `n_batch` have been served whole; failed ones are tried again.
void ServeBatches(const SyntheticModel& model, ExpertCache& cache, uint32_t seed, int n_batch,
                  bool* all_right) {
  std::mt19937 random(seed);
  *all_right = true;
  for (int done = 0; done < n_batch;) {
    const int il = Below(random, kLayers);
    const Ids ids = RandomIds(random, 1 + Below(random, kExperts));
    ExpertBatch batch = cache.Fetch({il, ids});
    cache.Hint((il + 1) % kLayers, RandomIds(random, 3), 2);
    Ids got;
    while (true) {
      const int max = 1 + Below(random, 4);
      Result<std::vector<PinnedExpert>> next = batch.Next(max);
      if (!next.ok() || next.value().empty()) break;
      for (const PinnedExpert& expert : next.value()) {
        *all_right &= model.Holds(expert.data(), il, expert.id());
        got.push_back(expert.id());
      }
    }
    if (got.size() < ids.size()) continue;
    *all_right &= std::is_permutation(got.begin(), got.end(), ids.begin(), ids.end());
    ++done;
  }
}

TEST(ExpertCacheProperty, ThreadsShareACacheHoweverSmall) {
  const SyntheticModel model(kLayers, kExperts);
  for (const int n_slot : {1, 2, 3, 7, 24}) {
    for (const bool read_ahead : {true, false}) {
      const Watchdog watchdog("three threads, " + std::to_string(n_slot) + " slots, read_ahead " +
                              std::to_string(read_ahead));
      ShufflingReader::Options options;
      options.seed = static_cast<uint32_t>(n_slot);
      options.failure_share = n_slot % 2 == 0 ? 0.02 : 0;
      ShufflingReader reader(model, options);
      auto cache = ExpertCache::Create(model.store(), reader, {n_slot, read_ahead});
      ASSERT_TRUE(cache.ok());
      bool all_right[3];
      std::vector<std::thread> threads;
      for (uint32_t i = 0; i < 3; ++i) {
        threads.emplace_back(
            [&, i] { ServeBatches(model, *cache.value(), 100 + i, 60, &all_right[i]); });
      }
      for (std::thread& thread : threads) thread.join();
      for (const bool right : all_right) EXPECT_TRUE(right);
    }
  }
}

}  // namespace
}  // namespace hearth
