// Which slot to give up first. A policy knows an order, nothing of pins or reads: the cache says
// what may be evicted.
#ifndef HEARTH_EXPERTS_EVICTION_POLICY_H_
#define HEARTH_EXPERTS_EVICTION_POLICY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace hearth {

enum class Eviction {
  kReuseDistance,  // the longest predicted time to the next use
  kLru,            // least recently used, whatever the layer
};

// What one layer asks for.
struct LayerVisit {
  int il = 0;
  std::span<const int> ids = {};  // distinct experts
  // The choices of each token of the chunk, in order, equally many each; empty: all of `ids`.
  std::span<const int32_t> choices = {};
  int n_token = 1;       // of the chunk
  int n_token_next = 1;  // of the chunk that comes after it, as far as that is known
  // Distinct experts that were nearly chosen, if known: likely choices of the next token.
  std::span<const int32_t> next_ranked = {};
};

// Not thread-safe.
class EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;

  // Reports what a layer needs; called before anything is evicted for it.
  virtual void Visit(const LayerVisit& visit) = 0;

  // The slot holds `expert` (layer * n_expert + id), which was used now, perhaps for the first
  // time.
  virtual void Touch(int slot, int expert) = 0;

  // The slot is empty now. No effect if it already was.
  virtual void Remove(int slot) = 0;

  // The contents of `from` have moved to `to`, which was empty.
  virtual void Move(int from, int to) = 0;

  // The slot to evict first among those for which may_evict(slot) holds; -1 if there is none.
  virtual int Victim(const std::function<bool(int slot)>& may_evict) const = 0;

  // All occupied slots, the first to evict last.
  virtual std::vector<int> BestFirst() const = 0;
};

std::unique_ptr<EvictionPolicy> MakeEvictionPolicy(Eviction eviction, int n_slot, int n_layer,
                                                   int n_expert, int n_expert_used);

}  // namespace hearth

#endif  // HEARTH_EXPERTS_EVICTION_POLICY_H_
