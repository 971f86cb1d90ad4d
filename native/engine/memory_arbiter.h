// Divides what the memory plan leaves to experts, keys and values, and the activations of prompts:
// contexts and prompts reserve their part, the experts get the rest.
#ifndef HEARTH_ENGINE_MEMORY_ARBITER_H_
#define HEARTH_ENGINE_MEMORY_ARBITER_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/memory_plan.h"
#include "experts/expert_cache.h"
#include "transformer/chunk_scratch.h"

namespace hearth {

// One thread reserves and trims: the one that uses the expert cache. Clients may register and
// unregister, and reservations end, on any thread. The mutex guards two lists and is a leaf of the
// lock order: neither a client nor the cache nor the scratch is called while it is held.
class MemoryArbiter {
 public:
  // An owner of keys and values.
  class Client {
   public:
    virtual ~Client() = default;
    // Drops all keys and values and ends their reservation; while they are in use, returns false
    // and changes nothing. Throws nothing. Called by Reserve for another client, on its thread and
    // without holding a lock: any other client may be registered or unregistered meanwhile, but
    // this one must not be unregistered on this thread.
    virtual bool EvictKv() = 0;
    // Drops what it keeps in TryReserve's memory. Called like EvictKv, and also by the client's own
    // Reserve.
    virtual void DropParked() {}
  };

  // A client that may reserve and be evicted. May end on any thread; waits for an EvictKv in
  // progress, so that the client may be destroyed afterwards.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept { *this = std::move(other); }
    Registration& operator=(Registration&& other) noexcept {
      std::swap(arbiter_, other.arbiter_);
      std::swap(client_, other.client_);
      return *this;
    }
    ~Registration() {
      if (arbiter_ != nullptr) arbiter_->Unregister(client_);
    }

   private:
    friend class MemoryArbiter;
    Registration(MemoryArbiter* arbiter, Client* client) : arbiter_(arbiter), client_(client) {}
    MemoryArbiter* arbiter_ = nullptr;
    Client* client_ = nullptr;
  };

  // A part of the budget that is withheld from the experts while this object lives. May end on any
  // thread, before the arbiter does; the next Reserve returns it to the experts.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept { *this = std::move(other); }
    Reservation& operator=(Reservation&& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(amount_, other.amount_);
      return *this;
    }
    ~Reservation() { End(); }

    // Bytes of keys and values; 1 for a prompt's scratch.
    uint64_t amount() const { return amount_; }
    // Takes over what `more`, of the same kind, has reserved.
    void Add(Reservation more);
    void End();

   private:
    friend class MemoryArbiter;
    Reservation(std::atomic<uint64_t>* pool, uint64_t amount) : pool_(pool), amount_(amount) {
      *pool_ += amount_;
    }
    std::atomic<uint64_t>* pool_ = nullptr;
    uint64_t amount_ = 0;
  };

  struct Grant {
    Reservation kv;  // the bytes that were asked for
    // Keeps the scratch of a long chunk until the prompt's end: chunks that wait between two layers
    // need it again. Empty for a short chunk, whose scratch is always allocated.
    Reservation scratch;
  };

  // `cache` and `scratch` must outlive all calls of Reserve and Trim.
  MemoryArbiter(const MemoryPlan& plan, ExpertCache& cache, ChunkScratch& scratch)
      : plan_(plan), cache_(cache), scratch_(scratch) {}

  Registration Register(Client* client);

  // To be called before the client's keys and values grow by kv_bytes, perhaps 0, and a chunk of
  // n_token begins: takes that memory from the experts. If all contexts together would exceed their
  // part of the plan, parked ones are dropped, then the least recently reserving ones evicted. No
  // expert may be pinned. kMemory, and nothing is reserved, when requests in progress hold
  // everything.
  Result<Grant> Reserve(Client* client, size_t kv_bytes, int64_t n_token);

  // For keys and values that nobody needs now: takes memory from the experts, but from no context,
  // and gives way to any. Unset where there is none. No expert may be pinned.
  std::optional<Reservation> TryReserve(size_t bytes);

  // Returns the experts' memory to the system until the next Reserve, which reads them again in the
  // background, the most valuable first. No expert may be pinned.
  void Trim();

  // The experts worth reading after a trim or a restart, the most valuable first. Any thread.
  std::vector<ExpertId> HotExperts() const;

 private:
  void Unregister(Client* client);
  void EvictLeastRecent(Client* client, size_t kv_bytes);
  Status Divide(int64_t n_token);
  void ReloadTrimmed();
  bool Exceeds(size_t kv_bytes) const {
    return plan_.shares() && kv_bytes_ + kv_bytes > plan_.kv_bytes;
  }

  const MemoryPlan plan_;
  ExpertCache& cache_;
  ChunkScratch& scratch_;
  std::atomic<uint64_t> kv_bytes_ = 0;     // reserved by all clients
  std::atomic<uint64_t> spare_bytes_ = 0;  // of TryReserve, where nothing is shared
  std::atomic<uint64_t> n_prompt_ = 0;     // reservations of scratch

  mutable std::mutex mutex_;
  std::condition_variable eviction_ended_;
  // Guarded by mutex_:
  std::vector<Client*> clients_;   // by their last reservation, the latest last
  Client* evicting_ = nullptr;     // its EvictKv is under way
  std::vector<ExpertId> trimmed_;  // resident when Trim was called; empty: not trimmed
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_MEMORY_ARBITER_H_
