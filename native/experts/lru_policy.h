// Evicts the least recently used slot, whatever its layer.
#ifndef HEARTH_EXPERTS_LRU_POLICY_H_
#define HEARTH_EXPERTS_LRU_POLICY_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "experts/eviction_policy.h"

namespace hearth {

class LruPolicy : public EvictionPolicy {
 public:
  explicit LruPolicy(int n_slot) : links_(static_cast<size_t>(n_slot) + 1), end_(n_slot) {
    links_.back() = {end_, end_};
  }

  void Visit(const LayerVisit&) override {}

  void Touch(int slot, int /*expert*/) override {
    Remove(slot);
    const int newest = At(end_).older;
    At(slot) = {newest, end_};
    At(newest).newer = slot;
    At(end_).older = slot;
  }

  void Remove(int slot) override {
    const Link link = At(slot);
    if (link.older == kUnlinked) return;
    At(link.older).newer = link.newer;
    At(link.newer).older = link.older;
    At(slot) = {};
  }

  void Move(int from, int to) override {
    const Link link = At(from);
    if (link.older == kUnlinked) return;
    Remove(to);
    At(to) = link;
    At(link.older).newer = to;
    At(link.newer).older = to;
    At(from) = {};
  }

  std::vector<int> BestFirst() const override {
    std::vector<int> slots;
    for (int slot = At(end_).older; slot != end_; slot = At(slot).older) slots.push_back(slot);
    return slots;
  }

  int Victim(const std::function<bool(int slot)>& may_evict) const override {
    for (int slot = At(end_).newer; slot != end_; slot = At(slot).newer) {
      if (may_evict(slot)) return slot;
    }
    return -1;
  }

 private:
  static constexpr int kUnlinked = -1;
  struct Link {
    int older = kUnlinked;
    int newer = kUnlinked;
  };
  Link& At(int slot) { return links_[static_cast<size_t>(slot)]; }
  const Link& At(int slot) const { return links_[static_cast<size_t>(slot)]; }

  // A circular list with a sentinel as its last element, whose newer neighbour is the oldest slot,
  // its older one the newest.
  std::vector<Link> links_;
  int end_;
};

}  // namespace hearth

#endif  // HEARTH_EXPERTS_LRU_POLICY_H_
