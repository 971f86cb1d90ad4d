#include "base/thread_pool.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"

namespace hearth {
namespace {

// Reads the clock only occasionally: that costs as much as a few loads from memory.
constexpr int kSpinsPerLook = 64;

// A worker takes one of so many parts of its share at a time, so that some is left to steal.
constexpr int kPieces = 4;

}  // namespace

bool TryStartThread(std::function<void()> body, std::thread* thread) {
  try {
    *thread = std::thread(std::move(body));
    return true;
  } catch (const std::system_error&) {
    return false;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

ThreadPool::ThreadPool(int n_threads)
    : shares_(static_cast<size_t>(std::max(n_threads, 1))), n_threads_(1), n_used_(n_threads) {
  CHECK(n_threads >= 1, "a pool has at least the calling thread");
  // Nothing may be thrown once a thread runs: nobody would join it.
  threads_.reserve(shares_.size());
  for (int worker = 1; worker < n_threads; ++worker) {
    std::thread thread;
    if (!TryStartThread([this, worker] { WorkerLoop(worker); }, &thread)) break;
    threads_.push_back(std::move(thread));
    ++n_threads_;
  }
  n_used_ = n_threads_;
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  n_used_ = 0;
  n_used_.notify_all();
  ++wake_;
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Use(int n) {
  n = std::clamp(n, 1, n_threads_);
  if (n == n_used_.load(std::memory_order_relaxed)) return;
  n_used_ = n;
  n_used_.notify_all();
}

void ThreadPool::ParallelFor(int64_t count, int64_t grain, const Body& body) {
  CHECK(grain >= 1, "grain is a positive number of items");
  if (count <= 0) return;
  grain *= (count + grain * kGrainsMax - 1) / (grain * kGrainsMax);
  const int64_t n_grain = (count + grain - 1) / grain;
  const int n_used = this->n_used();
  if (n_used == 1 || n_grain == 1 || IsAlone()) {
    body(0, count, 0);
    return;
  }
  body_ = &body;
  count_ = count;
  grain_ = grain;
  n_grain_ = static_cast<uint32_t>(n_grain);
  n_done_.store(0, std::memory_order_relaxed);
  ++generation_;
  // Ordered before the load of n_asleep_, as a worker does the two in reverse order.
  for (int worker = 0; worker < n_used; ++worker) {
    const auto at = [&](int64_t i) { return static_cast<uint16_t>(n_grain * i / n_used); };
    shares_[static_cast<size_t>(worker)].left.store({generation_, at(worker), at(worker + 1)});
  }
  if (n_asleep_.load() > 0) {
    ++wake_;
    wake_.notify_all();
  }
  TakePieces(generation_, 0);
  AwaitOthers();
  // The workers are done with `body`: what it refers to may end.
  if (out_of_memory_.exchange(false)) throw std::bad_alloc();
}

void ThreadPool::TakePieces(uint32_t generation, int worker) {
  Range piece;
  do {
    while (TakeOwnPiece(generation, worker, &piece)) {
      try {
        (*body_)(piece.begin * grain_, std::min(count_, piece.end * grain_), worker);
      } catch (const std::bad_alloc&) {
        out_of_memory_ = true;
      }
      n_done_.fetch_add(static_cast<uint32_t>(piece.size()), std::memory_order_release);
    }
  } while (StealHalf(generation, worker));
}

bool ThreadPool::TakeOwnPiece(uint32_t generation, int worker, Range* piece) {
  std::atomic<Range>& own = shares_[static_cast<size_t>(worker)].left;
  Range left = own.load(std::memory_order_acquire);
  while (left.generation == generation && left.size() > 0) {
    const int n = std::max(left.size() / kPieces, 1);
    const auto middle = static_cast<uint16_t>(left.begin + n);
    *piece = {generation, left.begin, middle};
    if (own.compare_exchange_weak(left, {generation, middle, left.end}, std::memory_order_acq_rel))
      return true;
  }
  return false;
}

// Steals half of the largest remaining share for this worker, whose own is empty.
bool ThreadPool::StealHalf(uint32_t generation, int worker) {
  while (true) {
    std::atomic<Range>* most = nullptr;
    Range left{generation, 0, 0};
    for (int i = 0; i < n_threads_; ++i) {
      std::atomic<Range>& share = shares_[static_cast<size_t>(i)].left;
      const Range other = share.load(std::memory_order_acquire);
      if (other.generation != generation || other.size() <= left.size()) continue;
      most = &share;
      left = other;
    }
    if (most == nullptr) return false;
    const auto middle = static_cast<uint16_t>(left.begin + left.size() / 2);
    if (!most->compare_exchange_weak(left, {generation, left.begin, middle},
                                     std::memory_order_acq_rel))
      continue;
    // Only its worker changes an empty share; and a grain, once taken, never returns to a share, so
    // that a compare-exchange with a stale value of it fails.
    shares_[static_cast<size_t>(worker)].left.store({generation, middle, left.end},
                                                    std::memory_order_release);
    return true;
  }
}

void ThreadPool::AwaitOthers() {
  const auto is_done = [&] { return n_done_.load(std::memory_order_acquire) == n_grain_; };
  for (int i = 0; i < kSpinsPerLook; ++i) {
    if (is_done()) return;
    PauseSpinning();
  }
  const Clock::time_point start = Clock::now();
  while (!is_done()) {
    if (Clock::now() - start > kPatience) {
      // The other thread may be waiting for this very core.
      std::this_thread::yield();
    } else {
      for (int i = 0; i < kSpinsPerLook && !is_done(); ++i) PauseSpinning();
    }
  }
  const Clock::time_point end = Clock::now();
  const auto waited = end - start;
  if (waited <= kPatience) return;
  // A brief interruption by another thread is soon forgotten. A core that another busy thread uses
  // is lost for a time slice again and again.
  const bool again = waited >= kSlice && end < quarrel_until_;
  alone_factor_ = again ? std::min(2 * alone_factor_, kAloneFactorMax) : kAloneFactorMin;
  const auto alone = std::min<Clock::duration>(alone_factor_ * waited, kAloneMax);
  alone_until_ = end + alone;
  quarrel_until_ = alone_until_ + 2 * alone;
}

bool ThreadPool::IsAlone() {
  if (alone_until_ == Clock::time_point{}) return false;
  if (Clock::now() < alone_until_) return true;
  alone_until_ = {};
  return false;
}

// Returns true and the generation of a region in which this worker's share is not empty, false when
// the pool ends.
bool ThreadPool::AwaitRegion(int worker, uint32_t* generation) {
  const std::atomic<Range>& own = shares_[static_cast<size_t>(worker)].left;
  const auto is_there = [&] {
    const Range left = own.load();
    *generation = left.generation;
    return left.size() > 0;
  };
  const Clock::time_point start = Clock::now();
  do {
    for (int i = 0; i < kSpinsPerLook; ++i) {
      if (is_there()) return true;
      PauseSpinning();
    }
  } while (Clock::now() - start < kSpin);
  ++n_asleep_;
  const uint32_t seen = wake_.load();
  bool there = is_there();
  if (!there && !stopping_) {
    wake_.wait(seen);
    there = is_there();
  }
  --n_asleep_;
  return there;
}

void ThreadPool::WorkerLoop(int worker) {
  while (!stopping_.load(std::memory_order_relaxed)) {
    // One that slept with the others when fewer were to be used wakes once more, and comes here.
    const int n_used = n_used_.load();
    if (worker >= n_used && n_used > 0) {
      n_used_.wait(n_used);
      continue;
    }
    uint32_t generation;
    if (AwaitRegion(worker, &generation)) TakePieces(generation, worker);
  }
}

}  // namespace hearth
