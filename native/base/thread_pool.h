// A fixed set of threads that run one parallel region at a time; the calling thread is worker 0.
//
// A token has some two hundred regions of a few dozen microseconds, so none may cost a trip through
// the kernel, and none may wait for a thread that the kernel gave no core. Hence:
//   - Workers take pieces as they come by, ever smaller ones towards the end, and the caller does
//     what nobody takes: a worker that sleeps or is late costs nothing.
//   - Between regions workers spin for kSpin, then sleep. An idle pool uses no processor time.
//   - Only a worker that lost its core in the middle of a piece can hold up the caller. Who has
//     waited for longer than kPatience works alone for some times as long, and for twice as many
//     times when it happens again, and so loses little on a machine whose other cores are busy.
#ifndef HEARTH_BASE_THREAD_POOL_H_
#define HEARTH_BASE_THREAD_POOL_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace hearth {

// Starts a thread that runs body(). False where the system grants no more threads.
bool TryStartThread(std::function<void()> body, std::thread* thread);

// Thread-compatible: regions are started by one thread at a time.
class ThreadPool {
 public:
  using Body = std::function<void(int64_t begin, int64_t end, int worker)>;

  static constexpr std::chrono::microseconds kSpin{200};
  static constexpr std::chrono::microseconds kPatience{250};
  static constexpr int kAloneFactorMin = 4;
  static constexpr int kAloneFactorMax = 128;
  static constexpr std::chrono::milliseconds kAloneMax{512};
  static constexpr std::chrono::milliseconds kSlice{1};  // what a scheduler gives others at least

  // n_threads >= 1 counts the caller; n_threads - 1 threads are started, or as many as the system
  // grants.
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return n_threads_; }

  // Calls body(begin, end, worker) on disjoint ranges that cover [0, count), each beginning at a
  // multiple of `grain`, and returns when all are done. How the ranges fall depends on who is
  // quick: a body's results must not. A grain should be worth some microseconds of work; up to two
  // of them the caller does by itself.
  void ParallelFor(int64_t count, int64_t grain, const Body& body);

 private:
  using Clock = std::chrono::steady_clock;

  void WorkerLoop(int worker);
  // Takes pieces of region `generation` until none is left.
  void TakePieces(uint32_t generation, int worker);
  bool AwaitRegion(uint32_t* generation);
  void AwaitOthers();
  bool IsAlone();

  const int n_asked_;  // threads; workers read it, while n_threads_ still rises
  int n_threads_;      // constant after construction
  std::vector<std::thread> threads_;

  // The region at hand: its generation in the upper half, in the lower the grains that nobody has
  // taken. Who lowers it owns what lies between, and the region cannot end before that is done.
  alignas(64) std::atomic<uint64_t> left_{0};
  alignas(64) std::atomic<uint32_t> n_done_{0};  // grains
  // Written by the caller before left_ begins a generation; read by who has taken a piece of it.
  alignas(64) const Body* body_ = nullptr;
  int64_t count_ = 0;
  int64_t grain_ = 1;
  uint32_t n_grain_ = 0;

  alignas(64) std::atomic<int> n_asleep_{0};
  std::atomic<uint32_t> wake_{0};  // rises to wake who sleeps
  std::atomic<bool> stopping_{false};

  // The caller's own.
  int alone_factor_ = kAloneFactorMin;
  Clock::time_point alone_until_{};
  Clock::time_point quarrel_until_{};  // another long wait until then belongs to the last one
};

}  // namespace hearth

#endif  // HEARTH_BASE_THREAD_POOL_H_
