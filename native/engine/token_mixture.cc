#include "engine/token_mixture.h"

#include <algorithm>

namespace hearth {

void TokenMixture::Begin(std::span<const float> logits) {
  logits_ = logits;
  log_sum_ = log_sum_exp_(logits);
  scale_ = 1;
  added_.clear();
}

// The kernels' own, which is exact to a float's precision, at both signs.
double TokenMixture::Exp(double x) {
  std::array<float, 2> terms = {0, static_cast<float>(x)};
  kernels_.softmax(terms.data(), 2);
  // The larger term is 1, the other one e^-|x|.
  return x <= 0 ? static_cast<double>(terms[1]) : 1 / static_cast<double>(terms[0]);
}

double TokenMixture::OfModel(int32_t id) {
  return Exp(std::min(0.0, static_cast<double>(logits_[static_cast<size_t>(id)]) - log_sum_));
}

void TokenMixture::Mix(const CodeIndex& index, const MixtureWeights& weights,
                       std::span<const int32_t> context) {
  int32_t longest = 0;
  for (const CodeSource source : {CodeSource::kFile, CodeSource::kWorkspace}) {
    auto& places = places_[static_cast<size_t>(source)];
    index.Lookup(source, context, &places);
    for (const CodeIndex::Place& place : places) longest = std::max(longest, place.n_context);
  }
  if (longest == 0) return;
  const int64_t likeliest = kernels_.argmax(logits_.data(), static_cast<int64_t>(logits_.size()));
  const double largest = OfModel(static_cast<int32_t>(likeliest));
  std::array<double, kCodeSources> factors = {};
  for (size_t s = 0; s < kCodeSources; ++s) {
    factors[s] = Exp(weights[s].confidence * (largest - 0.5));
  }
  for (size_t i = 0; i < kContextLengths.size() && kContextLengths[i] <= longest; ++i) {
    for (const CodeSource source : {CodeSource::kWorkspace, CodeSource::kFile}) {
      const auto s = static_cast<size_t>(source);
      AddCounts(source, weights[s], factors[s], i);
    }
  }
}

void TokenMixture::AddCounts(CodeSource source, const SourceWeights& weights,
                             double strength_factor, size_t i_length) {
  counts_.clear();
  int32_t total = 0;
  for (const CodeIndex::Place& place : places_[static_cast<size_t>(source)]) {
    if (place.n_context < kContextLengths[i_length]) continue;
    ++total;
    const auto found = std::ranges::find(counts_, place.id, &Count::id);
    if (found == counts_.end()) {
      counts_.push_back({place.id, 1});
    } else {
      ++found->n;
    }
  }
  if (total == 0) return;
  const double strength = weights.strength[i_length] * strength_factor;
  const double whole = static_cast<double>(total) + strength;
  const double kept = (strength + weights.discount * static_cast<double>(counts_.size())) / whole;
  scale_ *= kept;
  for (Added& each : added_) {
    for (double& probability : each.probability) probability *= kept;
  }
  for (const Count& count : counts_) {
    const auto at = std::ranges::lower_bound(added_, count.id, {}, &Added::id);
    Added& each =
        at != added_.end() && at->id == count.id ? *at : *added_.insert(at, {count.id, {}});
    each.probability[static_cast<size_t>(source)] +=
        std::max(static_cast<double>(count.n) - weights.discount, 0.0) / whole;
  }
}

const TokenMixture::Added* TokenMixture::Find(int32_t id) const {
  const auto at = std::ranges::lower_bound(added_, id, {}, &Added::id);
  return at != added_.end() && at->id == id ? &*at : nullptr;
}

// No probability is above 1, however its sum was rounded.
double TokenMixture::LogProbability(int32_t id) {
  const double of_model = static_cast<double>(logits_[static_cast<size_t>(id)]) - log_sum_;
  if (is_pure()) return std::min(0.0, of_model);
  const Added* added = Find(id);
  // Beside what is added the model's part need not be exact where it is below e^-87.
  const bool has_more = added != nullptr && added->sum() > 0;
  const double log = has_more ? Log(scale_ * OfModel(id) + added->sum()) : Log(scale_) + of_model;
  return std::min(0.0, log);
}

double TokenMixture::LogProbability(std::span<const int32_t> ids) {
  const double of_model = log_sum_exp_(logits_, ids) - log_sum_;
  double more = 0;
  for (const Added& each : added_) {
    if (std::ranges::binary_search(ids, each.id)) more += each.sum();
  }
  if (is_pure()) return std::min(0.0, of_model);
  const double log =
      more == 0 ? Log(scale_) + of_model : Log(scale_ * Exp(std::min(0.0, of_model)) + more);
  return std::min(0.0, log);
}

double TokenMixture::LogProbabilityAmong(int32_t id, std::span<const int32_t> ids) {
  if (is_pure()) {
    const auto logit = static_cast<double>(logits_[static_cast<size_t>(id)]);
    return std::min(0.0, logit - log_sum_exp_(logits_, ids));
  }
  return std::min(0.0, LogProbability(id) - LogProbability(ids));
}

TokenOrigin TokenMixture::Origin(int32_t id) {
  const Added* added = Find(id);
  if (added == nullptr) return TokenOrigin::kModel;
  const auto& [file, workspace] = added->probability;
  if (scale_ * OfModel(id) >= std::max(file, workspace)) return TokenOrigin::kModel;
  return file >= workspace ? TokenOrigin::kFile : TokenOrigin::kWorkspace;
}

}  // namespace hearth
