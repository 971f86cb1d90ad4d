// Gives up the expert that will probably not be used for longest.
#ifndef HEARTH_EXPERTS_REUSE_DISTANCE_POLICY_H_
#define HEARTH_EXPERTS_REUSE_DISTANCE_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "experts/eviction_policy.h"

namespace hearth {

// Layers come in a fixed order, so when an expert is needed next depends on two things: how long it
// is until its layer comes, and how many passes go by until it is chosen there. The second is
// estimated from how often it was chosen, or nearly, recently and in the long run. A prompt's chunk
// of many tokens chooses nearly all experts; then the first dominates, and the layers just
// evaluated are evicted, as Belady's optimal policy does for a cyclic scan (docs/adr/0010).
class ReuseDistancePolicy : public EvictionPolicy {
 public:
  ReuseDistancePolicy(int n_slot, int n_layer, int n_expert, int n_expert_used);

  void Visit(const LayerVisit& visit) override;
  void Touch(int slot, int expert) override;
  void Remove(int slot) override;
  void Move(int from, int to) override;
  int Victim(const std::function<bool(int slot)>& may_evict) const override;
  std::vector<int> BestFirst() const override;

 private:
  // How often an expert is chosen, in choices per token: exponential moving averages.
  struct Rate {
    float of_late;
    float long_run;
  };
  static void AddUse(Rate* rate, float of_late, float long_run) {
    rate->of_late += of_late;
    rate->long_run += long_run;
  }

  // The probability that a token chooses the expert.
  float UseProbability(const Rate& rate) const;
  void LearnWeights(const LayerVisit& visit);
  // Passes until the expert is needed, the fraction of one included.
  float ReuseDistance(int expert) const;
  size_t At(int slot) const { return static_cast<size_t>(slot); }

  const int n_layer_;
  const int n_expert_;
  std::vector<Rate> rates_;        // [n_layer * n_expert]
  std::vector<int> expert_of_;     // [n_slot], -1: none
  std::vector<uint64_t> used_at_;  // [n_slot]
  uint64_t clock_ = 0;
  // Weight of `of_late`; `long_run` gets the rest. Which of the two predicts better depends on the
  // model, so it is learned.
  float weight_of_late_ = 0.5f;
  LayerVisit now_;  // without its spans
};

}  // namespace hearth

#endif  // HEARTH_EXPERTS_REUSE_DISTANCE_POLICY_H_
