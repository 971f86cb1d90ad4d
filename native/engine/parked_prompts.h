// Prompts that a timeline held before, with those of their keys and values that it holds no more: a
// cursor that jumps back to where it was finds them (docs/adr/0016).
#ifndef HEARTH_ENGINE_PARKED_PROMPTS_H_
#define HEARTH_ENGINE_PARKED_PROMPTS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/memory_arbiter.h"
#include "transformer/kv_cache.h"

namespace hearth {

// Used by one thread at a time. What all of a prompt's tokens share with the timeline stays there
// alone: each prompt is copied from the position on at which the timeline left it.
class ParkedPrompts {
 public:
  // With the timeline's own, those of four places.
  static constexpr int kPromptsMax = 3;
  // Less is evaluated anew: a key that was typed, a line that was undone.
  static constexpr int64_t kTokensMin = 32;

  class Prompt {
   public:
    std::span<const int32_t> tokens() const { return tokens_; }

    // Copies positions [begin, end) back; begin: at most what the timeline shares with it.
    void CopyTo(KvCache& kv, int64_t begin, int64_t end) const;

   private:
    friend class ParkedPrompts;
    struct Part {
      KvSlice slice;
      MemoryArbiter::Reservation reservation;
    };
    std::vector<int32_t> tokens_;
    int64_t begin_ = 0;        // positions before it are the timeline's
    std::vector<Part> parts_;  // of the positions from begin_ on, in any order
  };

  // n_token_max: of all prompts together, copied ones. arbiter: null where memory is not limited.
  ParkedPrompts(int n_prompt_max, int64_t n_token_max, MemoryArbiter* arbiter)
      : n_prompt_max_(n_prompt_max), n_token_max_(n_token_max), arbiter_(arbiter) {}

  // The prompt that shares the most with `tokens`, if that is at least kTokensMin more than n,
  // which the timeline shares; null: none. It is parked no more, unless it holds much else.
  std::shared_ptr<Prompt> Take(std::span<const int32_t> tokens, int64_t n);

  // The timeline `tokens`, the first n_prompt of which were a prompt, is about to be cut to n
  // tokens: parks it if that loses enough, and copies what other prompts, and `taken` if it is set,
  // share with it behind n. What there is no memory for is not parked any more. Whether there was
  // enough for `taken`.
  bool BeforeCut(const KvCache& kv, std::span<const int32_t> tokens, int64_t n, int64_t n_prompt,
                 Prompt* taken);

  void Clear() { prompts_.clear(); }
  size_t size() const { return prompts_.size(); }

 private:
  void Park(const KvCache& kv, std::span<const int32_t> prompt, int64_t n);
  bool Copy(const KvCache& kv, int64_t begin, int64_t end, Prompt& prompt);
  int64_t n_token() const;

  const int n_prompt_max_;
  const int64_t n_token_max_;
  MemoryArbiter* const arbiter_;
  std::vector<std::shared_ptr<Prompt>> prompts_;  // the latest last
};

// Tokens that a and b begin with.
int64_t SharedLength(std::span<const int32_t> a, std::span<const int32_t> b);

}  // namespace hearth

#endif  // HEARTH_ENGINE_PARKED_PROMPTS_H_
