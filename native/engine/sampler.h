// From logits to a token.
#ifndef HEARTH_ENGINE_SAMPLER_H_
#define HEARTH_ENGINE_SAMPLER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hearth {

struct SamplerOptions {
  float temperature = 0;  // 0: greedy, the other options but `banned` do not matter
  int top_k = 0;          // keep the k likeliest; 0: all
  float top_p = 1;        // keep the likeliest until their probabilities sum to this
  float min_p = 0;        // keep those at least min_p times as likely as the likeliest
  uint64_t seed = 0;
};

// Filters are applied as the field does: top-k, top-p and min-p on the probabilities at temperature
// 1, then the draw at `temperature`. The same seed and logits give the same tokens on every
// machine. Thread-compatible.
class Sampler {
 public:
  // banned: ids that must never be chosen (tokens of type UNUSED), besides ids whose logit is NaN
  // or -infinity.
  Sampler(SamplerOptions options, std::vector<int32_t> banned);

  // logits [n_vocab]; allowed: the ids to choose from, rising, or all. Filters and the draw know
  // only what is allowed and not banned; -1 if nothing is.
  int32_t Sample(std::span<const float> logits,
                 std::optional<std::span<const int32_t>> allowed = std::nullopt);

  // Neither banned, nor is its logit NaN or -infinity.
  bool MayDraw(int32_t id, std::span<const float> logits) const;

 private:
  struct Candidate {
    int32_t id;
    float logit;
    double probability;
  };

  // Fills candidates_ where there is a draw among them; the likeliest, id -1 if there is none.
  Candidate FindCandidates(std::span<const float> logits,
                           std::optional<std::span<const int32_t>> allowed);
  double NextUniform();  // in [0, 1)

  SamplerOptions options_;
  std::vector<int32_t> banned_;  // sorted
  uint64_t state_;
  std::vector<Candidate> candidates_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_SAMPLER_H_
