// Drafts what comes next by copying: where the end of the timeline has occurred before, what
// followed it there is a good prediction of what follows now (prompt lookup decoding, Saxena 2023;
// an edit repeats most of what it edits). A draft is evaluated together with the token before it
// and kept as far as the model agrees, so that it costs time at worst and changes no text.
#ifndef HEARTH_ENGINE_PROMPT_LOOKUP_H_
#define HEARTH_ENGINE_PROMPT_LOOKUP_H_

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth {

// Of all sessions of an engine, from its start on. Thread-safe.
struct DraftCounts {
  std::atomic<uint64_t> drafted{0};   // tokens that were evaluated speculatively
  std::atomic<uint64_t> accepted{0};  // of those the ones that the model then chose
};

// The number of drafted tokens that gives the most tokens for its cost, 0 to chances.size().
// chances: [i] that the i-th is right where those before it are; token_cost: what a further token
// of a batch costs, as a share of a lone one.
int64_t WorthwhileDraft(std::span<const double> chances, double token_cost);

// Used by one thread at a time. Knows the timeline from the tokens it is shown: Begin, then Note
// for each that is generated.
class PromptLookup {
 public:
  static constexpr int64_t kMatchMin = 3;   // tokens that must have occurred before
  static constexpr int64_t kMatchMax = 16;  // a longer match is no better
  static constexpr int64_t kDraftMax = 7;   // tokens; with the one before them a batch of eight

  // token_cost: see WorthwhileDraft.
  explicit PromptLookup(double token_cost) : token_cost_(token_cost) {}

  // The timeline's tokens were set from outside: what was expected to follow is forgotten.
  void Begin();

  // `timeline` has just grown by one generated token.
  void Note(std::span<const int32_t> timeline);

  // What may follow `timeline`, as many as are worth their cost: 0 to kDraftMax. Valid until the
  // timeline changes.
  std::span<const int32_t> Draft(std::span<const int32_t> timeline) const;

 private:
  const double token_cost_;
  // Recent share of looked-up tokens that were right. Updated even without drafting: comparing
  // costs nothing.
  double hit_rate_ = kInitialHitRate;
  int64_t source_ = -1;  // where in the timeline the next token is expected; -1: unknown

  static constexpr double kInitialHitRate = 0.8;
  static constexpr double kForgetting = 0.15;  // the weight of the newest token
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_PROMPT_LOOKUP_H_
