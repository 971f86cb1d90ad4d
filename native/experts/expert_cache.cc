#include "experts/expert_cache.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/check.h"

namespace hearth {
namespace {

// Hints queue behind every demand read, and a prompt needs one layer's worth of them.
constexpr int kHintsInFlightMax = 64;

// Of these, experts that are read without being needed yet.
constexpr int kPreloadsInFlightMax = 8;

// A quarter of the slots, so that hints never crowd out what is in use; a single slot serves
// demands only.
int HintsInFlightMax(int n_slot) {
  return n_slot == 1 ? 0 : std::clamp(n_slot / 4, 1, kHintsInFlightMax);
}

}  // namespace

struct ExpertBatch::State {
  ExpertCache* cache = nullptr;
  int il = 0;
  std::vector<int> left;  // ids that have not been handed out, in the order of Fetch
  bool waiting = false;   // its thread sleeps in Next
  uint64_t began_at = 0;  // n_fetch_ of its Fetch
  Status failure;         // of a demand read of something in `left` that began after its Fetch
};

// Everything below is guarded by mutex_ unless it is const. The reader is called with mutex_ held,
// which is safe because it calls back on its own threads and holding no lock.
struct ExpertCache::Impl {
  enum class SlotState : uint8_t { kFree, kLoading, kResident };

  struct Slot {
    SlotState state = SlotState::kFree;
    int expert = -1;  // layer * n_expert + id; -1 while free
    int pins = 0;
    bool from_hint = false;  // a hint started the read that fills or filled it
    bool preloaded = false;  // the same, but for no particular layer: no choice proves it wrong
    bool demanded = false;   // some Fetch has asked for it since that read started
    uint64_t used_at = 0;    // n_fetch_ at its last use
    uint64_t read_at = 0;    // n_fetch_ when the read that fills or filled it began
  };

  Impl(const ExpertStore& store, Reader& reader, ExpertCacheOptions options, AlignedBuffer memory);
  ~Impl();

  void Register(ExpertBatch::State& batch, const LayerVisit& visit);
  void ReadAhead(const ExpertBatch::State& batch);
  void Unregister(ExpertBatch::State& batch);
  Result<std::vector<PinnedExpert>> Next(ExpertBatch::State& batch, int max);
  void Hint(int il, std::span<const int> ids, int n_read);
  std::vector<ExpertId> Resident() const;
  void Preload(std::span<const ExpertId> experts);
  void Resize(int n);
  void Unpin(int slot);

  int ExpertIndex(int il, int id) const;
  Slot& SlotAt(int slot) { return slots_[static_cast<size_t>(slot)]; }
  const Slot& SlotAt(int slot) const { return slots_[static_cast<size_t>(slot)]; }
  std::byte* SlotBytes(int slot) const {
    return memory_.data() + static_cast<size_t>(slot) * store_.slot_bytes();
  }
  int& SlotOf(int expert) { return slot_of_[static_cast<size_t>(expert)]; }
  bool IsWanted(int expert) const { return n_wanting_[static_cast<size_t>(expert)] > 0; }
  void MarkUsed(int slot);
  void CountFetched(int expert);

  std::vector<PinnedExpert> PinReady(ExpertBatch::State& batch, int max);
  int StartReads(const ExpertBatch::State& batch, int n_loading_max);
  void StealSlot(const ExpertBatch::State& batch);
  bool IsAwaited(int expert) const;
  bool DemandLacksSlots() const;
  void ExpectNothingOf(int il);
  void WithdrawHints(int il);
  void ContinuePreload();
  bool VacateLastSlot();

  template <typename MayEvict>
  int TakeSlot(const MayEvict& may_evict);
  void StartRead(int slot, int expert, ReadPriority priority);
  void Submit(int slot, int expert, ReadPriority priority);
  void RangesOf(int slot, int expert, ReadRange out[ExpertStore::kMatrices]) const;
  void PromoteRead(int slot);
  void FinishRead(int slot, Status status);
  void FreeSlot(int slot);
  void FailBatches(const Slot& slot, const Status& status);

  const ExpertStore& store_;
  Reader& reader_;
  const ExpertCacheOptions options_;
  const AlignedBuffer memory_;  // n_slot slots of store_.slot_bytes()

  mutable std::mutex mutex_;
  // Notified when a read ended, a slot lost its last pin, or a batch gave up what it wanted.
  std::condition_variable changed_;

  std::vector<Slot> slots_;
  int n_slot_;  // of slots_, those that may be used: the first ones
  // Per expert, [n_layer * n_expert]:
  std::vector<int> slot_of_;                // the slot that holds or loads it, or -1
  std::vector<int> n_wanting_;              // batches that have yet to hand it out
  std::vector<bool> expected_;              // a hint has named it, and its layer has not come yet
  std::vector<int> free_slots_;             // lowest last, so that memory is touched from its start
  std::unique_ptr<EvictionPolicy> policy_;  // of the slots that are not free
  std::vector<ExpertBatch::State*> batches_;  // all that live
  uint64_t n_fetch_ = 0;                      // the clock that hints respect
  int n_loading_ = 0;
  std::vector<int> hints_in_flight_;  // slots: a hint started the read, no Fetch has asked for it
  std::vector<int> preload_;          // experts that wait for a free slot, the next one last
  ExpertCacheStats stats_;
};

// ---- Set-up --------------------------------------------------------------------------------

ExpertCache::Impl::Impl(const ExpertStore& store, Reader& reader, ExpertCacheOptions options,
                        AlignedBuffer memory)
    : store_(store),
      reader_(reader),
      options_(std::move(options)),
      memory_(std::move(memory)),
      slots_(static_cast<size_t>(options_.n_slot)),
      n_slot_(options_.n_slot),
      slot_of_(static_cast<size_t>(store.n_layer()) * static_cast<size_t>(store.n_expert()), -1),
      n_wanting_(slot_of_.size(), 0),
      expected_(slot_of_.size(), false),
      policy_(MakeEvictionPolicy(options_.eviction, options_.n_slot, store.n_layer(),
                                 store.n_expert(), options_.n_expert_used)) {
  // Lists of slots never grow beyond this: the reader's threads have nobody to tell that there is
  // no memory.
  free_slots_.reserve(slots_.size());
  hints_in_flight_.reserve(slots_.size());
  for (int slot = n_slot_ - 1; slot >= 0; --slot) free_slots_.push_back(slot);
}

ExpertCache::Impl::~Impl() {
  std::unique_lock lock(mutex_);
  CHECK(batches_.empty(), "a batch outlives its cache");
  preload_.clear();
  changed_.wait(lock, [this] { return n_loading_ == 0; });
  for (const Slot& slot : slots_) CHECK(slot.pins == 0, "a pinned expert outlives its cache");
}

int ExpertCache::Impl::ExpertIndex(int il, int id) const {
  CHECK(il >= 0 && il < store_.n_layer(), "no such layer");
  CHECK(id >= 0 && id < store_.n_expert(), "no such expert");
  return il * store_.n_expert() + id;
}

// ---- Batches -------------------------------------------------------------------------------

void ExpertCache::Impl::Register(ExpertBatch::State& batch, const LayerVisit& visit) {
  const std::span<const int> ids = visit.ids;
  std::lock_guard lock(mutex_);
  // All memory first: what fails afterwards would leave a batch half registered.
  std::vector<bool> seen(static_cast<size_t>(store_.n_expert()), false);
  batch.left.assign(ids.begin(), ids.end());
  batches_.reserve(batches_.size() + 1);
  policy_->Visit(visit);
  batch.began_at = ++n_fetch_;
  for (const int id : ids) {
    const int expert = ExpertIndex(batch.il, id);
    CHECK(!seen[static_cast<size_t>(id)], "an expert is fetched twice in one batch");
    seen[static_cast<size_t>(id)] = true;
    // All are marked before any read starts: no miss of this batch evicts one of its hits.
    ++n_wanting_[static_cast<size_t>(expert)];
    CountFetched(expert);
  }
  batches_.push_back(&batch);
  ExpectNothingOf(batch.il);
  WithdrawHints(batch.il);
}

void ExpertCache::Impl::ReadAhead(const ExpertBatch::State& batch) {
  if (!options_.read_ahead) return;
  std::lock_guard lock(mutex_);
  StartReads(batch, std::numeric_limits<int>::max());
}

void ExpertCache::Impl::Unregister(ExpertBatch::State& batch) {
  std::lock_guard lock(mutex_);
  for (const int id : batch.left) --n_wanting_[static_cast<size_t>(ExpertIndex(batch.il, id))];
  std::erase(batches_, &batch);
  changed_.notify_all();
}

// Counts the expert as a hit or a miss. A resident or loading expert counts as used now, an absent
// one when its read starts.
void ExpertCache::Impl::CountFetched(int expert) {
  const int slot_index = SlotOf(expert);
  if (slot_index < 0) {
    ++stats_.misses;
    return;
  }
  MarkUsed(slot_index);
  Slot& slot = SlotAt(slot_index);
  if (slot.state == SlotState::kLoading) {
    ++stats_.misses;
    if (slot.from_hint) ++stats_.late;
    return;
  }
  ++stats_.hits;
  if (slot.from_hint && !slot.demanded) ++stats_.hint_hits;
  slot.demanded = true;
}

Result<std::vector<PinnedExpert>> ExpertCache::Impl::Next(ExpertBatch::State& batch, int max) {
  CHECK(max >= 1, "Next hands out at least one expert");
  // Before the lock: where a read has no memory, these pins end once it is given back, since they
  // take it.
  std::vector<PinnedExpert> ready;
  std::unique_lock lock(mutex_);
  bool slept = false;
  while (true) {
    if (!batch.failure.ok()) return batch.failure;
    if (batch.left.empty()) return std::vector<PinnedExpert>();
    ready = PinReady(batch, max);
    if (!ready.empty()) {
      // The next experts are read while the caller computes with these.
      if (options_.read_ahead) StartReads(batch, std::numeric_limits<int>::max());
      // The rest of this batch can be stolen now that its thread is awake.
      if (slept) changed_.notify_all();
      return ready;
    }
    const int n_loading_max = options_.read_ahead ? std::numeric_limits<int>::max() : max;
    if (StartReads(batch, n_loading_max) == 0) StealSlot(batch);
    batch.waiting = true;
    const auto from = std::chrono::steady_clock::now();
    changed_.wait(lock);
    const auto waited = std::chrono::steady_clock::now() - from;
    stats_.waited_ns +=
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(waited).count());
    batch.waiting = false;
    slept = true;
  }
}

// Pins up to `max` resident experts of the batch, in the order of Fetch.
std::vector<PinnedExpert> ExpertCache::Impl::PinReady(ExpertBatch::State& batch, int max) {
  // Reserved: what would fail with a pin in hand would release it, which takes the lock.
  std::vector<PinnedExpert> ready;
  ready.reserve(std::min(batch.left.size(), static_cast<size_t>(max)));
  std::vector<int> still_left;
  still_left.reserve(batch.left.size());
  for (const int id : batch.left) {
    const int expert = ExpertIndex(batch.il, id);
    const int slot_index = SlotOf(expert);
    if (static_cast<int>(ready.size()) == max || slot_index < 0 ||
        SlotAt(slot_index).state != SlotState::kResident) {
      still_left.push_back(id);
      continue;
    }
    Slot& slot = SlotAt(slot_index);
    ++slot.pins;
    slot.used_at = n_fetch_;
    --n_wanting_[static_cast<size_t>(expert)];
    PinnedExpert pinned;
    pinned.cache_ = batch.cache;
    pinned.slot_ = slot_index;
    pinned.id_ = id;
    pinned.data_ = SlotBytes(slot_index);
    ready.push_back(std::move(pinned));
  }
  batch.left = std::move(still_left);
  return ready;
}

// Starts reads for what the batch lacks, as far as slots and n_loading_max allow, evicting nothing
// that any batch has yet to hand out. Returns how many of the batch's experts are then loading.
int ExpertCache::Impl::StartReads(const ExpertBatch::State& batch, int n_loading_max) {
  int n_loading = 0;
  bool out_of_slots = false;
  for (const int id : batch.left) {
    const int expert = ExpertIndex(batch.il, id);
    if (const int slot = SlotOf(expert); slot >= 0) {
      if (SlotAt(slot).state != SlotState::kLoading) continue;
      PromoteRead(slot);
      ++n_loading;
    } else if (!out_of_slots && n_loading < n_loading_max) {
      const int taken = TakeSlot([this](const Slot& victim) { return !IsWanted(victim.expert); });
      out_of_slots = taken < 0;
      if (out_of_slots) continue;
      StartRead(taken, expert, ReadPriority::kDemand);
      ++n_loading;
    }
  }
  return n_loading;
}

// Called when no expert of the batch is resident or loading and every slot is taken. Steals a slot
// from a batch that is not waiting in Next (a preempted one), which will read its expert again. A
// batch that sleeps in Next keeps what it waits for, or two threads could steal the same slot from
// each other forever. If there is none to steal, pins or reads of others hold all slots, and their
// end wakes the caller.
void ExpertCache::Impl::StealSlot(const ExpertBatch::State& batch) {
  const int slot = TakeSlot([this](const Slot& victim) { return !IsAwaited(victim.expert); });
  if (slot >= 0) {
    StartRead(slot, ExpertIndex(batch.il, batch.left.front()), ReadPriority::kDemand);
  }
}

// Whether a batch that sleeps in Next has yet to hand the expert out.
bool ExpertCache::Impl::IsAwaited(int expert) const {
  return std::any_of(batches_.begin(), batches_.end(), [&](const ExpertBatch::State* batch) {
    return batch->waiting && std::any_of(batch->left.begin(), batch->left.end(), [&](int id) {
             return ExpertIndex(batch->il, id) == expert;
           });
  });
}

void ExpertCache::Impl::Unpin(int slot_index) {
  std::lock_guard lock(mutex_);
  Slot& slot = SlotAt(slot_index);
  CHECK(slot.pins > 0, "an expert is released twice");
  if (--slot.pins == 0) changed_.notify_all();
}

// ---- Hints ---------------------------------------------------------------------------------

void ExpertCache::Impl::Hint(int il, std::span<const int> ids, int n_read) {
  if (!options_.read_ahead || !options_.hints) return;
  std::lock_guard lock(mutex_);
  ExpectNothingOf(il);
  for (const int id : ids) {
    const int expert = ExpertIndex(il, id);
    expected_[static_cast<size_t>(expert)] = true;
    const int slot = SlotOf(expert);
    if (slot >= 0 && SlotAt(slot).state == SlotState::kResident) MarkUsed(slot);
  }
  // Withdraws reads that an earlier hint for this layer requested and this one does not.
  WithdrawHints(il);
  if (DemandLacksSlots()) return;
  for (const int id : ids.first(std::min(ids.size(), static_cast<size_t>(n_read)))) {
    const int expert = ExpertIndex(il, id);
    if (SlotOf(expert) >= 0) continue;
    if (static_cast<int>(hints_in_flight_.size()) >= HintsInFlightMax(n_slot_)) return;
    const int slot = TakeSlot([this](const Slot& victim) {
      return victim.used_at < n_fetch_ && !IsWanted(victim.expert);
    });
    if (slot < 0) return;
    StartRead(slot, expert, ReadPriority::kSpeculative);
  }
}

// The hint for layer `il` is used up or replaced.
void ExpertCache::Impl::ExpectNothingOf(int il) {
  const auto first = expected_.begin() + static_cast<std::ptrdiff_t>(il) * store_.n_expert();
  std::fill(first, first + store_.n_expert(), false);
}

// Withdraws reads for layer `il` that no batch wants and no hint expects any more, unless the
// reader has begun them.
void ExpertCache::Impl::WithdrawHints(int il) {
  const size_t n = std::erase_if(hints_in_flight_, [&](int slot_index) {
    Slot& slot = SlotAt(slot_index);
    if (slot.preloaded || slot.expert / store_.n_expert() != il || IsWanted(slot.expert) ||
        expected_[static_cast<size_t>(slot.expert)])
      return false;
    ReadRange ranges[ExpertStore::kMatrices];
    RangesOf(slot_index, slot.expert, ranges);
    if (!reader_.Withdraw(ranges[0].dest)) return false;
    ++stats_.withdrawn;
    --n_loading_;
    FreeSlot(slot_index);
    return true;
  });
  if (n > 0) changed_.notify_all();
}

// Whether a live batch still lacks a slot for an expert: the next slot is that batch's.
bool ExpertCache::Impl::DemandLacksSlots() const {
  return std::any_of(batches_.begin(), batches_.end(), [this](const ExpertBatch::State* batch) {
    return std::any_of(batch->left.begin(), batch->left.end(), [&](int id) {
      return slot_of_[static_cast<size_t>(ExpertIndex(batch->il, id))] < 0;
    });
  });
}

// ---- Slots and reads -----------------------------------------------------------------------

void ExpertCache::Impl::MarkUsed(int slot) {
  policy_->Touch(slot, SlotAt(slot).expert);
  SlotAt(slot).used_at = n_fetch_;
}

// A free slot, or the one that the policy evicts first among the resident, unpinned ones for which
// may_evict(slot) holds; -1 if there is none.
template <typename MayEvict>
int ExpertCache::Impl::TakeSlot(const MayEvict& may_evict) {
  if (!free_slots_.empty()) {
    const int slot = free_slots_.back();
    free_slots_.pop_back();
    return slot;
  }
  const auto is_free_to_go = [&](int candidate) {
    const Slot& victim = SlotAt(candidate);
    return victim.state == SlotState::kResident && victim.pins == 0 && may_evict(victim);
  };
  int slot = policy_->Victim([&](int candidate) {
    return !expected_[static_cast<size_t>(SlotAt(candidate).expert)] && is_free_to_go(candidate);
  });
  if (slot < 0) slot = policy_->Victim(is_free_to_go);
  if (slot < 0) return -1;
  SlotOf(SlotAt(slot).expert) = -1;
  policy_->Remove(slot);
  ++stats_.evictions;
  return slot;
}

// A slot counts as used when its read starts, not when it ends: the order of eviction must not
// depend on the disk. Where there is no memory for the read, the slot is free again.
void ExpertCache::Impl::StartRead(int slot_index, int expert, ReadPriority priority) {
  const bool from_hint = priority == ReadPriority::kSpeculative;
  Slot& slot = SlotAt(slot_index);
  try {
    Submit(slot_index, expert, priority);
  } catch (const std::bad_alloc&) {
    slot = Slot();
    free_slots_.push_back(slot_index);
    throw;
  }
  slot.state = SlotState::kLoading;
  slot.expert = expert;
  slot.from_hint = from_hint;
  slot.preloaded = false;
  slot.demanded = !from_hint;
  slot.read_at = n_fetch_;
  SlotOf(expert) = slot_index;
  MarkUsed(slot_index);
  ++n_loading_;
  if (from_hint) {
    hints_in_flight_.push_back(slot_index);
    ++stats_.hint_reads;
  }
}

// The read's end waits for the lock, and with it for what StartRead notes.
void ExpertCache::Impl::Submit(int slot_index, int expert, ReadPriority priority) {
  ReadRange ranges[ExpertStore::kMatrices];
  RangesOf(slot_index, expert, ranges);
  for (int i = 0; options_.prepare && i < ExpertStore::kMatrices; ++i) {
    ranges[i].arrived = [this, i, expert, slot = SlotBytes(slot_index)] {
      options_.prepare(expert / store_.n_expert(), expert % store_.n_expert(), i, slot);
    };
  }
  reader_.Submit(ranges, priority,
                 [this, slot_index](Status status) { FinishRead(slot_index, std::move(status)); });
}

// The reads that fill a slot with an expert.
void ExpertCache::Impl::RangesOf(int slot_index, int expert,
                                 ReadRange out[ExpertStore::kMatrices]) const {
  store_.Ranges(expert / store_.n_expert(), expert % store_.n_expert(), SlotBytes(slot_index), out);
}

// An expert that a hint is reading was fetched: its read becomes a demand.
void ExpertCache::Impl::PromoteRead(int slot_index) {
  Slot& slot = SlotAt(slot_index);
  if (slot.demanded) return;
  slot.demanded = true;
  std::erase(hints_in_flight_, slot_index);
  ReadRange ranges[ExpertStore::kMatrices];
  RangesOf(slot_index, slot.expert, ranges);
  reader_.Promote(ranges[0].dest);
}

// On a thread of the reader.
void ExpertCache::Impl::FinishRead(int slot_index, Status status) {
  std::lock_guard lock(mutex_);
  Slot& slot = SlotAt(slot_index);
  if (slot.from_hint && !slot.demanded) std::erase(hints_in_flight_, slot_index);
  if (status.ok()) {
    slot.state = SlotState::kResident;
  } else {
    // A hint changes no result: a batch that waits for an expert whose hinted read failed wakes and
    // reads it on demand.
    if (!slot.from_hint) FailBatches(slot, status);
    FreeSlot(slot_index);
    // After a failed read, preloading stops; later experts are read on demand.
    preload_.clear();
  }
  --n_loading_;
  ContinuePreload();
  // Notified under the lock: the destructor may run as soon as it is released.
  changed_.notify_all();
}

// For a slot whose contents are not needed.
void ExpertCache::Impl::FreeSlot(int slot_index) {
  Slot& slot = SlotAt(slot_index);
  SlotOf(slot.expert) = -1;
  policy_->Remove(slot_index);
  slot = Slot();
  free_slots_.push_back(slot_index);
}

// The failure of a read that began before a batch does not fail that batch: the file may have been
// repaired in between. Such a batch wakes and reads by itself.
void ExpertCache::Impl::FailBatches(const Slot& slot, const Status& status) {
  for (ExpertBatch::State* batch : batches_) {
    if (!batch->failure.ok() || batch->began_at > slot.read_at) continue;
    for (const int id : batch->left) {
      if (ExpertIndex(batch->il, id) != slot.expert) continue;
      try {
        batch->failure = status;
      } catch (const std::bad_alloc&) {
        batch->failure = Status::OutOfMemory();
      }
    }
  }
}

// ---- The whole ----------------------------------------------------------------------------

std::vector<ExpertId> ExpertCache::Impl::Resident() const {
  std::lock_guard lock(mutex_);
  std::vector<ExpertId> experts;
  for (const int slot_index : policy_->BestFirst()) {
    const Slot& slot = SlotAt(slot_index);
    if (slot.state != SlotState::kResident) continue;
    experts.push_back({slot.expert / store_.n_expert(), slot.expert % store_.n_expert()});
  }
  return experts;
}

void ExpertCache::Impl::Preload(std::span<const ExpertId> experts) {
  if (!options_.read_ahead) return;
  std::lock_guard lock(mutex_);
  preload_.clear();
  for (const ExpertId& expert : experts) preload_.push_back(ExpertIndex(expert.il, expert.id));
  std::reverse(preload_.begin(), preload_.end());
  ContinuePreload();
}

// A few reads at a time: a demand that finds no free slot waits for one of them.
void ExpertCache::Impl::ContinuePreload() {
  while (!preload_.empty() && !free_slots_.empty() && !DemandLacksSlots() &&
         static_cast<int>(hints_in_flight_.size()) <
             std::min(kPreloadsInFlightMax, HintsInFlightMax(n_slot_))) {
    const int expert = preload_.back();
    preload_.pop_back();
    if (SlotOf(expert) >= 0) continue;
    const int slot = free_slots_.back();
    free_slots_.pop_back();
    try {
      StartRead(slot, expert, ReadPriority::kSpeculative);
    } catch (const std::bad_alloc&) {
      preload_.clear();
      return;
    }
    SlotAt(slot).preloaded = true;
  }
}

// The slots in use are always the first ones, so that memory grows and shrinks at one end and huge
// pages stay whole.
void ExpertCache::Impl::Resize(int n) {
  CHECK(n >= 1 && n <= options_.n_slot, "a cache has at least one slot, and at most all");
  std::unique_lock lock(mutex_);
  const int n_before = n_slot_;
  if (n < n_slot_) preload_.clear();
  while (n_slot_ > n) {
    if (VacateLastSlot()) {
      --n_slot_;
    } else {
      changed_.wait(lock);
    }
  }
  if (n_slot_ < n_before) {
    memory_.Release(static_cast<size_t>(n_slot_) * store_.slot_bytes(),
                    static_cast<size_t>(n_before) * store_.slot_bytes());
  }
  free_slots_.insert(free_slots_.begin(), static_cast<size_t>(n - n_slot_), 0);
  for (auto added = free_slots_.begin() + (n - n_slot_); n_slot_ < n; ++n_slot_) *--added = n_slot_;
  changed_.notify_all();
}

// Empties the last slot; its expert moves to the slot of a less valuable one. False while it is
// pinned or loading.
bool ExpertCache::Impl::VacateLastSlot() {
  const int last = n_slot_ - 1;
  if (SlotAt(last).state == SlotState::kFree) {
    std::erase(free_slots_, last);
    return true;
  }
  if (SlotAt(last).state == SlotState::kLoading || SlotAt(last).pins > 0) return false;
  int place = TakeSlot([this](const Slot& victim) { return !IsWanted(victim.expert); });
  // A batch of another session that still wants the victim will read it again.
  if (place < 0) place = TakeSlot([this](const Slot& victim) { return !IsAwaited(victim.expert); });
  if (place < 0) return false;
  if (place != last) {
    std::memcpy(SlotBytes(place), SlotBytes(last), store_.slot_bytes());
    SlotAt(place) = SlotAt(last);
    SlotOf(SlotAt(place).expert) = place;
    policy_->Move(last, place);
  }
  SlotAt(last) = Slot();
  return true;
}

// ---- The public face -----------------------------------------------------------------------

PinnedExpert::PinnedExpert(PinnedExpert&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)),
      slot_(std::exchange(other.slot_, -1)),
      id_(std::exchange(other.id_, -1)),
      data_(std::exchange(other.data_, nullptr)) {}

PinnedExpert& PinnedExpert::operator=(PinnedExpert&& other) noexcept {
  // The previous pin ends at once, not when `other` is destroyed: a caller that assigns wants the
  // slot freed.
  PinnedExpert old(std::move(*this));
  cache_ = std::exchange(other.cache_, nullptr);
  slot_ = std::exchange(other.slot_, -1);
  id_ = std::exchange(other.id_, -1);
  data_ = std::exchange(other.data_, nullptr);
  return *this;
}

PinnedExpert::~PinnedExpert() {
  if (cache_ != nullptr) cache_->impl_->Unpin(slot_);
}

ExpertBatch::ExpertBatch(std::unique_ptr<State> state) : state_(std::move(state)) {}

ExpertBatch::ExpertBatch(ExpertBatch&&) noexcept = default;

ExpertBatch::~ExpertBatch() {
  if (state_ != nullptr) state_->cache->impl_->Unregister(*state_);
}

Result<std::vector<PinnedExpert>> ExpertBatch::Next(int max) {
  CHECK(state_ != nullptr, "Next of a batch that was moved away");
  return state_->cache->impl_->Next(*state_, max);
}

Result<std::unique_ptr<ExpertCache>> ExpertCache::Create(const ExpertStore& store, Reader& reader,
                                                         ExpertCacheOptions options) {
  CHECK(options.n_slot >= 1, "a cache has at least one slot");
  const size_t n_slot = static_cast<size_t>(options.n_slot);
  if (store.slot_bytes() > std::numeric_limits<size_t>::max() / n_slot) {
    return Status::Memory("cannot address " + std::to_string(n_slot) + " expert slots of " +
                          std::to_string(store.slot_bytes()) + " bytes; lower the memory budget");
  }
  Result<AlignedBuffer> memory = AlignedBuffer::Allocate(n_slot * store.slot_bytes());
  if (!memory.ok()) return memory.status();
  return std::unique_ptr<ExpertCache>(
      new ExpertCache(std::make_unique<Impl>(store, reader, options, std::move(memory).value())));
}

ExpertCache::ExpertCache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ExpertCache::~ExpertCache() = default;

ExpertBatch ExpertCache::Fetch(const LayerVisit& visit) {
  auto batch = std::make_unique<ExpertBatch::State>();
  batch->cache = this;
  batch->il = visit.il;
  impl_->Register(*batch, visit);
  ExpertBatch registered(std::move(batch));
  impl_->ReadAhead(*registered.state_);
  return registered;
}

void ExpertCache::Hint(int il, std::span<const int> ids, int n_read) {
  impl_->Hint(il, ids, n_read);
}
std::vector<ExpertId> ExpertCache::Resident() const { return impl_->Resident(); }
void ExpertCache::Preload(std::span<const ExpertId> experts) { impl_->Preload(experts); }
void ExpertCache::Resize(int n) { impl_->Resize(n); }

bool ExpertCache::IsResident(int il, int id) const {
  const int expert = impl_->ExpertIndex(il, id);
  std::lock_guard lock(impl_->mutex_);
  const int slot = impl_->SlotOf(expert);
  return slot >= 0 && impl_->SlotAt(slot).state == Impl::SlotState::kResident;
}

int ExpertCache::n_slot() const {
  std::lock_guard lock(impl_->mutex_);
  return impl_->n_slot_;
}

ExpertCacheStats ExpertCache::stats() const {
  std::lock_guard lock(impl_->mutex_);
  return impl_->stats_;
}

}  // namespace hearth
