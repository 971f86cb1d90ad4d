#include "base/thread_pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/check.h"

namespace hearth {

bool TryStartThread(std::function<void()> body, std::thread* thread) {
  try {
    *thread = std::thread(std::move(body));
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

ThreadPool::ThreadPool(int n_threads) : n_threads_(1) {
  CHECK(n_threads >= 1, "a pool has at least the calling thread");
  // Workers look at n_threads_ only after a region has begun, under the mutex.
  for (int worker = 1; worker < n_threads; ++worker) {
    std::thread thread;
    if (!TryStartThread([this, worker] { WorkerLoop(worker); }, &thread)) break;
    threads_.push_back(std::move(thread));
    ++n_threads_;
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  start_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::ParallelFor(
    int64_t count, int64_t grain,
    const std::function<void(int64_t begin, int64_t end, int worker)>& body) {
  CHECK(grain >= 1, "grain is a positive number of items");
  if (count <= 0) return;
  // Waking others costs microseconds: not worth it for a single grain.
  if (n_threads_ == 1 || count <= grain) {
    body(0, count, 0);
    return;
  }
  {
    std::lock_guard lock(mutex_);
    body_ = &body;
    count_ = count;
    grain_ = grain;
    running_ = n_threads_ - 1;
    ++generation_;
  }
  start_.notify_all();
  RunShare(0);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return running_ == 0; });
}

void ThreadPool::RunShare(int worker) {
  const int64_t grains = (count_ + grain_ - 1) / grain_;
  const int64_t begin = std::min(count_, grains * worker / n_threads_ * grain_);
  const int64_t end = std::min(count_, grains * (worker + 1) / n_threads_ * grain_);
  if (begin < end) (*body_)(begin, end, worker);
}

void ThreadPool::WorkerLoop(int worker) {
  uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    start_.wait(lock, [&] { return stopping_ || generation_ != seen; });
    if (stopping_) return;
    seen = generation_;
    lock.unlock();
    RunShare(worker);
    lock.lock();
    if (--running_ == 0) done_.notify_one();
  }
}

}  // namespace hearth
