#include "base/thread_pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"

namespace hearth {
namespace {

// Looks at the clock only now and then: it costs as much as a few looks at memory.
constexpr int kSpinsPerLook = 64;

uint32_t GenerationOf(uint64_t left) { return static_cast<uint32_t>(left >> 32); }
uint32_t GrainsOf(uint64_t left) { return static_cast<uint32_t>(left); }

}  // namespace

bool TryStartThread(std::function<void()> body, std::thread* thread) {
  try {
    *thread = std::thread(std::move(body));
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

ThreadPool::ThreadPool(int n_threads) : n_asked_(n_threads), n_threads_(1) {
  CHECK(n_threads >= 1, "a pool has at least the calling thread");
  for (int worker = 1; worker < n_threads; ++worker) {
    std::thread thread;
    if (!TryStartThread([this, worker] { WorkerLoop(worker); }, &thread)) break;
    threads_.push_back(std::move(thread));
    ++n_threads_;
  }
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  ++wake_;
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::ParallelFor(int64_t count, int64_t grain, const Body& body) {
  CHECK(grain >= 1, "grain is a positive number of items");
  if (count <= 0) return;
  const int64_t n_grain = (count + grain - 1) / grain;
  if (n_threads_ == 1 || n_grain == 1 || IsAlone()) {
    body(0, count, 0);
    return;
  }
  CHECK(n_grain <= INT32_MAX, "a region has fewer grains");
  body_ = &body;
  count_ = count;
  grain_ = grain;
  n_grain_ = static_cast<uint32_t>(n_grain);
  n_done_.store(0, std::memory_order_relaxed);
  const uint32_t generation = GenerationOf(left_.load(std::memory_order_relaxed)) + 1;
  // Ordered before the look at n_asleep_, as a worker's two steps are the other way round.
  left_.store(uint64_t{generation} << 32 | n_grain_);
  if (n_asleep_.load() > 0) {
    ++wake_;
    wake_.notify_all();
  }
  TakePieces(generation, 0);
  AwaitOthers();
}

void ThreadPool::TakePieces(uint32_t generation, int worker) {
  uint64_t left = left_.load(std::memory_order_relaxed);
  while (GenerationOf(left) == generation && GrainsOf(left) > 0) {
    const uint32_t n = std::max(GrainsOf(left) / (2 * static_cast<uint32_t>(n_asked_)), 1u);
    if (!left_.compare_exchange_weak(left, left - n, std::memory_order_acq_rel)) continue;
    const int64_t first = n_grain_ - GrainsOf(left);
    (*body_)(first * grain_, std::min(count_, (first + n) * grain_), worker);
    n_done_.fetch_add(n, std::memory_order_release);
    left = left_.load(std::memory_order_relaxed);
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
      // It may be this very core that the other thread waits for.
      std::this_thread::yield();
    } else {
      for (int i = 0; i < kSpinsPerLook && !is_done(); ++i) PauseSpinning();
    }
  }
  const Clock::time_point end = Clock::now();
  const auto waited = end - start;
  if (waited <= kPatience) return;
  // A moment, in which some thread did something small, is soon forgotten. A core that somebody
  // else works on takes a slice of its time again and again.
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

// True with the generation of a region that has pieces left, false when the pool ends.
bool ThreadPool::AwaitRegion(uint32_t* generation) {
  const auto is_there = [&] {
    const uint64_t left = left_.load();
    *generation = GenerationOf(left);
    return GrainsOf(left) > 0;
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
    uint32_t generation;
    if (AwaitRegion(&generation)) TakePieces(generation, worker);
  }
}

}  // namespace hearth
