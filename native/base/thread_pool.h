// A fixed set of threads that run one parallel region at a time; the calling thread is worker 0.
//
// A token has some two hundred regions of a few dozen microseconds, so none may cost a system call,
// and none may wait for a thread that has no core. Hence:
//   - Work stealing: each worker has a share of the items and takes it front to back, so that it
//     reads memory sequentially. A worker that is done steals half of the remainder of another,
//     from the back, so a worker that sleeps or is late costs nothing.
//   - Between regions workers spin for kSpin, then sleep. An idle pool uses no processor time.
//   - Only a worker that lost its core within a piece can delay the caller. After a wait of more
//     than kPatience the caller works alone for a multiple of that wait, and doubles the multiple
//     when it happens again (exponential backoff), and so loses little on a machine whose other
//     cores are busy.
//   - Workers beyond those in use (Use) sleep apart from the others, so that no region wakes them.
#ifndef HEARTH_BASE_THREAD_POOL_H_
#define HEARTH_BASE_THREAD_POOL_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace hearth {

// Starts a thread that runs body(). False where the system grants no more threads, or no memory.
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
  static constexpr std::chrono::milliseconds kSlice{1};  // least time the OS gives other threads

  // n_threads >= 1 counts the caller; n_threads - 1 threads are started, or as many as the system
  // grants.
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return n_threads_; }

  // Lets the first n threads, or all there are, work on the regions that follow; n >= 1 counts the
  // caller. Called by the thread that starts regions, between two of them.
  void Use(int n);
  // Any thread.
  int n_used() const { return n_used_.load(std::memory_order_relaxed); }

  // Calls body(begin, end, worker) on disjoint ranges that cover [0, count), each beginning at a
  // multiple of `grain`, and returns when all are done. The split into ranges depends on timing: a
  // body's results must not. A grain should be a few microseconds of work; the caller runs up to
  // two of them by itself. Throws std::bad_alloc, once no thread is in `body` any more, where a
  // body has thrown it; a body throws nothing else.
  void ParallelFor(int64_t count, int64_t grain, const Body& body);

 private:
  using Clock = std::chrono::steady_clock;

  // Grains [begin, end) of region `generation`: the part of one worker's share that is not taken
  // yet.
  struct Range {
    uint32_t generation;
    uint16_t begin;
    uint16_t end;
    int size() const { return end - begin; }
  };
  static constexpr int64_t kGrainsMax = UINT16_MAX;
  static_assert(std::atomic<Range>::is_always_lock_free);

  // A worker that shrinks a range owns the grains it removed, and the region cannot end before they
  // are done.
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

  std::vector<Share> shares_;  // one per requested thread
  int n_threads_;              // constant after construction
  std::atomic<int> n_used_;    // of them; 0: the pool ends
  std::vector<std::thread> threads_;

  alignas(64) std::atomic<uint32_t> n_done_{0};  // grains done of the current region
  // Written by the caller before it publishes the shares of its generation; read by workers that
  // have seen one.
  alignas(64) const Body* body_ = nullptr;
  int64_t count_ = 0;
  int64_t grain_ = 1;
  uint32_t n_grain_ = 0;
  std::atomic<bool> out_of_memory_{false};  // a body of the current region has thrown

  alignas(64) std::atomic<int> n_asleep_{0};
  std::atomic<uint32_t> wake_{0};  // rises to wake sleeping workers
  std::atomic<bool> stopping_{false};

  // The caller's own.
  uint32_t generation_ = 0;
  int alone_factor_ = kAloneFactorMin;
  Clock::time_point alone_until_{};
  Clock::time_point quarrel_until_{};  // a long wait before then repeats the last one
};

}  // namespace hearth

#endif  // HEARTH_BASE_THREAD_POOL_H_
