// Which slot to give up first: the one whose last use is longest ago, whatever its layer.
#ifndef HEARTH_EXPERTS_LRU_POLICY_H_
#define HEARTH_EXPERTS_LRU_POLICY_H_

#include <cstddef>
#include <vector>

namespace hearth {

// Knows an order, nothing of pins, reads or experts: the cache says what may be evicted. Not
// thread-safe.
class LruPolicy {
 public:
  explicit LruPolicy(int n_slot) : links_(static_cast<size_t>(n_slot) + 1), end_(n_slot) {
    links_.back() = {end_, end_};
  }

  // `slot` was used now, perhaps for the first time.
  void Touch(int slot) {
    Remove(slot);
    const int newest = At(end_).older;
    At(slot) = {newest, end_};
    At(newest).newer = slot;
    At(end_).older = slot;
  }

  // `slot` holds nothing now. No effect where that is known.
  void Remove(int slot) {
    const Link link = At(slot);
    if (link.older == kUnlinked) return;
    At(link.older).newer = link.newer;
    At(link.newer).older = link.older;
    At(slot) = {};
  }

  // The slot to give up first among those for which may_evict(slot) holds; -1 if there is none.
  template <typename MayEvict>
  int Victim(const MayEvict& may_evict) const {
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

  // A ring through a last element that is no slot: its newer neighbour is the oldest slot, its
  // older one the newest.
  std::vector<Link> links_;
  int end_;
};

}  // namespace hearth

#endif  // HEARTH_EXPERTS_LRU_POLICY_H_
