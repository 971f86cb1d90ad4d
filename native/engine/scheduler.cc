#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/thread_pool.h"

namespace hearth {
namespace {

// Before all priorities.
constexpr int kCancelled = -1;

bool IsCancelled(const Job& job) {
  return job.cancelled != nullptr && job.cancelled->load(std::memory_order_relaxed);
}

}  // namespace

Scheduler::Scheduler(std::chrono::milliseconds successor_wait) : successor_wait_(successor_wait) {
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

void Scheduler::Post(Job job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Scheduler::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    const auto job = MostUrgent();
    lock.unlock();
    const bool more = job->step();
    if (!more) job->step = nullptr;  // what it holds ends before the lock is taken again
    lock.lock();
    if (more) continue;
    const Job ended = std::move(*job);
    jobs_.erase(job);
    AwaitSuccessor(lock, ended);
  }
}

Scheduler::Jobs::iterator Scheduler::MostUrgent() {
  // There are a handful of jobs: one or two a session.
  auto best = jobs_.end();
  int best_urgency = 0;
  for (auto job = jobs_.begin(); job != jobs_.end(); ++job) {
    const bool is_first = std::none_of(
        jobs_.begin(), job, [&](const Job& earlier) { return earlier.session == job->session; });
    if (!is_first) continue;
    const int urgency = UrgencyOf(*job);
    if (best == jobs_.end() || urgency < best_urgency) {
      best = job;
      best_urgency = urgency;
    }
  }
  return best;
}

// The lower, the sooner.
int Scheduler::UrgencyOf(const Job& first) const {
  if (IsCancelled(first)) return kCancelled;
  int urgency = static_cast<int>(first.priority);
  for (const Job& job : jobs_) {
    if (job.session == first.session) urgency = std::min(urgency, static_cast<int>(job.priority));
  }
  return urgency;
}

void Scheduler::AwaitSuccessor(std::unique_lock<std::mutex>& lock, const Job& ended) {
  if (IsCancelled(ended) || jobs_.empty()) return;
  const int urgency = static_cast<int>(ended.priority);
  wake_.wait_for(lock, successor_wait_,
                 [&] { return stopping_ || UrgencyOf(*MostUrgent()) <= urgency; });
}

}  // namespace hearth
