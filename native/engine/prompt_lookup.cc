#include "engine/prompt_lookup.h"

#include <algorithm>
#include <array>

namespace hearth {
namespace {

// The position behind the longest earlier occurrence of the timeline's end, the latest one among
// equals; -1 if there is none of kMatchMin tokens.
int64_t Find(std::span<const int32_t> timeline) {
  const auto n = static_cast<int64_t>(timeline.size());
  int64_t best = -1;
  int64_t best_length = PromptLookup::kMatchMin - 1;
  for (int64_t end = n - 1; end > best_length; --end) {
    int64_t length = 0;
    const int64_t longest = std::min(end, PromptLookup::kMatchMax);
    while (length < longest && timeline[static_cast<size_t>(end - 1 - length)] ==
                                   timeline[static_cast<size_t>(n - 1 - length)]) {
      ++length;
    }
    if (length <= best_length) continue;
    best = end;
    best_length = length;
    if (length == PromptLookup::kMatchMax) break;
  }
  return best;
}

}  // namespace

// Of n drafted tokens the first k come true with the product of their chances, and one more token
// always comes for nothing.
int64_t WorthwhileDraft(std::span<const double> chances, double token_cost) {
  int64_t best = 0;
  double best_gain = 1;
  double tokens = 1;
  double chance = 1;
  for (size_t n = 1; n <= chances.size(); ++n) {
    chance *= chances[n - 1];
    tokens += chance;
    const double gain = tokens / (1 + token_cost * static_cast<double>(n));
    if (gain <= best_gain) continue;
    best = static_cast<int64_t>(n);
    best_gain = gain;
  }
  return best;
}

void PromptLookup::Begin() {
  source_ = -1;
  hit_rate_ = kInitialHitRate;
}

void PromptLookup::Note(std::span<const int32_t> timeline) {
  const auto n = static_cast<int64_t>(timeline.size());
  if (source_ >= 0) {
    const bool hit = timeline[static_cast<size_t>(source_)] == timeline.back();
    hit_rate_ += kForgetting * ((hit ? 1.0 : 0.0) - hit_rate_);
    source_ = hit ? source_ + 1 : -1;
  }
  if (source_ < 0) source_ = Find(timeline);
  // Behind its own end the timeline says nothing.
  if (source_ >= n) source_ = -1;
}

std::span<const int32_t> PromptLookup::Draft(std::span<const int32_t> timeline) const {
  if (source_ < 0) return {};
  const auto known = timeline.subspan(static_cast<size_t>(source_));
  std::array<double, kDraftMax> chances;
  chances.fill(hit_rate_);
  const auto n = static_cast<size_t>(WorthwhileDraft(chances, token_cost_));
  return known.first(std::min(known.size(), n));
}

}  // namespace hearth
