#include "engine/session.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace hearth {
namespace {

// Logits of all tokens are delivered in parts of at most this many floats (16 MiB).
constexpr int64_t kAllLogitsMax = int64_t{4} << 20;

// Memory for keys and values is reserved in steps of this many positions.
constexpr int64_t kPositionsAtOnce = 256;

bool IsSet(const std::atomic<bool>* flag) {
  return flag != nullptr && flag->load(std::memory_order_relaxed);
}

}  // namespace

Result<std::unique_ptr<Session>> Session::Create(const ModelSpec& spec, Transformer& transformer,
                                                 const SessionOptions& options) {
  const KvCache::Windows windows = {options.n_kept, transformer.n_token_max() + kRewindTokens};
  Result<KvCache> kv = KvCache::Create(spec, options.n_ctx, windows, options.pages);
  if (!kv.ok()) return kv.status();
  Result<Pass> pass = Pass::Create(spec, transformer.n_token_max());
  if (!pass.ok()) return pass.status();
  return std::unique_ptr<Session>(
      new Session(spec, transformer, options, std::move(kv).value(), std::move(pass).value()));
}

// Reserves what it takes to evaluate a chunk of n_token and write the first n positions.
Status Session::ReserveMemory(int64_t n_position, int64_t n_token,
                              MemoryArbiter::Reservation* scratch) {
  if (options_.arbiter == nullptr) return Status::Ok();
  const int64_t n_reserved =
      std::max(n_position_reserved_,
               std::min((n_position + kPositionsAtOnce - 1) / kPositionsAtOnce * kPositionsAtOnce,
                        kv_.n_ctx()));
  const size_t more = kv_.BytesUpTo(n_reserved) - kv_reservation_.amount();
  // Even if nothing is needed: others may have released memory.
  Result<MemoryArbiter::Grant> grant = options_.arbiter->Reserve(this, more, n_token);
  if (!grant.ok()) return grant.status();
  if (scratch->amount() == 0) *scratch = std::move(grant.value().scratch);
  kv_reservation_.Add(std::move(grant.value().kv));
  n_position_reserved_ = n_reserved;
  return Status::Ok();
}

// Its memory is needed elsewhere: the next token is evaluated together with all tokens before it.
bool Session::EvictKv() {
  if (work_.has_value()) return false;
  // Before anything is dropped: nothing is if there is no memory for it.
  try {
    forgotten_.reserve(forgotten_.size() + tokens_.size());
  } catch (const std::bad_alloc&) {
    return false;
  }
  parked_.Clear();
  kv_.Clear();
  forgotten_.insert(forgotten_.end(), tokens_.begin(), tokens_.end());
  tokens_.clear();
  // Logits need no keys, a draft does.
  const auto kept = logits_.begin() + static_cast<std::ptrdiff_t>(draft_.n_taken) * spec_.n_vocab;
  if (logits_valid_) std::copy(kept, kept + spec_.n_vocab, logits_.begin());
  draft_ = Draft();
  ReleaseKv();
  return true;
}

void Session::ReleaseKv() {
  if (kv_reservation_.amount() == 0) return;
  kv_.ReleaseFrom(0);
  kv_reservation_.End();
  n_position_reserved_ = 0;
}

Status Session::Check(std::span<const int32_t> tokens) const {
  if (tokens.empty())
    return Status::BadRequest("cannot evaluate an empty prompt; give at least one token");
  if (static_cast<int64_t>(tokens.size()) > kv_.n_ctx()) {
    return Status::BadRequest("cannot evaluate " + std::to_string(tokens.size()) +
                              " tokens: the context holds " + std::to_string(kv_.n_ctx()) +
                              "; shorten the prompt or raise the context length");
  }
  for (const int32_t token : tokens) {
    if (token < 0 || token >= spec_.n_vocab) {
      return Status::BadRequest("cannot evaluate token " + std::to_string(token) +
                                ": the vocabulary has " + std::to_string(spec_.n_vocab) + " ids");
    }
  }
  return Status::Ok();
}

// Leaves of the timeline what it, or a prompt that it held before, shares with `tokens`, and
// returns that length.
int64_t Session::Rewind(std::span<const int32_t> tokens, const SyncOptions& options) {
  int64_t n_keep = options.on_logits ? 0 : SharedLength(tokens_, tokens);
  const auto n_token = static_cast<int64_t>(tokens.size());
  const bool at_hand =
      logits_valid_ && approximate_ == (!options.on_logits && Approximates(options.head));
  const bool done_already =
      n_keep == n_token && n_keep == static_cast<int64_t>(tokens_.size()) && at_hand;
  if (done_already) return n_keep;
  // The last token is re-evaluated if its logits are not available.
  n_keep = std::min(n_keep, n_token - 1);
  if (!kv_.CanRewindTo(n_keep)) n_keep = 0;
  const auto shared = tokens.first(static_cast<size_t>(n_token - 1));
  // What is evaluated anew on purpose is no place to come back to.
  if (options.on_logits) parked_.Clear();
  const std::shared_ptr<ParkedPrompts::Prompt> prompt = parked_.Take(shared, n_keep);
  const bool is_whole =
      parked_.BeforeCut(kv_, tokens_, n_keep, options.on_logits ? 0 : n_prompt_, prompt.get());
  Cut(n_token, n_keep);
  return prompt != nullptr && is_whole ? Restore(*prompt, shared) : n_keep;
}

void Session::Cut(int64_t n_token, int64_t n_keep) {
  kv_.NoteRewound(n_keep);
  if (n_keep == 0) {
    kv_.Clear();
    // The experts can use the memory of a long conversation; a small amount would soon be reserved
    // again.
    if (n_position_reserved_ > 2 * (n_token + kPositionsAtOnce)) ReleaseKv();
  }
  tokens_.resize(static_cast<size_t>(n_keep));
  draft_ = Draft();
  logits_valid_ = false;
}

// Goes on from the timeline with what the prompt shares with `tokens`, and returns the length;
// where there is no memory for it, with nothing.
int64_t Session::Restore(const ParkedPrompts::Prompt& prompt, std::span<const int32_t> tokens) {
  const auto n_keep = static_cast<int64_t>(tokens_.size());
  const int64_t n = SharedLength(prompt.tokens(), tokens);
  MemoryArbiter::Reservation scratch;
  if (!ReserveMemory(n, 1, &scratch).ok()) return n_keep;
  prompt.CopyTo(kv_, n_keep, n);
  tokens_.assign(tokens.begin(), tokens.begin() + n);
  return n;
}

Status Session::BeginSync(std::span<const int32_t> tokens, const SyncOptions& options) {
  work_.reset();
  report_ = SyncReport();
  RETURN_IF_ERROR(Check(tokens));
  // A job that was cancelled while it waited leaves the timeline alone.
  if (IsSet(options.cancelled)) return Status::Cancelled();
  lookup_.Begin();
  forgotten_.clear();
  report_.n_reused = Rewind(tokens, options);
  n_prompt_ = static_cast<int64_t>(tokens.size());
  Work work;
  work.rest.assign(tokens.begin() + report_.n_reused, tokens.end());
  work.n_chunk = transformer_.n_token_max();
  if (options.on_logits)
    work.n_chunk = std::min(work.n_chunk, std::max<int64_t>(1, kAllLogitsMax / spec_.n_vocab));
  if (options.n_chunk > 0) work.n_chunk = std::min(work.n_chunk, options.n_chunk);
  work.options = options;
  work_ = std::move(work);
  return Status::Ok();
}

Status Session::BeginAppend(int32_t token, const std::atomic<bool>* cancelled, Head head,
                            const ExpectedTokens& expected) {
  work_.reset();
  RETURN_IF_ERROR(Check(std::span(&token, 1)));
  if (static_cast<int64_t>(forgotten_.size() + tokens_.size()) >= kv_.n_ctx()) {
    return Status::BadRequest("the context of " + std::to_string(kv_.n_ctx()) +
                              " tokens is full; start anew or raise the context length");
  }
  Work work;
  work.options.cancelled = cancelled;
  work.options.head = head;
  if (!TakeFromDraft(token, head)) {
    work.rest = forgotten_;
    work.rest.push_back(token);
    if (forgotten_.empty() && options_.prompt_lookup) AddDraft(work, expected);
    work.n_chunk = forgotten_.empty() ? 1 + work.n_draft : transformer_.n_token_max();
  }
  work_ = std::move(work);
  return Status::Ok();
}

// True if the token is the next one of the draft: then it has been evaluated. Not by another head:
// the text would depend on what was drafted.
bool Session::TakeFromDraft(int32_t token, Head head) {
  const size_t i = draft_.n_taken;
  if (approximate_ != Approximates(head)) return false;
  if (!logits_valid_ || i >= draft_.tokens.size() || draft_.tokens[i] != token) return false;
  tokens_.push_back(token);
  ++draft_.n_taken;
  lookup_.Note(tokens_);
  if (options_.draft_counts != nullptr) ++options_.draft_counts->accepted;
  return true;
}

std::span<const int32_t> Session::ChooseDraft(const ExpectedTokens& expected) const {
  if (expected.tokens.empty()) return lookup_.Draft(tokens_);
  const auto n = std::min(expected.tokens.size(), static_cast<size_t>(PromptLookup::kDraftMax));
  return expected.tokens.first(
      static_cast<size_t>(WorthwhileDraft(expected.chances.first(n), options_.draft_token_cost)));
}

// Adds a draft after the token that `work` appends.
void Session::AddDraft(Work& work, const ExpectedTokens& expected) {
  // What fails later would leave a token in the timeline that was not evaluated.
  work.rest.reserve(work.rest.size() + PromptLookup::kDraftMax);
  tokens_.push_back(work.rest.front());
  lookup_.Note(tokens_);
  const std::span<const int32_t> draft = ChooseDraft(expected);
  const int64_t room =
      std::min(kv_.n_ctx() - static_cast<int64_t>(tokens_.size()), transformer_.n_token_max() - 1);
  work.n_draft = std::min(static_cast<int64_t>(draft.size()), room);
  work.rest.insert(work.rest.end(), draft.begin(), draft.begin() + work.n_draft);
  tokens_.pop_back();
}

Result<bool> Session::Step() {
  CHECK(work_.has_value(), "a step of nothing");
  // Taken out, so that a lack of memory ends it as well.
  Work work = std::move(*work_);
  work_.reset();
  Result<bool> done = Advance(work);
  if (done.ok() && !done.value()) work_ = std::move(work);
  return done;
}

// One layer, or the logits. The remains of a failed chunk are overwritten by the next one.
Result<bool> Session::Advance(Work& work) {
  if (work.rest.empty()) return true;
  if (IsSet(work.options.cancelled)) return Status::Cancelled();
  if (work.n_token == 0) RETURN_IF_ERROR(BeginChunk(work));
  if (pass_.n_layer_left() > 0) {
    RETURN_IF_ERROR(transformer_.Layer(kv_, pass_));
    if (pass_.n_layer_left() > 0 || WantsLogits(work)) return false;
  } else {
    RETURN_IF_ERROR(TakeLogits(work));
  }
  EndChunk(work);
  return work.done == static_cast<int64_t>(work.rest.size());
}

Status Session::BeginChunk(Work& work) {
  draft_ = Draft();
  const auto rest = std::span(work.rest).subspan(static_cast<size_t>(work.done));
  work.n_token = std::min(work.n_chunk, static_cast<int64_t>(rest.size()));
  ForwardRequest request;
  request.tokens = rest.first(static_cast<size_t>(work.n_token));
  request.pos0 = static_cast<int64_t>(tokens_.size());
  const auto n_rest = static_cast<int64_t>(rest.size()) - work.n_token;
  request.n_token_next = std::clamp<int64_t>(n_rest, 1, work.n_chunk);
  request.cancelled = work.options.cancelled;
  request.trace = work.options.trace;
  logits_valid_ = false;
  RETURN_IF_ERROR(ReserveMemory(request.pos0 + work.n_token, work.n_token, &work.scratch));
  return transformer_.Begin(request, kv_, pass_);
}

bool Session::WantsLogits(const Work& work) const {
  return work.options.on_logits ||
         work.done + work.n_token == static_cast<int64_t>(work.rest.size());
}

bool Session::Approximates(Head head) const {
  return options_.approximate_head && head == Head::kApproximate;
}

Status Session::TakeLogits(const Work& work) {
  const auto n_vocab = static_cast<size_t>(spec_.n_vocab);
  approximate_ = !work.options.on_logits && Approximates(work.options.head);
  if (!work.options.on_logits) {
    const int64_t n = 1 + work.n_draft;
    logits_.resize(static_cast<size_t>(n) * n_vocab);
    RETURN_IF_ERROR(approximate_
                        ? transformer_.ApproximateLogits(pass_, n, *options_.approximate_head,
                                                         *options_.head_counts, logits_.data())
                        : transformer_.Logits(pass_, n, logits_.data()));
    draft_.tokens.assign(work.rest.end() - work.n_draft, work.rest.end());
  } else {
    std::vector<float> all(static_cast<size_t>(work.n_token) * n_vocab);
    RETURN_IF_ERROR(transformer_.Logits(pass_, work.n_token, all.data()));
    work.options.on_logits(all);
    logits_.assign(all.end() - static_cast<std::ptrdiff_t>(n_vocab), all.end());
  }
  return Status::Ok();
}

void Session::EndChunk(Work& work) {
  const auto chunk = std::span(work.rest).subspan(static_cast<size_t>(work.done),
                                                  static_cast<size_t>(work.n_token - work.n_draft));
  tokens_.insert(tokens_.end(), chunk.begin(), chunk.end());
  forgotten_.erase(forgotten_.begin(), forgotten_.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                forgotten_.size(), chunk.size())));
  logits_valid_ = WantsLogits(work);
  work.done += work.n_token;
  report_.n_evaluated += work.n_token;
  if (options_.draft_counts != nullptr)
    options_.draft_counts->drafted += static_cast<uint64_t>(work.n_draft);
  work.n_token = 0;
}

Result<SyncReport> Session::Sync(std::span<const int32_t> tokens, const SyncOptions& options) {
  RETURN_IF_ERROR(BeginSync(tokens, options));
  RETURN_IF_ERROR(StepToTheEnd());
  return report_;
}

Status Session::Append(int32_t token, const std::atomic<bool>* cancelled, Head head) {
  RETURN_IF_ERROR(BeginAppend(token, cancelled, head));
  return StepToTheEnd();
}

Status Session::StepToTheEnd() {
  while (true) {
    Result<bool> done = Step();
    if (!done.ok()) return done.status();
    if (done.value()) return Status::Ok();
  }
}

std::span<const float> Session::logits() const {
  if (!logits_valid_) return {};
  const auto n_vocab = static_cast<size_t>(spec_.n_vocab);
  return std::span(logits_).subspan(draft_.n_taken * n_vocab, n_vocab);
}

std::span<const int32_t> Session::KeptTokens() const {
  const auto n = std::min({n_prompt_, static_cast<int64_t>(tokens_.size()), kv_.n_kept()});
  return std::span(tokens_).first(static_cast<size_t>(n));
}

Result<std::vector<std::byte>> Session::CopyKeys(int64_t begin, int64_t end) const {
  if (begin < 0 || begin >= end || end > static_cast<int64_t>(KeptTokens().size())) {
    return Status::BadRequest("cannot copy the keys of tokens " + std::to_string(begin) + " to " +
                              std::to_string(end) + ": the session does not hold them");
  }
  Result<KvSlice> slice = kv_.CopyOf(begin, end);
  if (!slice.ok()) return slice.status();
  const std::byte* data = slice.value().data.data();
  return std::vector<std::byte>(data, data + kv_.BytesOf(end - begin));
}

Status Session::Adopt(std::span<const int32_t> tokens, std::span<const std::byte> keys) {
  work_.reset();
  RETURN_IF_ERROR(Check(tokens));
  const auto begin = static_cast<int64_t>(tokens_.size());
  const auto n = static_cast<int64_t>(tokens.size());
  if (!forgotten_.empty() || n > kv_.n_kept() - begin) {
    return Status::BadRequest("cannot go on with the keys of " + std::to_string(n) +
                              " tokens: the session keeps no more of them");
  }
  if (keys.size() != kv_.BytesOf(n))
    return Status::BadRequest("cannot go on with keys that are those of another model");
  Result<AlignedBuffer> data = AlignedBuffer::Allocate(kv_.SliceBytes(n), Pages::kSmall);
  if (!data.ok()) return data.status();
  std::copy(keys.begin(), keys.end(), data.value().data());
  MemoryArbiter::Reservation scratch;
  RETURN_IF_ERROR(ReserveMemory(begin + n, 1, &scratch));
  tokens_.reserve(tokens_.size() + tokens.size());
  kv_.NoteRewound(begin);
  kv_.Restore(KvSlice{begin, begin + n, std::move(data).value()}, begin, begin + n);
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  n_prompt_ = begin + n;
  draft_ = Draft();
  logits_valid_ = false;
  return Status::Ok();
}

Status Session::ExactLogits(std::vector<float>* logits) {
  const std::span<const float> at_hand = this->logits();
  logits->assign(at_hand.begin(), at_hand.end());
  if (!logits_valid_ || !approximate_) return Status::Ok();
  // The pass still holds the last chunk: the timeline's end, and the draft behind it.
  const auto n = static_cast<int64_t>(1 + draft_.tokens.size() - draft_.n_taken);
  logits->resize(static_cast<size_t>(n * spec_.n_vocab));
  RETURN_IF_ERROR(transformer_.Logits(pass_, n, logits->data()));
  logits->resize(static_cast<size_t>(spec_.n_vocab));
  return Status::Ok();
}

}  // namespace hearth
