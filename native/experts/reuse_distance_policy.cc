#include "experts/reuse_distance_policy.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/check.h"
#include "experts/lru_policy.h"

namespace hearth {
namespace {

// Half-lives of the two averages in tokens, chosen on routing traces with bench/experts.
constexpr float kHalfLifeOfLate = 8;
constexpr float kHalfLifeLongRun = 128;
// What an expert that was nearly chosen counts, in uses.
constexpr float kNextRanked = 0.25f;
// Learning rate and lower bound of the weights of the two averages.
constexpr float kLearningRate = 0.2f;
constexpr float kWeightMin = 0.05f;
// Keeps the reuse distance of an expert that was never chosen finite.
constexpr float kProbabilityMin = 1e-6f;

}  // namespace

ReuseDistancePolicy::ReuseDistancePolicy(int n_slot, int n_layer, int n_expert, int n_expert_used)
    : n_layer_(n_layer),
      n_expert_(n_expert),
      expert_of_(static_cast<size_t>(n_slot), -1),
      used_at_(static_cast<size_t>(n_slot), 0) {
  const float even = static_cast<float>(n_expert_used) / static_cast<float>(n_expert);
  rates_.assign(static_cast<size_t>(n_layer) * static_cast<size_t>(n_expert), {even, even});
}

void ReuseDistancePolicy::Visit(const LayerVisit& visit) {
  now_ = visit;
  now_.ids = {};
  now_.choices = {};
  now_.next_ranked = {};
  if (visit.n_token == 1) LearnWeights(visit);
  const auto n_token = static_cast<float>(visit.n_token);
  const float keep_of_late = std::exp2(-n_token / kHalfLifeOfLate);
  const float keep_long_run = std::exp2(-n_token / kHalfLifeLongRun);
  Rate* rates = &rates_[static_cast<size_t>(visit.il) * static_cast<size_t>(n_expert_)];
  for (int id = 0; id < n_expert_; ++id) {
    rates[id].of_late *= keep_of_late;
    rates[id].long_run *= keep_long_run;
  }
  for (const int32_t id : visit.next_ranked)
    AddUse(&rates[id], kNextRanked * (1 - keep_of_late), kNextRanked * (1 - keep_long_run));
  if (visit.choices.empty()) {
    for (const int id : visit.ids) AddUse(&rates[id], 1 - keep_of_late, 1 - keep_long_run);
    return;
  }
  // As if the tokens had come one by one: the last one counts most.
  const size_t n_used = visit.choices.size() / static_cast<size_t>(visit.n_token);
  float of_late = 1 - std::exp2(-1 / kHalfLifeOfLate);
  float long_run = 1 - std::exp2(-1 / kHalfLifeLongRun);
  for (size_t i = visit.choices.size(); i > 0; --i) {
    AddUse(&rates[visit.choices[i - 1]], of_late, long_run);
    if ((i - 1) % n_used != 0) continue;
    of_late *= std::exp2(-1 / kHalfLifeOfLate);
    long_run *= std::exp2(-1 / kHalfLifeLongRun);
  }
}

float ReuseDistancePolicy::UseProbability(const Rate& rate) const {
  return rate.long_run + weight_of_late_ * (rate.of_late - rate.long_run);
}

// A gradient descent step on the squared error of the predictions for this layer.
void ReuseDistancePolicy::LearnWeights(const LayerVisit& visit) {
  const Rate* rates = &rates_[static_cast<size_t>(visit.il) * static_cast<size_t>(n_expert_)];
  float gradient = 0;
  for (int id = 0; id < n_expert_; ++id)
    gradient += UseProbability(rates[id]) * (rates[id].of_late - rates[id].long_run);
  for (const int id : visit.ids) gradient -= rates[id].of_late - rates[id].long_run;
  weight_of_late_ -= kLearningRate * gradient / static_cast<float>(n_expert_);
  weight_of_late_ = std::clamp(weight_of_late_, kWeightMin, 1 - kWeightMin);
}

float ReuseDistancePolicy::ReuseDistance(int expert) const {
  const int il = expert / n_expert_;
  const float p =
      std::clamp(UseProbability(rates_[static_cast<size_t>(expert)]), kProbabilityMin, 1.0f);
  // Layers after the current one see this chunk next, the others the next chunk.
  const int n_token = il > now_.il ? now_.n_token : now_.n_token_next;
  const float chosen = n_token == 1 ? p : 1 - std::pow(1 - p, static_cast<float>(n_token));
  const int n_layer_until = (il - now_.il - 1 + n_layer_) % n_layer_ + 1;
  return 1 / chosen - 1 + static_cast<float>(n_layer_until) / static_cast<float>(n_layer_);
}

void ReuseDistancePolicy::Touch(int slot, int expert) {
  expert_of_[At(slot)] = expert;
  used_at_[At(slot)] = ++clock_;
}

void ReuseDistancePolicy::Remove(int slot) { expert_of_[At(slot)] = -1; }

void ReuseDistancePolicy::Move(int from, int to) {
  expert_of_[At(to)] = expert_of_[At(from)];
  used_at_[At(to)] = used_at_[At(from)];
  expert_of_[At(from)] = -1;
}

int ReuseDistancePolicy::Victim(const std::function<bool(int slot)>& may_evict) const {
  int victim = -1;
  float longest = 0;
  for (int slot = 0; slot < static_cast<int>(expert_of_.size()); ++slot) {
    if (expert_of_[At(slot)] < 0) continue;
    const float distance = ReuseDistance(expert_of_[At(slot)]);
    const bool worse = victim < 0 || distance > longest ||
                       (distance == longest && used_at_[At(slot)] < used_at_[At(victim)]);
    if (!worse || !may_evict(slot)) continue;
    victim = slot;
    longest = distance;
  }
  return victim;
}

std::vector<int> ReuseDistancePolicy::BestFirst() const {
  std::vector<std::tuple<float, uint64_t, int>> order;
  for (int slot = 0; slot < static_cast<int>(expert_of_.size()); ++slot) {
    if (expert_of_[At(slot)] < 0) continue;
    order.emplace_back(ReuseDistance(expert_of_[At(slot)]), UINT64_MAX - used_at_[At(slot)], slot);
  }
  std::sort(order.begin(), order.end());
  std::vector<int> slots;
  for (const auto& [distance, age, slot] : order) slots.push_back(slot);
  return slots;
}

std::unique_ptr<EvictionPolicy> MakeEvictionPolicy(Eviction eviction, int n_slot, int n_layer,
                                                   int n_expert, int n_expert_used) {
  if (eviction == Eviction::kLru) return std::make_unique<LruPolicy>(n_slot);
  return std::make_unique<ReuseDistancePolicy>(n_slot, n_layer, n_expert, n_expert_used);
}

}  // namespace hearth
