// The decode thread: runs jobs one at a time, completions before chat.
#ifndef HEARTH_ENGINE_SCHEDULER_H_
#define HEARTH_ENGINE_SCHEDULER_H_

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace hearth {

// A completion is awaited by somebody who types; a chat by somebody who reads.
enum class JobPriority { kCompletion = 0, kChat = 1 };

// Thread-safe. A job is short: one token, or one prompt.
class Scheduler {
 public:
  Scheduler();
  // False where the system granted no thread: jobs would never run.
  bool is_running() const { return thread_.joinable(); }
  // Waits for the job at hand; jobs that have not begun are dropped.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Jobs of one priority run in the order of their posting.
  void Post(JobPriority priority, std::function<void()> job);

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::array<std::deque<std::function<void()>>, 2> inbox_;  // guarded by mutex_, by priority
  bool stopping_ = false;                                   // guarded by mutex_
  std::thread thread_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_SCHEDULER_H_
