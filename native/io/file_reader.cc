#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/thread_pool.h"
#include "io/reader.h"

namespace hearth {
namespace {

// One Submit. Any threads may read its ranges, so that a single job keeps several reads in flight.
struct Job {
  Job(std::span<const ReadRange> job_ranges, std::function<void(Status)> job_done)
      : ranges(job_ranges.begin(), job_ranges.end()),
        n_unfinished(ranges.size()),
        done(std::move(job_done)) {}

  const std::vector<ReadRange> ranges;
  size_t n_begun = 0;                // ranges that a thread has taken, in order
  size_t n_unfinished;               // ranges that are not read or given up yet
  Status failure;                    // of the first range that failed; later ranges are given up
  std::function<void(Status)> done;  // called by the thread that finishes the last range
};

// A job stays in its queue until a thread has taken its last range.
using JobQueue = std::deque<std::shared_ptr<Job>>;

// How many threads may read speculatively at once: a demand that arrives then waits for few bytes
// on the drive.
int SpeculatingMax(int n_threads) { return std::max(1, n_threads / 4); }

class FileReader : public Reader {
 public:
  FileReader(const File& file, int n_threads) : file_(file) {
    CHECK(n_threads >= 1, "reads need a thread");
    // Nothing may be thrown once a thread runs: nobody would join it.
    threads_.reserve(static_cast<size_t>(n_threads));
    for (int i = 0; i < n_threads; ++i) {
      std::thread thread;
      if (!TryStartThread([this] { ThreadLoop(); }, &thread)) break;
      threads_.push_back(std::move(thread));
    }
  }

  bool has_threads() const { return !threads_.empty(); }

  ~FileReader() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void Submit(std::span<const ReadRange> ranges, ReadPriority priority,
              std::function<void(Status)> done) override {
    CHECK(!ranges.empty(), "a read job names at least one range");
    auto job = std::make_shared<Job>(ranges, std::move(done));
    {
      std::lock_guard lock(mutex_);
      (priority == ReadPriority::kDemand ? demand_ : speculative_).push_back(std::move(job));
    }
    for (size_t i = 0; i < std::min(ranges.size(), threads_.size()); ++i) wake_.notify_one();
  }

  void Promote(const std::byte* first_dest) override {
    std::lock_guard lock(mutex_);
    const auto found = std::find_if(
        speculative_.begin(), speculative_.end(),
        [&](const std::shared_ptr<Job>& job) { return job->ranges.front().dest == first_dest; });
    if (found == speculative_.end()) return;
    demand_.push_back(std::move(*found));
    speculative_.erase(found);
  }

  bool Withdraw(const std::byte* first_dest) override {
    std::shared_ptr<Job> job;  // dies without the lock: so does what its `done` captured
    std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(speculative_.begin(), speculative_.end(), [&](const auto& each) {
          return each->ranges.front().dest == first_dest && each->n_begun == 0;
        });
    if (found == speculative_.end()) return false;
    job = std::move(*found);
    speculative_.erase(found);
    return true;
  }

  uint64_t bytes_read() const override { return bytes_read_.load(std::memory_order_relaxed); }

 private:
  // Nothing may leave a thread of its own: what `arrived` makes of the bytes takes memory, too.
  Status ReadOne(const ReadRange& range) {
    try {
      RETURN_IF_ERROR(file_.Read(range));
      bytes_read_.fetch_add(range.bytes, std::memory_order_relaxed);
      if (range.arrived) range.arrived();
      return Status::Ok();
    } catch (const std::bad_alloc&) {
      return Status::OutOfMemory();
    }
  }

  // Reads range after range, demand first, until the reader stops. Once it stops, pending ranges
  // are given up: the threads still pass through the queues, because every job's `done` must be
  // called.
  void ThreadLoop() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || !demand_.empty() || MaySpeculate(); });
      const bool speculates = demand_.empty();
      JobQueue& queue = speculates ? speculative_ : demand_;
      if (queue.empty()) return;
      n_speculating_ += speculates ? 1 : 0;
      const std::shared_ptr<Job> job = queue.front();
      const ReadRange& range = job->ranges[job->n_begun++];
      if (job->n_begun == job->ranges.size()) queue.pop_front();
      if (stopping_ && job->failure.ok()) job->failure = Status::Cancelled();
      if (job->failure.ok()) {
        lock.unlock();
        Status status = ReadOne(range);
        lock.lock();
        if (!status.ok() && job->failure.ok()) job->failure = std::move(status);
      }
      n_speculating_ -= speculates ? 1 : 0;
      if (--job->n_unfinished > 0) continue;
      lock.unlock();
      {
        // Moved out so that what `done` captured dies here, without the lock.
        const std::function<void(Status)> done = std::move(job->done);
        done(std::move(job->failure));
      }
      lock.lock();
    }
  }

  // Under the lock.
  bool MaySpeculate() const {
    return !speculative_.empty() &&
           n_speculating_ < SpeculatingMax(static_cast<int>(threads_.size()));
  }

  const File& file_;
  std::vector<std::thread> threads_;
  std::atomic<uint64_t> bytes_read_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_, and so is all that changes in a job.
  JobQueue demand_;
  JobQueue speculative_;
  int n_speculating_ = 0;  // threads that read a range of a speculative job
  bool stopping_ = false;
};

}  // namespace

std::unique_ptr<Reader> MakeFileReader(const File& file, int n_threads) {
  auto reader = std::make_unique<FileReader>(file, n_threads);
  if (!reader->has_threads()) return nullptr;
  return reader;
}

}  // namespace hearth
