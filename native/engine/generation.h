// Generates tokens after a prompt: chooses each one, reports its probability, and evaluates it when
// the next one is requested.
#ifndef HEARTH_ENGINE_GENERATION_H_
#define HEARTH_ENGINE_GENERATION_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/code_index.h"
#include "engine/prompt_lookup.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "engine/token_mixture.h"

namespace hearth {

// Bytes that the generated text must begin with, e.g. those of a token that was taken back from the
// end of the prompt (docs/adr/0006). The caller knows which tokens have them.
struct ForcedPrefix {
  // The tokens that continue the prefix, perhaps beyond its end.
  struct Step {
    std::vector<int32_t> ids;     // rising
    std::vector<int32_t> n_byte;  // [ids] bytes of the prefix that each one consumes, at least 1
  };
  // Indexed by the bytes of the prefix generated so far: the step that follows; unreachable steps
  // may be empty.
  std::vector<Step> steps;
};

// Code that was seen elsewhere, of which the likeliest token is drawn together with the model.
struct CodeMemory {
  std::shared_ptr<const CodeIndex> index;
  MixtureWeights weights;
  // Ids, rising, of tokens with a line feed.
  std::vector<int32_t> line_feeds;
};

struct GenerationOptions {
  SamplerOptions sampler = {};
  std::vector<int32_t> banned = {};  // ids that are never chosen (tokens of type UNUSED)
  ForcedPrefix forced = {};
  // Report log-probabilities, for which the whole head is computed at every token.
  bool log_probabilities = false;
  // Sets of ids, ascending, whose probability is reported at every token, too.
  std::vector<std::vector<int32_t>> watched = {};
  // Mixed with the model's distribution (engine/token_mixture.h), for which the whole head is
  // computed at every token, too; nullptr: not. Only at temperature 0.
  std::shared_ptr<const CodeMemory> memory = nullptr;
  // The tokens before the first one in its own text, of which the last CodeIndex::kContextMax
  // matter. What is generated extends them.
  std::vector<int32_t> context = {};
};

// Logarithms are natural. Probabilities are those of the unmodified distribution: temperature 1,
// nothing filtered or banned, over the whole vocabulary; with a memory those of the mixture.
struct GeneratedToken {
  int32_t id = -1;
  int64_t n_forced_left = 0;  // bytes of the forced prefix that are still to be generated
  // With log_probabilities, else unset.
  std::optional<double> log_probability;
  // The same among the ids that the forced prefix allows here; unset where it is complete.
  std::optional<double> allowed_log_probability;
  std::vector<double> watched_log_probability;  // [watched] that this token is in the set
  TokenOrigin origin = TokenOrigin::kModel;
};

// Used by one thread at a time. The session must outlive it, and nothing else may change its
// timeline meanwhile.
class Generation {
 public:
  // What is copied from a memory ends after so many lines: a long copy is rarely what is wanted,
  // and each token of it makes the next one surer.
  static constexpr int64_t kCopiedLinesMax = 3;
  // From its second line on a copied token has at least this probability in the model alone.
  static constexpr double kCopiedProbabilityMin = 1e-4;

  // kBadRequest: ids that are not of the vocabulary, not rising, steps beyond the prefix, or a
  // memory at a temperature above 0.
  static Result<std::unique_ptr<Generation>> Create(Session& session, GenerationOptions options);

  // BeginNext, then Step until it returns true (the token is available) or fails; sessions of one
  // transformer may take turns between two steps. The token enters the timeline with the next
  // BeginNext: its text can be shown while it is evaluated, and it is never evaluated if no further
  // token is requested. After kCancelled, BeginNext resumes. kBadRequest: no prompt has been
  // evaluated, or the context is full. kNumeric: no token is allowed.
  Status BeginNext(const std::atomic<bool>* cancelled);
  Result<bool> Step();
  const GeneratedToken& token() const { return token_; }

 private:
  Generation(Session& session, GenerationOptions options)
      : session_(session),
        options_(std::move(options)),
        sampler_(options_.sampler, options_.banned),
        mixture_(session.kernels()) {}

  using Allowed = std::optional<std::span<const int32_t>>;

  const ForcedPrefix::Step* NextForcedStep() const;
  bool NeedsExactLogits() const { return options_.log_probabilities || options_.memory != nullptr; }
  Status Choose();
  int32_t Remember(int32_t of_model, std::span<const float> logits, Allowed allowed);
  void NoteCopying();
  ExpectedTokens Expect();
  void Judge(const ForcedPrefix::Step* forced);

  Session& session_;
  const GenerationOptions options_;
  Sampler sampler_;
  TokenMixture mixture_;
  GeneratedToken token_;
  bool unevaluated_ = false;      // token_ is not yet in the timeline
  bool appending_ = false;        // the session is evaluating it
  bool token_forced_ = false;     // token_ was a choice of the forced prefix
  int64_t n_forced_done_ = 0;     // bytes of the forced prefix that have been generated
  std::vector<int32_t> context_;  // see GenerationOptions; only with a memory
  int64_t n_copied_line_ = 0;  // line feeds among the tokens that the memory gave one after another
  std::vector<int32_t> expected_;  // what the memory has behind the context
  std::array<double, PromptLookup::kDraftMax> chances_ = {};
  std::vector<float> exact_;  // logits of the whole head where the session's are approximate
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_GENERATION_H_
