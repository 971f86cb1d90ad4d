#include "transformer/router.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace hearth {
namespace {

// NaN ranks below minus infinity.
bool RanksBefore(float a, float b) {
  if (std::isnan(a)) return false;
  return std::isnan(b) || a > b;
}

// In double: a float would underflow to 0 from -88 on, and 0 / 0 follow.
double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

}  // namespace

void RouteToken(const float* logits, int n_expert, int n_used, Gating gating, int32_t* ids,
                float* gates) {
  CHECK(n_used >= 1 && n_used <= n_expert, "checked with the model");
  // Insertion into a short sorted list; a later equal logit goes behind, so the lower id wins.
  int n_kept = 0;
  for (int e = 0; e < n_expert; ++e) {
    int rank = n_kept;
    while (rank > 0 && RanksBefore(logits[e], logits[ids[rank - 1]])) --rank;
    if (rank == n_used) continue;
    n_kept = std::min(n_kept + 1, n_used);
    for (int i = n_kept - 1; i > rank; --i) ids[i] = ids[i - 1];
    ids[rank] = e;
  }
  const auto weight = [&](int rank) {
    const double logit = static_cast<double>(logits[ids[rank]]);
    return gating == Gating::kSigmoid ? Sigmoid(logit)
                                      : std::exp(logit - static_cast<double>(logits[ids[0]]));
  };
  double sum = 0;
  for (int r = 0; r < n_used; ++r) sum += weight(r);
  for (int r = 0; r < n_used; ++r) gates[r] = static_cast<float>(weight(r) / sum);
}

}  // namespace hearth
