// What a budget leaves to experts, to keys and values and to the activations of prompts together,
// shared out as contexts and chunks grow and end; and given back to the system while nobody needs
// it.
#ifndef HEARTH_ENGINE_MEMORY_ARBITER_H_
#define HEARTH_ENGINE_MEMORY_ARBITER_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/memory_plan.h"
#include "experts/expert_cache.h"
#include "transformer/forward.h"

namespace hearth {

class MemoryArbiter {
 public:
  // Who keeps keys and values.
  class Client {
   public:
    virtual ~Client() = default;
    // Forgets them all and gives their memory back; false, and nothing changes, while they are in
    // use. On the thread that uses the cache.
    virtual bool EvictKv() = 0;
  };

  // Keeps the room that a chunk was given until the end of its prompt: chunks that wait between two
  // layers need it again. Let go of on any thread.
  using Reservation = std::shared_ptr<const void>;

  // `cache` and `transformer` must live as long as Reserve is called.
  MemoryArbiter(const MemoryPlan& plan, ExpertCache& cache, Transformer& transformer)
      : plan_(plan), cache_(cache), transformer_(transformer) {}

  // Any thread; a client that leaves has given everything back.
  void Join(Client* client) {
    std::lock_guard lock(mutex_);
    clients_.push_back(client);
  }
  void Leave(Client* client) {
    std::lock_guard lock(mutex_);
    std::erase(clients_, client);
  }

  // Before the client's keys and values take `bytes` more, perhaps 0, and a chunk of n_token
  // begins: the experts give up as much. Where all contexts together would take more than the plan
  // has for them, those that were used longest ago are forgotten. On the thread that uses the
  // cache, while it pins nothing. kMemory when requests under way hold everything.
  Result<Reservation> Reserve(Client* client, size_t bytes, int64_t n_token) {
    {
      std::lock_guard lock(mutex_);
      std::erase(clients_, client);
      for (size_t i = 0; i < clients_.size() && IsTooMuch(bytes); ++i) clients_[i]->EvictKv();
      clients_.push_back(client);
    }
    if (IsTooMuch(bytes)) {
      return Status::Memory(
          "the memory budget holds one full context, and another request is using it; wait for it, "
          "raise the budget or shorten the context");
    }
    kv_bytes_ += bytes;
    if (Status status = ShareOut(n_token); !status.ok()) {
      kv_bytes_ -= bytes;
      return status;
    }
    std::vector<ExpertId> rested;
    {
      std::lock_guard lock(mutex_);
      rested.swap(rested_);
    }
    if (!rested.empty()) cache_.Preload(rested);
    return n_token > MemoryPlan::kShortChunk ? room_ : nullptr;
  }

  // Gives the memory of experts back to the system until the next Reserve, which has them read
  // again, the most valuable first, while it goes on. On the thread that uses the cache, while it
  // pins nothing.
  void Rest() {
    std::vector<ExpertId> hot = Hot();
    cache_.Resize(1);
    const int64_t n_room = plan_.RoomFor(1);
    if (room_.use_count() == 1 && n_room < transformer_.n_token_room()) {
      // Where the system refuses, the room stays.
      (void)transformer_.Resize(n_room);
    }
    std::lock_guard lock(mutex_);
    rested_ = std::move(hot);
  }

  // What would be worth reading after a rest or a restart, the most valuable first. Any thread.
  std::vector<ExpertId> Hot() const {
    {
      std::lock_guard lock(mutex_);
      if (!rested_.empty()) return rested_;
    }
    return cache_.Resident();
  }

  // After keys and values have given `bytes` back. Any thread; the experts get it with the next
  // Reserve.
  void GiveBack(size_t bytes) { kv_bytes_ -= bytes; }

 private:
  // Gives experts and a chunk of n_token what kv_bytes_ leaves; who loses goes first. kMemory.
  Status ShareOut(int64_t n_token) {
    int64_t n_room = plan_.RoomFor(n_token);
    // A count that is behind the times is too high, which keeps room for a little longer.
    if (room_.use_count() > 1) n_room = std::max(n_room, transformer_.n_token_room());
    if (n_room < transformer_.n_token_room()) RETURN_IF_ERROR(transformer_.Resize(n_room));
    const int n_slot = plan_.SlotsBeside(kv_bytes_ + plan_.RoomBytes(n_room));
    if (n_slot != cache_.n_slot()) cache_.Resize(n_slot);
    if (n_room > transformer_.n_token_room()) RETURN_IF_ERROR(transformer_.Resize(n_room));
    return Status::Ok();
  }

  bool IsTooMuch(size_t bytes) const {
    return plan_.shares() && kv_bytes_ + bytes > plan_.kv_bytes;
  }

  const MemoryPlan plan_;
  ExpertCache& cache_;
  Transformer& transformer_;
  const Reservation room_ = std::make_shared<int>(0);  // shared by all holds
  mutable std::mutex mutex_;
  std::vector<Client*> clients_;  // guarded by mutex_; the one that took last is the last
  std::atomic<uint64_t> kv_bytes_ = 0;
  // What was resident when the rest began; empty: no rest. Guarded by mutex_.
  std::vector<ExpertId> rested_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_MEMORY_ARBITER_H_
