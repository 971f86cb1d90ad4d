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

// The most urgent first. Somebody who types waits for a completion and somebody who reads for a
// chat; nobody waits for a prefill, which evaluates a prompt in case it will be asked for.
enum class JobPriority { kCompletion = 0, kChat = 1, kPrefill = 2 };

struct Job {
  JobPriority priority = JobPriority::kCompletion;
  // Whose timeline it works on: jobs of one session run one after another, as they were posted.
  const void* session = nullptr;
  // Set: its next step is its last. nullptr: never.
  std::shared_ptr<const std::atomic<bool>> cancelled = nullptr;
  // Does a part of the work, a few milliseconds at most, and says whether there is more. In between
  // jobs of other sessions may run.
  std::function<bool()> step = nullptr;
};

// Thread-safe.
class Scheduler {
 public:
  // A client that receives a token requests the next one shortly after. For so long nothing less
  // urgent is run when a job has ended: or each token of a completion would also cost a step of a
  // chat.
  static constexpr std::chrono::milliseconds kSuccessorWait{5};

  explicit Scheduler(std::chrono::milliseconds successor_wait = kSuccessorWait);
  // False where the system granted no thread: jobs would never run.
  bool is_running() const { return thread_.joinable(); }
  // Waits for the step at hand; what has not ended is dropped.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The most urgent job goes first and may come between two steps of another; among equals the one
  // that was posted first runs to its end. A job is as urgent as those of its session that wait for
  // it. Cancelled ones go before all others: they end at once, and somebody may wait for that.
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
  Jobs jobs_;              // guarded by mutex_, but for `step`; in the order of their posting
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_SCHEDULER_H_
