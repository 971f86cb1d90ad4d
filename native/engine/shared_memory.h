// What a budget leaves to experts and to keys and values together, shared out as contexts grow and
// end.
#ifndef HEARTH_ENGINE_SHARED_MEMORY_H_
#define HEARTH_ENGINE_SHARED_MEMORY_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
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
      for (size_t i = 0; i < tenants_.size() && kv_bytes_ + bytes > plan_.kv_bytes; ++i)
        tenants_[i]->Forget();
      tenants_.push_back(tenant);
    }
    if (kv_bytes_ + bytes > plan_.kv_bytes) {
      return Status::Memory(
          "the memory budget holds one full context, and another request is using it; wait for it, "
          "raise the budget or shorten the context");
    }
    kv_bytes_ += bytes;
    const int n_slot = plan_.SlotsBeside(kv_bytes_);
    if (n_slot != cache_.n_slot()) cache_.Resize(n_slot);
    return Status::Ok();
  }

  // After keys and values have given `bytes` back. Any thread; the experts get it with the next
  // Take.
  void GiveBack(size_t bytes) { kv_bytes_ -= bytes; }

 private:
  const MemoryPlan plan_;
  ExpertCache& cache_;
  std::mutex mutex_;
  std::vector<Tenant*> tenants_;  // guarded by mutex_; the one that took last is the last
  std::atomic<uint64_t> kv_bytes_ = 0;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_SHARED_MEMORY_H_
