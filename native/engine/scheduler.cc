#include "engine/scheduler.h"

#include <utility>

#include "base/thread_pool.h"

namespace hearth {

Scheduler::Scheduler() {
  TryStartThread([this] { Loop(); }, &thread_);
}

Scheduler::~Scheduler() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (is_running()) thread_.join();
}

void Scheduler::Post(JobPriority priority, std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    inbox_[static_cast<size_t>(priority)].push_back(std::move(job));
  }
  wake_.notify_one();
}

void Scheduler::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !inbox_[0].empty() || !inbox_[1].empty(); });
    if (stopping_) return;
    auto& queue = inbox_[0].empty() ? inbox_[1] : inbox_[0];
    std::function<void()> job = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds ends before the lock is taken again
    lock.lock();
  }
}

}  // namespace hearth
