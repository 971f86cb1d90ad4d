#include "engine/generation.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace hearth {
namespace {

// [tokens of context] How often the token that followed it elsewhere is the one that is generated:
// measured on lines that were added to five repositories, with the starter (docs/adr/0007).
constexpr std::array<double, 17> kHitRates = {0.0,  0.0,  0.3,  0.45, 0.58, 0.59, 0.82, 0.78, 0.85,
                                              0.90, 0.89, 0.91, 0.94, 0.95, 0.95, 0.95, 0.96};

Status CheckIds(std::span<const int32_t> ids, int64_t n_vocab, const char* what) {
  int64_t previous = -1;
  for (const int32_t id : ids) {
    if (id <= previous || id >= n_vocab) {
      return Status::BadRequest("cannot generate: the ids of " + std::string(what) +
                                " are not rising ids of the vocabulary, which has " +
                                std::to_string(n_vocab));
    }
    previous = id;
  }
  return Status::Ok();
}

Status CheckForcedPrefix(const ForcedPrefix& forced, int64_t n_vocab) {
  for (size_t done = 0; done < forced.steps.size(); ++done) {
    const ForcedPrefix::Step& step = forced.steps[done];
    RETURN_IF_ERROR(CheckIds(step.ids, n_vocab, "a forced prefix"));
    const auto n_left = static_cast<int64_t>(forced.steps.size() - done);
    const bool fits = std::ranges::all_of(
        step.n_byte, [&](int32_t n_byte) { return n_byte >= 1 && n_byte <= n_left; });
    if (step.n_byte.size() != step.ids.size() || !fits) {
      return Status::BadRequest(
          "cannot generate: a step of the forced prefix does not say how many of the bytes that "
          "are left each id takes");
    }
  }
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<Generation>> Generation::Create(Session& session,
                                                       GenerationOptions options) {
  const int64_t n_vocab = session.n_vocab();
  RETURN_IF_ERROR(CheckForcedPrefix(options.forced, n_vocab));
  for (const std::vector<int32_t>& set : options.watched) {
    RETURN_IF_ERROR(CheckIds(set, n_vocab, "a watched set"));
  }
  if (options.memory != nullptr && options.sampler.temperature > 0) {
    return Status::BadRequest("cannot generate with a memory of code at a temperature above 0");
  }
  return std::unique_ptr<Generation>(new Generation(session, std::move(options)));
}

// nullptr once the prefix is complete.
const ForcedPrefix::Step* Generation::NextForcedStep() const {
  const auto done = static_cast<size_t>(n_forced_done_);
  return done < options_.forced.steps.size() ? &options_.forced.steps[done] : nullptr;
}

Status Generation::BeginNext(const std::atomic<bool>* cancelled) {
  appending_ = false;
  if (!unevaluated_) return Status::Ok();
  // Logits after a forced token are exact, as those after a prompt are: together they stand for the
  // prompt before its end was taken back.
  const bool whole_head = NeedsExactLogits() || token_forced_;
  RETURN_IF_ERROR(session_.BeginAppend(token_.id, cancelled,
                                       whole_head ? Head::kWhole : Head::kApproximate, Expect()));
  appending_ = true;
  return Status::Ok();
}

Result<bool> Generation::Step() {
  if (appending_) {
    Result<bool> done = session_.Step();
    if (!done.ok() || !done.value()) return done;
    appending_ = false;
    unevaluated_ = false;
  }
  RETURN_IF_ERROR(Choose());
  return true;
}

Status Generation::Choose() {
  std::span<const float> logits = session_.logits();
  if (logits.empty()) {
    return Status::BadRequest("cannot choose a token: no prompt has been evaluated");
  }
  const ForcedPrefix::Step* forced = NextForcedStep();
  const Allowed allowed = forced != nullptr ? Allowed(forced->ids) : std::nullopt;
  const auto compute_exact = [&]() -> Status {
    RETURN_IF_ERROR(session_.ExactLogits(&exact_));
    logits = exact_;
    return Status::Ok();
  };
  bool is_exact = !session_.logits_are_approximate();
  if (!is_exact && (NeedsExactLogits() || forced != nullptr)) {
    RETURN_IF_ERROR(compute_exact());
    is_exact = true;
  }
  int32_t id = sampler_.Sample(logits, allowed);
  if (id < 0 && !is_exact) {
    // The approximate head may have left out all that are allowed.
    RETURN_IF_ERROR(compute_exact());
    id = sampler_.Sample(logits, allowed);
  }
  if (id < 0) {
    return Status::Numeric("cannot choose a token: no token of the vocabulary is allowed");
  }
  token_ = GeneratedToken();
  if (NeedsExactLogits()) mixture_.Begin(logits);
  token_.id = options_.memory != nullptr ? Remember(id, logits, allowed) : id;
  if (options_.log_probabilities) Judge(forced);
  if (forced != nullptr) {
    const auto at = std::ranges::lower_bound(forced->ids, token_.id) - forced->ids.begin();
    n_forced_done_ += forced->n_byte[static_cast<size_t>(at)];
  }
  token_.n_forced_left = static_cast<int64_t>(options_.forced.steps.size()) - n_forced_done_;
  token_forced_ = forced != nullptr;
  unevaluated_ = true;
  return Status::Ok();
}

// The likeliest token of the mixture; a lower id wins a tie. `of_model` is that of the model among
// those allowed and not banned: of the others only what the memory adds to can be likelier.
int32_t Generation::Remember(int32_t of_model, std::span<const float> logits, Allowed allowed) {
  if (context_.empty()) context_ = options_.context;
  if (n_copied_line_ < kCopiedLinesMax) {
    mixture_.Mix(*options_.memory->index, options_.memory->weights, context_);
  }
  int32_t best = of_model;
  double best_probability = mixture_.LogProbability(of_model);
  for (const TokenMixture::Added& added : mixture_.added()) {
    const int32_t id = added.id;
    if (allowed && !std::ranges::binary_search(*allowed, id)) continue;
    if (static_cast<size_t>(id) >= logits.size() || !sampler_.MayDraw(id, logits)) continue;
    const double probability = mixture_.LogProbability(id);
    if (probability < best_probability || (probability == best_probability && id >= best)) continue;
    best = id;
    best_probability = probability;
  }
  token_.origin = mixture_.Origin(best);
  if (n_copied_line_ > 0 && token_.origin != TokenOrigin::kModel &&
      mixture_.OfModel(best) < kCopiedProbabilityMin) {
    best = of_model;
    mixture_.Begin(logits);
    token_.origin = TokenOrigin::kModel;
  }
  token_.id = best;
  NoteCopying();
  context_.push_back(best);
  return best;
}

// A copy that has reached its limit does not begin again in the same answer.
void Generation::NoteCopying() {
  if (n_copied_line_ >= kCopiedLinesMax) return;
  if (token_.origin == TokenOrigin::kModel) {
    n_copied_line_ = 0;
  } else if (std::ranges::binary_search(options_.memory->line_feeds, token_.id)) {
    ++n_copied_line_;
  }
}

// The memory knows more than the timeline: what stands below the cursor, and other files. Nothing
// where it says little.
ExpectedTokens Generation::Expect() {
  if (options_.memory == nullptr || context_.empty() || n_copied_line_ >= kCopiedLinesMax) {
    return {};
  }
  const int32_t n_context =
      options_.memory->index->Continue(context_, PromptLookup::kDraftMax, &expected_);
  if (n_context < PromptLookup::kMatchMin) return {};
  // Each token that is right makes the context longer.
  for (size_t i = 0; i < expected_.size(); ++i) {
    chances_[i] = kHitRates[std::min(static_cast<size_t>(n_context) + i, kHitRates.size() - 1)];
  }
  return {.tokens = expected_, .chances = std::span(chances_).first(expected_.size())};
}

void Generation::Judge(const ForcedPrefix::Step* forced) {
  token_.log_probability = mixture_.LogProbability(token_.id);
  if (forced != nullptr) {
    token_.allowed_log_probability = mixture_.LogProbabilityAmong(token_.id, forced->ids);
  }
  for (const std::vector<int32_t>& set : options_.watched) {
    token_.watched_log_probability.push_back(mixture_.LogProbability(set));
  }
}

}  // namespace hearth
