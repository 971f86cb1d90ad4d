// A fixed set of threads that run one parallel region at a time; the calling thread is worker 0.
#ifndef HEARTH_BASE_THREAD_POOL_H_
#define HEARTH_BASE_THREAD_POOL_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hearth {

// Starts a thread that runs body(). False where the system grants no more threads.
bool TryStartThread(std::function<void()> body, std::thread* thread);

// Thread-compatible: regions are started by one thread at a time. Idle workers sleep; they never
// spin for long.
class ThreadPool {
 public:
  // n_threads >= 1 counts the caller; n_threads - 1 threads are started, or as many as the system
  // grants.
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return n_threads_; }

  // Calls body(begin, end, worker) on disjoint ranges that cover [0, count), each but the last a
  // multiple of `grain` long, and returns when all are done. How the ranges fall depends on size():
  // a body's results must not.
  void ParallelFor(int64_t count, int64_t grain,
                   const std::function<void(int64_t begin, int64_t end, int worker)>& body);

 private:
  void WorkerLoop(int worker);
  void RunShare(int worker);

  int n_threads_;  // constant after construction
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
  uint64_t generation_ = 0;  // guarded by mutex_; rises by one a region
  int running_ = 0;          // guarded by mutex_; workers that have not finished the region
  bool stopping_ = false;    // guarded by mutex_

  // The region at hand; written before generation_ rises, read after it has been seen.
  const std::function<void(int64_t, int64_t, int)>* body_ = nullptr;
  int64_t count_ = 0;
  int64_t grain_ = 1;
};

}  // namespace hearth

#endif  // HEARTH_BASE_THREAD_POOL_H_
