#include "engine/memory_arbiter.h"

#include <algorithm>
#include <new>

#include "base/check.h"

namespace hearth {

void MemoryArbiter::Reservation::Add(Reservation more) {
  if (pool_ == nullptr) {
    *this = std::move(more);
    return;
  }
  CHECK(more.pool_ == nullptr || more.pool_ == pool_, "reservations of two kinds");
  amount_ += std::exchange(more.amount_, 0);
}

void MemoryArbiter::Reservation::End() {
  if (pool_ != nullptr) *pool_ -= std::exchange(amount_, 0);
}

MemoryArbiter::Registration MemoryArbiter::Register(Client* client) {
  std::lock_guard lock(mutex_);
  clients_.push_back(client);
  return Registration(this, client);
}

void MemoryArbiter::Unregister(Client* client) {
  std::unique_lock lock(mutex_);
  std::erase(clients_, client);
  eviction_ended_.wait(lock, [&] { return evicting_ != client; });
}

Result<MemoryArbiter::Grant> MemoryArbiter::Reserve(Client* client, size_t kv_bytes,
                                                    int64_t n_token) {
  EvictLeastRecent(client, kv_bytes);
  if (Exceeds(kv_bytes)) {
    return Status::Memory(
        "the memory budget holds one full context, and another request is using it; wait for it, "
        "raise the budget or shorten the context");
  }
  Grant grant;
  grant.kv = Reservation(&kv_bytes_, kv_bytes);
  RETURN_IF_ERROR(Divide(n_token));
  ReloadTrimmed();
  if (n_token > MemoryPlan::kShortChunk) grant.scratch = Reservation(&n_prompt_, 1);
  return grant;
}

// Until kv_bytes more fit, or every other client has been asked. The list may change while it is
// unlocked.
void MemoryArbiter::EvictLeastRecent(Client* client, size_t kv_bytes) {
  std::unique_lock lock(mutex_);
  const auto it = std::find(clients_.begin(), clients_.end(), client);
  CHECK(it != clients_.end(), "only registered clients reserve");
  std::rotate(it, it + 1, clients_.end());
  if (!Exceeds(kv_bytes)) return;
  // What is parked first, the client's own last; then what is in use only by the others.
  const std::vector<Client*> all = clients_;
  for (const bool parked : {true, false}) {
    for (Client* other : all) {
      if (!Exceeds(kv_bytes)) return;
      if (!parked && other == client) continue;
      if (std::find(clients_.begin(), clients_.end(), other) == clients_.end()) continue;
      evicting_ = other;
      lock.unlock();
      if (parked)
        other->DropParked();
      else
        other->EvictKv();
      lock.lock();
      evicting_ = nullptr;
      eviction_ended_.notify_all();
    }
  }
}

std::optional<MemoryArbiter::Reservation> MemoryArbiter::TryReserve(size_t bytes) {
  if (!plan_.shares()) {
    if (bytes > plan_.spare_bytes - std::min<uint64_t>(plan_.spare_bytes, spare_bytes_)) return {};
    return Reservation(&spare_bytes_, bytes);
  }
  if (Exceeds(bytes)) return {};
  Reservation reservation(&kv_bytes_, bytes);
  const int n_slot = plan_.SlotsBeside(kv_bytes_ + plan_.RoomBytes(scratch_.n_token_room()));
  if (n_slot < cache_.n_slot()) cache_.Resize(n_slot);
  return reservation;
}

// Divides what the contexts leave between experts and a chunk of n_token; the part that shrinks
// does so first. kMemory.
Status MemoryArbiter::Divide(int64_t n_token) {
  int64_t n_room = plan_.RoomFor(n_token);
  // Memory freed by a prompt that ends concurrently is distributed by the next call.
  if (n_prompt_ > 0) n_room = std::max(n_room, scratch_.n_token_room());
  if (n_room < scratch_.n_token_room()) RETURN_IF_ERROR(scratch_.Resize(n_room));
  const int n_slot = plan_.SlotsBeside(kv_bytes_ + plan_.RoomBytes(n_room));
  if (n_slot != cache_.n_slot()) cache_.Resize(n_slot);
  if (n_room > scratch_.n_token_room()) RETURN_IF_ERROR(scratch_.Resize(n_room));
  return Status::Ok();
}

void MemoryArbiter::Trim() {
  // What fails here is left as it is: memory is returned where there is little, too.
  try {
    // Recorded before the experts are evicted, so that HotExperts never sees an empty cache.
    std::vector<ExpertId> hot = HotExperts();
    std::lock_guard lock(mutex_);
    trimmed_ = std::move(hot);
  } catch (const std::bad_alloc&) {
    // They are read again as they are needed.
  }
  cache_.Resize(1);
  const int64_t n_room = plan_.RoomFor(1);
  if (n_prompt_ > 0 || n_room >= scratch_.n_token_room()) return;
  try {
    // If this fails, the scratch keeps its size.
    (void)scratch_.Resize(n_room);
  } catch (const std::bad_alloc&) {
    // Here as well.
  }
}

void MemoryArbiter::ReloadTrimmed() {
  std::vector<ExpertId> trimmed;
  {
    std::lock_guard lock(mutex_);
    trimmed.swap(trimmed_);
  }
  if (trimmed.empty()) return;
  try {
    cache_.Preload(trimmed);
  } catch (const std::bad_alloc&) {
    // They are read as they are needed.
  }
}

std::vector<ExpertId> MemoryArbiter::HotExperts() const {
  {
    std::lock_guard lock(mutex_);
    if (!trimmed_.empty()) return trimmed_;
  }
  return cache_.Resident();
}

}  // namespace hearth
