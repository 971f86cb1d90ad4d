#include "engine/session.h"

#include <algorithm>
#include <string>
#include <utility>

namespace hearth {
namespace {

// Logits of all tokens are handed over in pieces of at most so many floats (16 MiB).
constexpr int64_t kAllLogitsMax = int64_t{4} << 20;

}  // namespace

Result<std::unique_ptr<Session>> Session::Create(const ModelSpec& spec, Transformer& transformer,
                                                 int64_t n_ctx) {
  Result<KvCache> kv = KvCache::Create(spec, n_ctx, transformer.n_token_max() + kRewindTokens);
  if (!kv.ok()) return kv.status();
  return std::unique_ptr<Session>(new Session(spec, transformer, std::move(kv).value()));
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

// Cuts the timeline back to what it may share with `tokens` and returns the length that stays.
int64_t Session::Rewind(std::span<const int32_t> tokens, bool all) {
  const auto [mine, theirs] =
      std::mismatch(tokens_.begin(), tokens_.end(), tokens.begin(), tokens.end());
  int64_t n_keep = all ? 0 : mine - tokens_.begin();
  const auto n_token = static_cast<int64_t>(tokens.size());
  const bool done_already =
      n_keep == n_token && n_keep == static_cast<int64_t>(tokens_.size()) && logits_valid_;
  if (done_already) return n_keep;
  // The last token is evaluated again where its logits are not at hand.
  n_keep = std::min(n_keep, n_token - 1);
  if (!kv_.CanRewindTo(n_keep)) n_keep = 0;
  if (n_keep == 0) kv_.Clear();
  tokens_.resize(static_cast<size_t>(n_keep));
  logits_valid_ = false;
  return n_keep;
}

Result<SyncReport> Session::Sync(std::span<const int32_t> tokens, const SyncOptions& options) {
  RETURN_IF_ERROR(Check(tokens));
  // A job that was cancelled while it waited leaves the timeline alone.
  if (options.cancelled != nullptr && options.cancelled->load(std::memory_order_relaxed)) {
    return Status::Cancelled();
  }
  SyncReport report;
  report.n_reused = Rewind(tokens, static_cast<bool>(options.on_logits));
  int64_t n_max = transformer_.n_token_max();
  if (options.on_logits)
    n_max = std::min(n_max, std::max<int64_t>(1, kAllLogitsMax / spec_.n_vocab));
  const int64_t n_chunk = options.n_chunk > 0 ? std::min(options.n_chunk, n_max) : n_max;
  const auto n_token = static_cast<int64_t>(tokens.size());
  for (int64_t done = report.n_reused; done < n_token;) {
    const int64_t n = std::min(n_chunk, n_token - done);
    RETURN_IF_ERROR(Evaluate(tokens.subspan(static_cast<size_t>(done), static_cast<size_t>(n)),
                             done + n == n_token, options));
    done += n;
    report.n_evaluated += n;
  }
  return report;
}

Status Session::Append(int32_t token, const std::atomic<bool>* cancelled) {
  RETURN_IF_ERROR(Check(std::span(&token, 1)));
  if (static_cast<int64_t>(tokens_.size()) >= kv_.n_ctx()) {
    return Status::BadRequest("the context of " + std::to_string(kv_.n_ctx()) +
                              " tokens is full; start anew or raise the context length");
  }
  SyncOptions options;
  options.cancelled = cancelled;
  return Evaluate(std::span(&token, 1), true, options);
}

Status Session::Evaluate(std::span<const int32_t> chunk, bool last, const SyncOptions& options) {
  ForwardRequest request;
  request.tokens = chunk;
  request.pos0 = static_cast<int64_t>(tokens_.size());
  request.all_logits = static_cast<bool>(options.on_logits);
  request.cancelled = options.cancelled;
  request.trace = options.trace;
  logits_valid_ = false;
  const auto n_vocab = static_cast<size_t>(spec_.n_vocab);
  std::vector<float> all;
  float* logits = nullptr;
  if (request.all_logits) {
    all.resize(chunk.size() * n_vocab);
    logits = all.data();
  } else if (last) {
    logits_.resize(n_vocab);
    logits = logits_.data();
  }
  RETURN_IF_ERROR(transformer_.Forward(request, kv_, logits));
  if (request.all_logits) {
    options.on_logits(all);
    logits_.assign(all.end() - static_cast<std::ptrdiff_t>(n_vocab), all.end());
  }
  tokens_.insert(tokens_.end(), chunk.begin(), chunk.end());
  logits_valid_ = last || request.all_logits;
  return Status::Ok();
}

std::span<const float> Session::logits() const {
  return logits_valid_ ? std::span<const float>(logits_) : std::span<const float>();
}

}  // namespace hearth
