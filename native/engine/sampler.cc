#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hearth {
namespace {

// So far below the best logit, at temperature 1, a token has less than a billionth of its chance,
// and 150,000 of them together less than 0.02 percent. They are never drawn.
constexpr double kNegligible = 20.7;

}  // namespace

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

Sampler::Candidate Sampler::FindCandidates(std::span<const float> logits,
                                           std::optional<std::span<const int32_t>> allowed) {
  candidates_.clear();
  auto next_banned = banned_.begin();
  Candidate best{-1, 0, 0};
  const auto consider = [&](int32_t id) {
    while (next_banned != banned_.end() && *next_banned < id) ++next_banned;
    if (next_banned != banned_.end() && *next_banned == id) return;
    const float logit = logits[static_cast<size_t>(id)];
    if (!(logit > -std::numeric_limits<float>::infinity())) return;
    if (best.id < 0 || logit > best.logit) best = Candidate{id, logit, 0};
    if (options_.temperature > 0) candidates_.push_back(Candidate{id, logit, 0});
  };
  if (allowed) {
    for (const int32_t id : *allowed) consider(id);
  } else {
    for (int32_t id = 0; id < static_cast<int32_t>(logits.size()); ++id) consider(id);
  }
  return best;
}

bool Sampler::MayDraw(int32_t id, std::span<const float> logits) const {
  return logits[static_cast<size_t>(id)] > -std::numeric_limits<float>::infinity() &&
         !std::binary_search(banned_.begin(), banned_.end(), id);
}

int32_t Sampler::Sample(std::span<const float> logits,
                        std::optional<std::span<const int32_t>> allowed) {
  const Candidate best = FindCandidates(logits, allowed);
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
  const double cutoff =
      static_cast<double>(best.logit) - kNegligible * std::max(1.0f, options_.temperature);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.logit < cutoff; });

  double sum = 0;
  for (Candidate& c : candidates_) {
    c.probability = std::exp(static_cast<double>(c.logit) - static_cast<double>(best.logit));
    sum += c.probability;
  }
  // Sorted only as far as is looked at: often a few of a hundred thousand.
  const bool in_order = options_.top_p < 1 || options_.min_p > 0 || options_.top_k > 0;
  size_t kept = in_order ? 0 : candidates_.size();
  size_t n_sorted = 0;
  double cumulative = 0;
  for (; kept < candidates_.size(); ++kept) {
    if (kept == n_sorted) {
      const auto at = [&](size_t i) { return candidates_.begin() + static_cast<ptrdiff_t>(i); };
      const size_t end = std::min(candidates_.size(), std::max<size_t>(64, 4 * n_sorted));
      std::partial_sort(at(n_sorted), at(end), candidates_.end(), likelier);
      n_sorted = end;
    }
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
