#include "engine/parked_prompts.h"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

namespace hearth {

int64_t SharedLength(std::span<const int32_t> a, std::span<const int32_t> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

void ParkedPrompts::Prompt::CopyTo(KvCache& kv, int64_t begin, int64_t end) const {
  CHECK(begin >= begin_ && end <= static_cast<int64_t>(tokens_.size()), "positions not parked");
  for (const Part& part : parts_) {
    const int64_t from = std::max(begin, part.slice.begin);
    const int64_t to = std::min(end, part.slice.end);
    if (from < to) kv.Restore(part.slice, from, to);
  }
}

std::shared_ptr<ParkedPrompts::Prompt> ParkedPrompts::Take(std::span<const int32_t> tokens,
                                                           int64_t n) {
  size_t best = prompts_.size();
  int64_t n_best = n + kTokensMin - 1;
  for (size_t i = 0; i < prompts_.size(); ++i) {
    const int64_t n_shared = SharedLength(prompts_[i]->tokens(), tokens);
    if (n_shared > n_best) {
      best = i;
      n_best = n_shared;
    }
  }
  if (best == prompts_.size()) return nullptr;
  std::shared_ptr<Prompt> prompt = prompts_[best];
  prompts_.erase(prompts_.begin() + static_cast<std::ptrdiff_t>(best));
  const auto n_prompt = static_cast<int64_t>(prompt->tokens().size());
  if (n_prompt - n_best >= kTokensMin) prompts_.push_back(prompt);
  return prompt;
}

bool ParkedPrompts::BeforeCut(const KvCache& kv, std::span<const int32_t> tokens, int64_t n,
                              int64_t n_prompt, Prompt* taken) {
  // The timeline holds what is missing: it was not cut behind begin_ since.
  const auto keeps = [&](Prompt& prompt) {
    const int64_t begin = prompt.begin_;
    return begin <= n || Copy(kv, n, begin, prompt);
  };
  const bool is_whole = taken == nullptr || keeps(*taken);
  std::erase_if(prompts_, [&](const std::shared_ptr<Prompt>& prompt) { return !keeps(*prompt); });
  const int64_t end = std::min({n_prompt, static_cast<int64_t>(tokens.size()), kv.n_kept()});
  if (n_prompt_max_ > 0 && end - n >= kTokensMin && end - n <= n_token_max_)
    Park(kv, tokens.first(static_cast<size_t>(end)), n);
  return is_whole;
}

// The prompt, whose positions from n on the timeline is about to lose.
void ParkedPrompts::Park(const KvCache& kv, std::span<const int32_t> prompt, int64_t n) {
  const auto end = static_cast<int64_t>(prompt.size());
  // Of the same place, some keys ago.
  std::erase_if(prompts_, [&](const std::shared_ptr<Prompt>& other) {
    return 2 * SharedLength(other->tokens(), prompt) >=
           static_cast<int64_t>(other->tokens().size());
  });
  while (static_cast<int>(prompts_.size()) >= n_prompt_max_ ||
         (!prompts_.empty() && n_token() + end - n > n_token_max_))
    prompts_.erase(prompts_.begin());
  try {
    prompts_.reserve(prompts_.size() + 1);
    auto parked = std::make_shared<Prompt>();
    parked->tokens_.assign(prompt.begin(), prompt.end());
    parked->begin_ = end;
    while (!Copy(kv, n, end, *parked)) {
      if (prompts_.empty()) return;
      prompts_.erase(prompts_.begin());
    }
    prompts_.push_back(std::move(parked));
  } catch (const std::bad_alloc&) {
    // It is evaluated anew, then.
  }
}

// False where there is no memory for it.
bool ParkedPrompts::Copy(const KvCache& kv, int64_t begin, int64_t end, Prompt& prompt) {
  try {
    Prompt::Part part;
    if (arbiter_ != nullptr) {
      std::optional<MemoryArbiter::Reservation> reservation =
          arbiter_->TryReserve(kv.SliceBytes(end - begin));
      if (!reservation) return false;
      part.reservation = std::move(*reservation);
    }
    Result<KvSlice> slice = kv.CopyOf(begin, end);
    if (!slice.ok()) return false;
    part.slice = std::move(slice).value();
    prompt.parts_.push_back(std::move(part));
    prompt.begin_ = begin;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

int64_t ParkedPrompts::n_token() const {
  int64_t n = 0;
  for (const std::shared_ptr<Prompt>& prompt : prompts_)
    n += static_cast<int64_t>(prompt->tokens().size()) - prompt->begin_;
  return n;
}

}  // namespace hearth
