// What a budget leaves to experts and to keys and values together, shared out as contexts grow and
// end; and given back to the system while nobody needs it.
#ifndef HEARTH_ENGINE_SHARED_MEMORY_H_
#define HEARTH_ENGINE_SHARED_MEMORY_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/memory_plan.h"
#include "experts/expert_cache.h"

namespace hearth {

class SharedMemory {
 public:
  // Who keeps keys and values.
  class Tenant {
   public:
    virtual ~Tenant() = default;
    // Forgets them all and gives their memory back; false, and nothing changes, while they are in
    // use. On the thread that uses the cache.
    virtual bool Forget() = 0;
  };

  // `cache` must live as long as Take is called.
  SharedMemory(const MemoryPlan& plan, ExpertCache& cache) : plan_(plan), cache_(cache) {}

  // Any thread; a tenant that leaves has given everything back.
  void Join(Tenant* tenant) {
    std::lock_guard lock(mutex_);
    tenants_.push_back(tenant);
  }
  void Leave(Tenant* tenant) {
    std::lock_guard lock(mutex_);
    std::erase(tenants_, tenant);
  }

  // Before the tenant's keys and values take `bytes` more, perhaps 0: the experts give up as much.
  // Where all contexts together would take more than the plan has for them, those that were used
  // longest ago are forgotten. On the thread that uses the cache, while it pins nothing. kMemory
  // when requests under way hold everything.
  Status Take(Tenant* tenant, size_t bytes) {
    {
      std::lock_guard lock(mutex_);
      std::erase(tenants_, tenant);
      for (size_t i = 0; i < tenants_.size() && IsTooMuch(bytes); ++i) tenants_[i]->Forget();
      tenants_.push_back(tenant);
    }
    if (IsTooMuch(bytes)) {
      return Status::Memory(
          "the memory budget holds one full context, and another request is using it; wait for it, "
          "raise the budget or shorten the context");
    }
    kv_bytes_ += bytes;
    const int n_slot = plan_.SlotsBeside(kv_bytes_);
    if (n_slot != cache_.n_slot()) cache_.Resize(n_slot);
    std::vector<ExpertId> rested;
    {
      std::lock_guard lock(mutex_);
      rested.swap(rested_);
    }
    if (!rested.empty()) cache_.Preload(rested);
    return Status::Ok();
  }

  // Gives the memory of experts back to the system until the next Take, which has them read again,
  // the most valuable first, while it goes on. On the thread that uses the cache, while it pins
  // nothing.
  void Rest() {
    std::vector<ExpertId> hot = Hot();
    cache_.Resize(1);
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
  // Take.
  void GiveBack(size_t bytes) { kv_bytes_ -= bytes; }

 private:
  bool IsTooMuch(size_t bytes) const {
    return plan_.shares() && kv_bytes_ + bytes > plan_.kv_bytes;
  }

  const MemoryPlan plan_;
  ExpertCache& cache_;
  mutable std::mutex mutex_;
  std::vector<Tenant*> tenants_;  // guarded by mutex_; the one that took last is the last
  std::atomic<uint64_t> kv_bytes_ = 0;
  // What was resident when the rest began; empty: no rest. Guarded by mutex_.
  std::vector<ExpertId> rested_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_SHARED_MEMORY_H_
