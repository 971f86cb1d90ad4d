// A token timeline with its keys and values. Callers always pass the whole prompt; the prefix that
// it shares with the timeline is not evaluated again.
#ifndef HEARTH_ENGINE_SESSION_H_
#define HEARTH_ENGINE_SESSION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/memory_arbiter.h"
#include "engine/parked_prompts.h"
#include "engine/prompt_lookup.h"
#include "transformer/forward.h"
#include "transformer/kv_cache.h"

namespace hearth {

// Which head computes the logits.
enum class Head {
  kWhole,
  kApproximate,  // if enabled, else the whole one; for sampling, not for probabilities
};

struct SyncOptions {
  int64_t n_chunk = 0;  // tokens a chunk; 0: as many as the transformer takes
  RoutingTrace* trace = nullptr;
  const std::atomic<bool>* cancelled = nullptr;  // set from any thread: stop between layers
  // Receives the logits [n_token, n_vocab] of each chunk as it is done; if set, every position is
  // re-evaluated.
  std::function<void(std::span<const float> logits)> on_logits = nullptr;
  Head head = Head::kWhole;  // with on_logits always the whole one
};

// Tokens that may follow one that is appended, from elsewhere than the timeline.
struct ExpectedTokens {
  std::span<const int32_t> tokens;  // at most PromptLookup::kDraftMax are used
  std::span<const double> chances;  // [tokens] that each one is right where those before it are
};

struct SyncReport {
  int64_t n_reused = 0;     // tokens already in the timeline
  int64_t n_evaluated = 0;  // tokens that were run through the model
};

// A cursor jumps back by less than that (docs/adr/0016).
inline constexpr int64_t kKeptTokens = 8192;

struct SessionOptions {
  int64_t n_ctx = 0;  // tokens that the timeline may hold
  // Positions from the first on whose keys windowed layers keep, so that the timeline can be
  // rewound to any of them.
  int64_t n_kept = kKeptTokens;
  // Prompts beside the timeline's own to which it may jump back.
  int n_parked = ParkedPrompts::kPromptsMax;
  // Evaluate the tokens that probably follow together with an appended token.
  bool prompt_lookup = false;
  double draft_token_cost = 0.5;        // see WorthwhileDraft
  DraftCounts* draft_counts = nullptr;  // counted there if given
  // If set, keys and values reserve memory from it as the timeline grows, with small pages only
  // what they need. Otherwise all of their memory counts as theirs.
  std::shared_ptr<MemoryArbiter> arbiter = nullptr;
  Pages pages = Pages::kHuge;
  // Threshold of the approximate head, whose transformer has a predictor; unset: off.
  std::optional<float> approximate_head;
  HeadCounts* head_counts = nullptr;  // given with it
};

// Used by one thread at a time. The transformer must outlive it.
class Session : private MemoryArbiter::Client {
 public:
  // Positions that the rings of windowed layers keep beyond window and chunk: how far a prompt can
  // be rewound (an undone line, a rejected suggestion) without re-evaluation, where the timeline is
  // longer than what is kept of it.
  static constexpr int64_t kRewindTokens = 256;

  // kMemory.
  static Result<std::unique_ptr<Session>> Create(const ModelSpec& spec, Transformer& transformer,
                                                 const SessionOptions& options);
  // Allowed while another session evicts this one's keys and values: waits for that.
  ~Session() override = default;

  // Makes the timeline equal to `tokens` (at least one): keeps the prefix that they share with it,
  // or with one of the last prompts that it held, and evaluates the rest. logits() are then those
  // after the last token. kBadRequest: a token id out of range, more tokens than the context holds.
  // After kCancelled or another failure the timeline holds what was completed; call again to
  // continue.
  Result<SyncReport> Sync(std::span<const int32_t> tokens, const SyncOptions& options);

  // Adds one token to the timeline. kCancelled leaves the timeline as it was. With prompt lookup
  // the tokens that probably follow are evaluated in the same batch, and appending them later for
  // the same head costs nothing. logits() are then those of `head`.
  Status Append(int32_t token, const std::atomic<bool>* cancelled, Head head = Head::kApproximate);

  // The same, a layer at a time, so that sessions of one transformer may take turns: one of the
  // Begins, then Step until it returns true (all is done) or fails. Whatever `options` points to
  // must live until then. A Begin abandons work in progress, as if it had been cancelled.
  Status BeginSync(std::span<const int32_t> tokens, const SyncOptions& options);
  // `expected` is drafted, where that is worth its cost, in place of what the timeline says.
  Status BeginAppend(int32_t token, const std::atomic<bool>* cancelled,
                     Head head = Head::kApproximate, const ExpectedTokens& expected = {});
  Result<bool> Step();

  // Of the last BeginSync, so far.
  const SyncReport& report() const { return report_; }

  // After the last token of the timeline: [n_vocab]; empty if nothing has been evaluated yet.
  std::span<const float> logits() const;
  // Whether logits() are the approximate head's: -infinity for tokens that it left out.
  bool logits_are_approximate() const { return approximate_; }

  // The same by the whole head, whatever logits() are. Changes nothing.
  Status ExactLogits(std::vector<float>* logits);

  // Tokens of the last prompt, from the first on, whose keys and values can be taken out: as many
  // as the timeline and every one of its layers hold.
  std::span<const int32_t> KeptTokens() const;

  // Keys and values of positions [begin, end) of KeptTokens(), for Adopt of a session of the same
  // model. kBadRequest: the timeline does not hold them, for example because their memory was
  // needed elsewhere. kMemory.
  Result<std::vector<std::byte>> CopyKeys(int64_t begin, int64_t end) const;

  // Goes on from the timeline's end with `tokens`, whose keys and values another session with the
  // same timeline before them gave. Abandons work in progress. kBadRequest: not of this model, or
  // more than is kept. kMemory: the timeline is as it was.
  Status Adopt(std::span<const int32_t> tokens, std::span<const std::byte> keys);

  const std::vector<int32_t>& tokens() const { return tokens_; }
  int64_t n_vocab() const { return spec_.n_vocab; }
  const Kernels& kernels() const { return transformer_.kernels(); }

 private:
  // What a Begin has requested.
  struct Work {
    std::vector<int32_t> rest;  // tokens that enter the timeline, then the draft
    int64_t n_draft = 0;        // tokens of the draft
    int64_t n_chunk = 0;
    SyncOptions options;
    int64_t done = 0;     // of rest, in whole chunks
    int64_t n_token = 0;  // of the chunk that is in pass_; 0 between two chunks
    MemoryArbiter::Reservation scratch;
  };

  // Tokens that were evaluated speculatively, after the timeline's end.
  struct Draft {
    std::vector<int32_t> tokens;
    size_t n_taken = 0;  // how many have entered the timeline
  };

  Session(const ModelSpec& spec, Transformer& transformer, const SessionOptions& options,
          KvCache kv, Pass pass)
      : spec_(spec),
        transformer_(transformer),
        options_(options),
        lookup_(options.draft_token_cost),
        kv_(std::move(kv)),
        pass_(std::move(pass)),
        parked_(options.n_parked, options.n_ctx, options.arbiter.get()) {
    if (options_.arbiter != nullptr) registration_ = options_.arbiter->Register(this);
  }

  Status Check(std::span<const int32_t> tokens) const;
  int64_t Rewind(std::span<const int32_t> tokens, const SyncOptions& options);
  Status StepToTheEnd();
  Result<bool> Advance(Work& work);
  Status BeginChunk(Work& work);
  void Cut(int64_t n_token, int64_t n_keep);
  int64_t Restore(const ParkedPrompts::Prompt& prompt, std::span<const int32_t> tokens);
  Status ReserveMemory(int64_t n_position, int64_t n_token, MemoryArbiter::Reservation* scratch);
  void ReleaseKv();
  bool EvictKv() override;
  void DropParked() override { parked_.Clear(); }
  Status TakeLogits(const Work& work);
  void EndChunk(Work& work);
  bool TakeFromDraft(int32_t token, Head head);
  std::span<const int32_t> ChooseDraft(const ExpectedTokens& expected) const;
  void AddDraft(Work& work, const ExpectedTokens& expected);
  bool WantsLogits(const Work& work) const;
  bool Approximates(Head head) const;

  const ModelSpec& spec_;
  Transformer& transformer_;
  const SessionOptions options_;
  PromptLookup lookup_;
  Draft draft_;
  MemoryArbiter::Reservation kv_reservation_;  // of kv_'s bytes, which end before it
  int64_t n_position_reserved_ = 0;            // positions of kv_ that it covers
  KvCache kv_;
  Pass pass_;
  std::optional<Work> work_;
  SyncReport report_;
  std::vector<int32_t> tokens_;
  int64_t n_prompt_ = 0;  // of tokens_, those of the last BeginSync; others were appended
  ParkedPrompts parked_;
  // Tokens that EvictKv removed from tokens_; re-evaluated with the next token.
  std::vector<int32_t> forgotten_;
  // [1 + draft, n_vocab]: after the token before the draft, and after each of the draft's.
  std::vector<float> logits_;
  bool logits_valid_ = false;  // those after draft_.n_taken belong to the end of tokens_
  bool approximate_ = false;   // logits_ are the approximate head's
  // The last member, so that nothing that EvictKv uses ends before it.
  MemoryArbiter::Registration registration_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_SESSION_H_
