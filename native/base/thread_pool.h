// A fixed set of threads that run one parallel region at a time; the calling thread is worker 0.
//
// A token has some two hundred regions of a few dozen microseconds, so none may cost a trip through
// the kernel, and none may wait for a thread that the kernel gave no core. Hence:
//   - Work stealing: each worker has a share of the items and takes it front to back, as memory
//   likes
//     to be read. A worker that is done steals half of what another has left, from the back, so a
//     worker that sleeps or is late costs nothing.
//   - Between regions workers spin for kSpin, then sleep. An idle pool uses no processor time.
//   - Only a worker that lost its core in the middle of a piece can hold up the caller. A caller
//   that
//     has waited for longer than kPatience works alone for some times as long, and for twice as
//     many times when it happens again (exponential backoff), and so loses little on a machine
//     whose other cores are busy.
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
  // multiple of `grain`, and returns when all are done. How the ranges fall depends on
  // which workers are quick: a body's results must not. A grain should be worth some microseconds
  // of work; up to two of them the caller does by itself.
  void ParallelFor(int64_t count, int64_t grain, const Body& body);

 private:
  using Clock = std::chrono::steady_clock;

  // Grains [begin, end) of region `generation`: what no worker has taken yet of one worker's share.
  struct Range {
    uint32_t generation;
    uint16_t begin;
    uint16_t end;
    int size() const { return end - begin; }
  };
  static constexpr int64_t kGrainsMax = UINT16_MAX;
  static_assert(std::atomic<Range>::is_always_lock_free);

  // The worker that makes a range smaller owns what lies between, and the region cannot end before
  // that is done.
  struct alignas(64) Share {
    std::atomic<Range> left{Range{0, 0, 0}};
  };

  void WorkerLoop(int worker);
  // Takes pieces of region `generation` until none is left.
  void TakePieces(uint32_t generation, int worker);
  bool TakeOwnPiece(uint32_t generation, int worker, Range* piece);
  bool StealHalf(uint32_t generation, int worker);
  bool AwaitRegion(int worker, uint32_t* generation);
  void AwaitOthers();
  bool IsAlone();

  std::vector<Share> shares_;  // one a thread that was asked for
  int n_threads_;              // constant after construction
  std::vector<std::thread> threads_;

  alignas(64) std::atomic<uint32_t> n_done_{0};  // grains of the region at hand
  // Written by the caller before the shares are of its generation; read by workers that have seen
  // one.
  alignas(64) const Body* body_ = nullptr;
  int64_t count_ = 0;
  int64_t grain_ = 1;
  uint32_t n_grain_ = 0;

  alignas(64) std::atomic<int> n_asleep_{0};
  std::atomic<uint32_t> wake_{0};  // rises to wake sleeping workers
  std::atomic<bool> stopping_{false};

  // The caller's own.
  uint32_t generation_ = 0;
  int alone_factor_ = kAloneFactorMin;
  Clock::time_point alone_until_{};
  Clock::time_point quarrel_until_{};  // another long wait until then belongs to the last one
};

}  // namespace hearth

#endif  // HEARTH_BASE_THREAD_POOL_H_
