// Mixes the model's distribution of the next token with what followed the same context in the code
// at hand: interpolated absolute discounting (Chen and Goodman 1999, 2.7 and 2.8) with the model in
// place of the unigrams.
#ifndef HEARTH_ENGINE_TOKEN_MIXTURE_H_
#define HEARTH_ENGINE_TOKEN_MIXTURE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/code_index.h"
#include "engine/log_probability.h"
#include "kernels/kernels.h"

namespace hearth {

// Contexts of so many tokens are counted, the shortest first.
inline constexpr std::array<int32_t, 11> kContextLengths = {2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32};

// How much a source is believed; they differ from model to model and are fitted by a script
// (bench/memory/fit.ts).
struct SourceWeights {
  // [context length] Tokens that the distribution so far is worth beside those counted.
  std::array<double, kContextLengths.size()> strength = {};
  double discount = 0.5;  // taken from the count of each token, 0 to 1
  double confidence = 0;  // strength is times e^(confidence * (p - 1/2)), p the model's largest
};
using MixtureWeights = std::array<SourceWeights, kCodeSources>;

// What has given most of a token's probability.
enum class TokenOrigin { kModel, kFile, kWorkspace };

// The distribution of one token: p = scale * softmax(logits), and more for a few tokens. With each
// context that has been seen before, c[w] times followed by w, in `total` places, by `distinct`
// different tokens,
//   p[w] = (max(c[w] - discount, 0) + (strength + discount * distinct) * p[w]) / (total + strength)
// which sums to 1 if p did. Same bits in every table of kernels. Used by one thread at a time.
class TokenMixture {
 public:
  explicit TokenMixture(const Kernels& kernels) : kernels_(kernels), log_sum_exp_(kernels) {}

  // The model's own. `logits` must outlive all uses of the distribution.
  void Begin(std::span<const float> logits);
  // Mixes in what `index` has seen after `context`, by rising length, the workspace before the file
  // for each. Once after Begin.
  void Mix(const CodeIndex& index, const MixtureWeights& weights, std::span<const int32_t> context);

  // Nothing has been mixed in: the distribution is the model's.
  bool is_pure() const { return added_.empty(); }
  // Natural logarithms of the probability of a token, and of one of `ids`, rising.
  double LogProbability(int32_t id);
  double LogProbability(std::span<const int32_t> ids);
  // The same of one of `ids` if only they were possible.
  double LogProbabilityAmong(int32_t id, std::span<const int32_t> ids);
  double OfModel(int32_t id);  // the model's own probability, no logarithm
  TokenOrigin Origin(int32_t id);

  // A token with more probability than the model alone gives it.
  struct Added {
    int32_t id;
    std::array<double, kCodeSources> probability;  // from each source
    double sum() const { return probability[0] + probability[1]; }
  };
  std::span<const Added> added() const { return added_; }  // by id
  double scale() const { return scale_; }

 private:
  void AddCounts(CodeSource source, const SourceWeights& weights, double strength_factor,
                 size_t i_length);
  const Added* Find(int32_t id) const;
  double Exp(double x);

  const Kernels& kernels_;
  LogSumExp log_sum_exp_;
  std::span<const float> logits_;
  double log_sum_ = 0;
  double scale_ = 1;
  std::vector<Added> added_;
  std::array<std::vector<CodeIndex::Place>, kCodeSources> places_;
  struct Count {
    int32_t id;
    int32_t n;
  };
  std::vector<Count> counts_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_TOKEN_MIXTURE_H_
