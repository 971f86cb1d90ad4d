// The decode thread: runs jobs a step at a time, always the most urgent one.
#ifndef HEARTH_ENGINE_SCHEDULER_H_
#define HEARTH_ENGINE_SCHEDULER_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace hearth {

// The most urgent first. A user who types waits for a completion and a user who reads for a chat;
// no user waits for a prefill, which evaluates a prompt that may be requested later.
enum class JobPriority { kCompletion = 0, kChat = 1, kPrefill = 2 };

struct Job {
  JobPriority priority = JobPriority::kCompletion;
  // The session whose timeline it works on: jobs of one session run in FIFO order.
  const void* session = nullptr;
  // Once set, its next step is its last. nullptr: never.
  std::shared_ptr<const std::atomic<bool>> cancelled = nullptr;
  // Does part of the work, a few milliseconds at most, and returns whether there is more. Between
  // steps, jobs of other sessions may run.
  std::function<bool()> step = nullptr;
};

// Thread-safe.
class Scheduler {
 public:
  // A client that receives a token requests the next one shortly after. When a job ends, nothing
  // less urgent runs for this long; otherwise each token of a completion would also cost a step of
  // a chat.
  static constexpr std::chrono::milliseconds kSuccessorWait{5};

  explicit Scheduler(std::chrono::milliseconds successor_wait = kSuccessorWait);
  // False where the system granted no thread: jobs would never run.
  bool is_running() const { return thread_.joinable(); }
  // Waits for the current step; unfinished jobs are dropped.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The most urgent job runs first and may preempt another between two steps; among equals, the one
  // posted first runs to completion. A job inherits the urgency of those of its session that wait
  // for it. Cancelled jobs run before all others: they end at once, and a request may wait for
  // that.
  void Post(Job job);

 private:
  using Jobs = std::list<Job>;

  void Loop();
  // These are called with mutex_ held.
  Jobs::iterator MostUrgent();
  int UrgencyOf(const Job& first_of_session) const;
  void AwaitSuccessor(std::unique_lock<std::mutex>& lock, const Job& ended);

  const std::chrono::milliseconds successor_wait_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Jobs jobs_;              // guarded by mutex_, except `step`; in the order of posting
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_SCHEDULER_H_
