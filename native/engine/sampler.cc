#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearth {

Sampler::Sampler(SamplerOptions options, std::vector<int32_t> banned)
    : options_(options), banned_(std::move(banned)), state_(options.seed) {
  std::sort(banned_.begin(), banned_.end());
}

// splitmix64 (Steele, Lea, Flood 2014): the same numbers everywhere, unlike std:: distributions.
double Sampler::NextUniform() {
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

int32_t Sampler::Sample(std::span<const float> logits) {
  candidates_.clear();
  auto next_banned = banned_.begin();
  Candidate best{-1, 0, 0};
  for (int32_t id = 0; id < static_cast<int32_t>(logits.size()); ++id) {
    while (next_banned != banned_.end() && *next_banned < id) ++next_banned;
    if (next_banned != banned_.end() && *next_banned == id) continue;
    const float logit = logits[static_cast<size_t>(id)];
    if (std::isnan(logit)) continue;
    if (best.id < 0 || logit > best.logit) best = Candidate{id, logit, 0};
    if (options_.temperature > 0) candidates_.push_back(Candidate{id, logit, 0});
  }
  if (options_.temperature <= 0 || candidates_.empty()) return best.id;

  // Lower id first among equals, so that the order, and with it the draw, is fixed.
  const auto likelier = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  if (options_.top_k > 0 && static_cast<size_t>(options_.top_k) < candidates_.size()) {
    std::nth_element(candidates_.begin(), candidates_.begin() + options_.top_k, candidates_.end(),
                     likelier);
    candidates_.resize(static_cast<size_t>(options_.top_k));
  }
  std::sort(candidates_.begin(), candidates_.end(), likelier);

  double sum = 0;
  for (Candidate& c : candidates_) {
    c.probability = std::exp(static_cast<double>(c.logit) - static_cast<double>(best.logit));
    sum += c.probability;
  }
  size_t kept = 0;
  double cumulative = 0;
  for (; kept < candidates_.size(); ++kept) {
    if (kept > 0 && cumulative >= static_cast<double>(options_.top_p) * sum) break;
    if (candidates_[kept].probability < static_cast<double>(options_.min_p)) break;
    cumulative += candidates_[kept].probability;
  }
  candidates_.resize(std::max<size_t>(kept, 1));

  const double inverse = 1.0 / static_cast<double>(options_.temperature);
  sum = 0;
  for (Candidate& c : candidates_) {
    c.probability =
        std::exp((static_cast<double>(c.logit) - static_cast<double>(best.logit)) * inverse);
    sum += c.probability;
  }
  double draw = NextUniform() * sum;
  for (const Candidate& c : candidates_) {
    draw -= c.probability;
    if (draw < 0) return c.id;
  }
  return candidates_.back().id;
}

}  // namespace hearth
