// For tests only: a small model whose bytes are known, and readers that hold, shuffle and fail
// reads.
#ifndef HEARTH_EXPERTS_CACHE_TESTING_H_
#define HEARTH_EXPERTS_CACHE_TESTING_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "experts/expert_cache.h"
#include "experts/expert_store.h"
#include "io/reader.h"

namespace hearth {

// A file in memory with n_layer * n_expert experts whose sizes differ between layers and are no
// round numbers. Every byte is a function of layer, expert, matrix and place.
class SyntheticModel {
 public:
  SyntheticModel(int n_layer, int n_expert) : store_(Layouts(n_layer, n_expert), n_expert) {
    for (int il = 0; il < n_layer; ++il) {
      for (int id = 0; id < n_expert; ++id) {
        std::vector<std::byte> slot(store_.slot_bytes());
        ReadRange ranges[3];
        store_.Ranges(il, id, slot.data(), ranges);
        for (uint32_t m = 0; m < 3; ++m) {
          const uint64_t end = ranges[m].offset + ranges[m].bytes;
          if (file_.size() < end) file_.resize(end);
          std::mt19937 random(static_cast<uint32_t>(il * n_expert + id) * 3 + m);
          for (uint64_t i = ranges[m].offset; i < end; ++i) {
            file_[i] = static_cast<std::byte>(random() & 0xff);
          }
        }
      }
    }
  }

  const ExpertStore& store() const { return store_; }
  const std::vector<std::byte>& file() const { return file_; }

  // Whether `slot` holds expert `id` of layer `il`, all three matrices.
  bool Holds(const std::byte* slot, int il, int id) const {
    std::vector<std::byte> base(store_.slot_bytes());
    ReadRange ranges[3];
    store_.Ranges(il, id, base.data(), ranges);
    for (const ReadRange& range : ranges) {
      const std::byte* bytes = slot + (range.dest - base.data());
      if (std::memcmp(bytes, file_.data() + range.offset, range.bytes) != 0) return false;
    }
    return true;
  }

  // The layer and id whose gate matrix begins at `offset`.
  std::pair<int, int> ExpertAt(uint64_t offset) const {
    for (int il = 0; il < store_.n_layer(); ++il) {
      const ExpertMatrix& gate = store_.layer(il).gate;
      const uint64_t end = gate.file_offset + gate.bytes() * static_cast<size_t>(store_.n_expert());
      if (offset < gate.file_offset || offset >= end) continue;
      return {il, static_cast<int>((offset - gate.file_offset) / gate.bytes())};
    }
    CHECK(false, "no expert begins there");
  }

 private:
  static std::vector<ExpertLayerLayout> Layouts(int n_layer, int n_expert) {
    std::vector<ExpertLayerLayout> layers;
    uint64_t offset = 37;
    const auto place = [&](TensorType type, int64_t n_row, int64_t row_length) {
      ExpertMatrix matrix{type, n_row, row_length, offset, 0};
      offset += matrix.bytes() * static_cast<size_t>(n_expert) + 11;
      return matrix;
    };
    for (int il = 0; il < n_layer; ++il) {
      ExpertLayerLayout layer;
      layer.gate = place(TensorType::kF32, 3 + il, 5);
      layer.up = place(TensorType::kQ8_0, 2, 32);
      layer.down = place(il % 2 == 0 ? TensorType::kQ4_0 : TensorType::kF16, 4, 32);
      layers.push_back(layer);
    }
    return layers;
  }

  ExpertStore store_;
  std::vector<std::byte> file_;
};

// Holds every read until the test ends it.
class ManualReader : public Reader {
 public:
  explicit ManualReader(const SyntheticModel& model) : model_(model) {}

  struct Job {
    std::pair<int, int> expert;  // layer, id
    ReadPriority priority = ReadPriority::kDemand;
    std::vector<ReadRange> ranges;
    std::function<void(Status)> done;
  };

  void Submit(std::span<const ReadRange> ranges, ReadPriority priority,
              std::function<void(Status)> done) override {
    std::lock_guard lock(mutex_);
    jobs_.push_back({model_.ExpertAt(ranges[0].offset),
                     priority,
                     {ranges.begin(), ranges.end()},
                     std::move(done)});
    ++n_submitted_;
    changed_.notify_all();
  }

  void Promote(const std::byte* first_dest) override {
    std::lock_guard lock(mutex_);
    for (Job& job : jobs_) {
      if (job.ranges[0].dest == first_dest) job.priority = ReadPriority::kDemand;
    }
    ++n_promoted_;
  }

  bool Withdraw(const std::byte* first_dest) override {
    std::lock_guard lock(mutex_);
    return std::erase_if(jobs_, [&](const Job& job) {
             return job.ranges[0].dest == first_dest && job.priority == ReadPriority::kSpeculative;
           }) > 0;
  }

  uint64_t bytes_read() const override { return 0; }

  // Ends the read of expert `id` of layer `il`, which must be pending.
  void Finish(int il, int id, Status status = Status::Ok()) {
    std::unique_lock lock(mutex_);
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (jobs_[i].expert != std::pair(il, id)) continue;
      Job job = std::move(jobs_[i]);
      jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
      lock.unlock();
      if (status.ok()) {
        for (const ReadRange& range : job.ranges) {
          std::memcpy(range.dest, model_.file().data() + range.offset, range.bytes);
        }
      }
      job.done(std::move(status));
      return;
    }
    CHECK(false, "no such read is pending");
  }

  // Ends all pending reads, oldest first.
  void FinishAll() {
    for (const auto& [il, id] : pending()) Finish(il, id);
  }

  void WaitForSubmitted(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_submitted_ >= n; });
  }

  // Layer and id of the reads that have not ended, oldest first.
  std::vector<std::pair<int, int>> pending() {
    std::lock_guard lock(mutex_);
    std::vector<std::pair<int, int>> experts;
    for (const Job& job : jobs_) experts.push_back(job.expert);
    return experts;
  }
  ReadPriority priority_of(int il, int id) {
    std::lock_guard lock(mutex_);
    for (const Job& job : jobs_) {
      if (job.expert == std::pair(il, id)) return job.priority;
    }
    CHECK(false, "no such read is pending");
  }
  int n_submitted() {
    std::lock_guard lock(mutex_);
    return n_submitted_;
  }
  int n_promoted() {
    std::lock_guard lock(mutex_);
    return n_promoted_;
  }

 private:
  const SyntheticModel& model_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Job> jobs_;
  int n_submitted_ = 0;
  int n_promoted_ = 0;
};

// Ends reads by itself, in random order whatever their priority, some of them failing. Before the
// bytes of an expert arrive, its slot holds garbage, so that a slot given away too early is seen.
class ShufflingReader : public Reader {
 public:
  struct Options {
    uint32_t seed = 0;
    double failure_share = 0;  // of all reads
    int delay_us_max = 0;
    int n_threads = 2;
  };

  ShufflingReader(const SyntheticModel& model, Options options)
      : model_(model), options_(options), random_(options.seed) {
    for (int i = 0; i < options.n_threads; ++i) threads_.emplace_back([this] { ThreadLoop(); });
  }

  ~ShufflingReader() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void Submit(std::span<const ReadRange> ranges, ReadPriority priority,
              std::function<void(Status)> done) override {
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back({{ranges.begin(), ranges.end()}, std::move(done), priority});
      ++(priority == ReadPriority::kDemand ? n_demand_ : n_speculative_);
      ++n_unfinished_;
    }
    changed_.notify_all();
  }

  void Promote(const std::byte* first_dest) override {
    std::lock_guard lock(mutex_);
    for (Job& job : jobs_) {
      if (job.ranges[0].dest == first_dest) job.priority = ReadPriority::kDemand;
    }
  }

  bool Withdraw(const std::byte* first_dest) override {
    std::lock_guard lock(mutex_);
    const size_t n = std::erase_if(jobs_, [&](const Job& job) {
      return job.ranges[0].dest == first_dest && job.priority == ReadPriority::kSpeculative;
    });
    n_unfinished_ -= static_cast<int>(n);
    n_withdrawn_ += n;
    changed_.notify_all();
    return n > 0;
  }

  uint64_t bytes_read() const override { return 0; }

  void WaitUntilIdle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return n_unfinished_ == 0; });
  }
  uint64_t n_demand() {
    std::lock_guard lock(mutex_);
    return n_demand_;
  }
  uint64_t n_speculative() {
    std::lock_guard lock(mutex_);
    return n_speculative_;
  }
  uint64_t n_withdrawn() {
    std::lock_guard lock(mutex_);
    return n_withdrawn_;
  }
  uint64_t n_failed() {
    std::lock_guard lock(mutex_);
    return n_failed_;
  }

 private:
  struct Job {
    std::vector<ReadRange> ranges;
    std::function<void(Status)> done;
    ReadPriority priority = ReadPriority::kDemand;
  };

  void ThreadLoop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      std::swap(jobs_[random_() % jobs_.size()], jobs_.back());
      const Job job = std::move(jobs_.back());
      jobs_.pop_back();
      const bool fails = std::bernoulli_distribution(options_.failure_share)(random_);
      n_failed_ += fails ? 1 : 0;
      const int delay_us = std::uniform_int_distribution<int>(0, options_.delay_us_max)(random_);
      lock.unlock();
      for (const ReadRange& range : job.ranges) std::memset(range.dest, 0xee, range.bytes);
      if (delay_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
      if (!fails) {
        for (const ReadRange& range : job.ranges) {
          std::memcpy(range.dest, model_.file().data() + range.offset, range.bytes);
        }
      }
      job.done(fails ? Status::Io("the disk is on fire") : Status::Ok());
      lock.lock();
      --n_unfinished_;
      changed_.notify_all();
    }
  }

  const SyntheticModel& model_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::mt19937 random_;
  std::vector<Job> jobs_;
  uint64_t n_demand_ = 0;
  uint64_t n_speculative_ = 0;
  uint64_t n_failed_ = 0;
  uint64_t n_withdrawn_ = 0;
  int n_unfinished_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Aborts with `what` unless destroyed within a minute: a deadlock shall name itself.
class Watchdog {
 public:
  explicit Watchdog(std::string what)
      : thread_([this, what = std::move(what)] {
          std::unique_lock lock(mutex_);
          if (stop_.wait_for(lock, std::chrono::seconds(60), [this] { return stopping_; })) return;
          std::fprintf(stderr, "no progress for 60 s: %s\n", what.c_str());
          std::fflush(stderr);
          std::abort();
        }) {}
  ~Watchdog() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace hearth

#endif  // HEARTH_EXPERTS_CACHE_TESTING_H_
