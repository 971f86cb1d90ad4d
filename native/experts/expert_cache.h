// A fixed pool of slots that hold the experts in use: pins, least-recently-used eviction, reads in
// flight.
//
// The life of a slot: free -> loading -> resident -> (evicted) loading ... A pinned or loading slot
// is never evicted. Fetch is an exact demand; Hint is speculative: it never delays a demand and
// never changes a result.
#ifndef HEARTH_EXPERTS_EXPERT_CACHE_H_
#define HEARTH_EXPERTS_EXPERT_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "experts/eviction_policy.h"
#include "experts/expert_store.h"

namespace hearth {

class ExpertCache;

// An expert that is neither moved nor evicted while this object lives. Movable. May be released on
// any thread.
class PinnedExpert {
 public:
  PinnedExpert() = default;
  PinnedExpert(PinnedExpert&& other) noexcept;
  PinnedExpert& operator=(PinnedExpert&& other) noexcept;
  ~PinnedExpert();

  int id() const { return id_; }
  // The slot's bytes; each matrix is at offset ExpertStore::OffsetOf.
  const std::byte* data() const { return data_; }

 private:
  friend class ExpertCache;
  friend class ExpertBatch;
  ExpertCache* cache_ = nullptr;
  int slot_ = -1;
  int id_ = -1;
  const std::byte* data_ = nullptr;
};

// The experts that one layer needs for one group of tokens, handed out as they arrive. Used by one
// thread. Must not outlive the cache. If it is destroyed early, reads in flight still complete into
// their slots.
class ExpertBatch {
 public:
  ExpertBatch(ExpertBatch&&) noexcept;
  ~ExpertBatch();

  // Waits until at least one expert that has not been handed out is resident and pins up to `max`
  // such experts (max >= 1), in the order of `ids` among those ready. Empty when all have been
  // handed out. Release these pins before the next call: with few slots the next experts may need
  // their slots. kIo, with the reader's message, when a read failed; the batch then stays failed,
  // and the next Fetch tries again.
  Result<std::vector<PinnedExpert>> Next(int max);

 private:
  friend class ExpertCache;
  struct State;
  explicit ExpertBatch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct ExpertCacheOptions {
  int n_slot = 0;  // >= 1; the initial number and the maximum
  // False: reads start only when Next has to wait, at most `max` of them, and hints do nothing.
  bool read_ahead = true;
  bool hints = true;  // false: hints do nothing
  Eviction eviction = Eviction::kReuseDistance;
  int n_expert_used = 1;  // of a layer, by one token
  // Called with a layer, an expert's id, which of the store's matrices, and a slot into which that
  // matrix has just been read, on a thread of the reader, before the expert can be used; may run
  // for several matrices of an expert concurrently.
  std::function<void(int il, int id, int matrix, std::byte* slot)> prepare = nullptr;
};

// Identifies an expert of the model.
struct ExpertId {
  int il = 0;
  int id = 0;
};

// Counts since the start; `hits + misses` is the number of experts fetched.
struct ExpertCacheStats {
  uint64_t hits = 0;        // resident when fetched
  uint64_t misses = 0;      // not resident when fetched (reads in flight included)
  uint64_t late = 0;        // of the misses: a hint's read was already in flight
  uint64_t hint_reads = 0;  // reads that a hint started
  uint64_t hint_hits = 0;   // of the hits: first use of what a hint had read
  uint64_t withdrawn = 0;   // of the hint_reads: turned out wrong before they began
  uint64_t evictions = 0;
  uint64_t waited_ns = 0;  // that a computation slept in Next: read latency not hidden
};

// Thread-safe; the I/O threads complete reads into it. The reader and the store must outlive it;
// destruction waits for the reads in flight.
class ExpertCache {
 public:
  // Reserves n_slot * store.slot_bytes() of address space; pages are touched as slots are filled.
  // kMemory if refused.
  static Result<std::unique_ptr<ExpertCache>> Create(const ExpertStore& store, Reader& reader,
                                                     ExpertCacheOptions options);
  ~ExpertCache();

  // Asks for the experts of a layer. Hits are promoted; with read_ahead, misses start reading now
  // as far as slots allow, the rest as slots come free in Next. Returns at once. An expert that a
  // live batch has yet to hand out is evicted only when another batch could not proceed otherwise
  // (it is then read again), so batches may be interleaved on one thread.
  ExpertBatch Fetch(const LayerVisit& visit);

  // Suggests that `ids` of layer `il`, the most probable first, will be needed soon. Until the next
  // Fetch of that layer they are evicted only if nothing else can be; the first n_read of them that
  // are not resident are read at speculative priority into free slots or those that the policy
  // evicts first. Never waits, never evicts an expert used after the last Fetch began, does not
  // read while a live batch lacks a slot, and stops when a quarter of the slots or 64 hold
  // speculative reads in flight. That Fetch cancels the hinted reads that it does not need and that
  // have not begun. Failures are silent.
  void Hint(int il, std::span<const int> ids, int n_read);

  // The resident experts, the most valuable first.
  std::vector<ExpertId> Resident() const;

  // Reads `experts` at speculative priority, in order, as far as there are free slots: nothing is
  // evicted for them. Replaces the pending reads of an earlier call.
  void Preload(std::span<const ExpertId> experts);

  // From now on at most n slots are used, 1 <= n <= n_slot of the options. Shrinking evicts the
  // experts that the policy values least, returns their memory to the system, and waits for reads
  // and pins that are in the way; the calling thread must hold no pins.
  void Resize(int n);

  bool IsResident(int il, int id) const;
  int n_slot() const;  // in use or free now
  ExpertCacheStats stats() const;

 private:
  friend class PinnedExpert;
  friend class ExpertBatch;
  struct Impl;
  explicit ExpertCache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth

#endif  // HEARTH_EXPERTS_EXPERT_CACHE_H_
