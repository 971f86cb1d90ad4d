#include "engine/code_index.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace hearth {
namespace {

// A walk along a chain ends after so many places, forgotten ones and other contexts of the same
// bucket included.
constexpr int kWalkMax = 1024;
constexpr size_t kBucketsMin = size_t{1} << 10;
constexpr size_t kBucketsMax = size_t{1} << 19;
// Fewer forgotten tokens are not worth a compaction.
constexpr int64_t kDeadMin = 4096;

}  // namespace

size_t CodeIndex::Chains::bytes() const {
  return (tokens_.capacity() + previous_.capacity() + heads_.capacity()) * sizeof(int32_t) +
         is_linked_.capacity() / 8;
}

// In small steps, so that little is reserved for nothing: a full index is copied some 100 times.
void CodeIndex::Chains::Reserve(size_t n) {
  if (n <= std::min({tokens_.capacity(), previous_.capacity(), is_linked_.capacity()})) return;
  const size_t capacity = n + n / 16 + 1024;
  tokens_.reserve(capacity);
  previous_.reserve(capacity);
  is_linked_.reserve(capacity);
}

// Multiplicative hashing (Knuth 6.4) of the two tokens; the upper bits are the good ones.
size_t CodeIndex::Chains::Bucket(int32_t before, int32_t last) const {
  const uint64_t key = static_cast<uint64_t>(static_cast<uint32_t>(before)) << 32 |
                       static_cast<uint64_t>(static_cast<uint32_t>(last));
  return static_cast<size_t>((key * 0x9e3779b97f4a7c15u) >> 40) & (heads_.size() - 1);
}

void CodeIndex::Chains::Link(int64_t position) {
  const auto i = static_cast<size_t>(position);
  int32_t& head = heads_[Bucket(tokens_[i - 2], tokens_[i - 1])];
  previous_[i] = head;
  head = static_cast<int32_t>(position);
}

void CodeIndex::Chains::LinkAll() {
  std::ranges::fill(heads_, kNone);
  for (int64_t i = 0; i < size(); ++i) {
    if (is_linked_[static_cast<size_t>(i)]) Link(i);
  }
}

// Buckets for so many more tokens than there are; empty: those that there are will do.
std::vector<int32_t> CodeIndex::Chains::MoreHeads(size_t n_lead, size_t n_token) const {
  // The first kContextMin tokens of a piece are not linked.
  const size_t n_unlinked = kContextMin - std::min(n_lead, static_cast<size_t>(kContextMin));
  const size_t n_linked = static_cast<size_t>(n_linked_) + n_token - std::min(n_token, n_unlinked);
  if (heads_.size() >= kBucketsMax || n_linked <= 2 * heads_.size()) return {};
  size_t n = std::max(kBucketsMin, heads_.size());
  while (n < kBucketsMax && n_linked > n) n *= 2;
  return std::vector<int32_t>(n);
}

// Takes all memory before it changes anything.
int64_t CodeIndex::Chains::Append(std::span<const int32_t> lead, std::span<const int32_t> tokens) {
  const int64_t begin = size();
  Reserve(tokens_.size() + 1 + lead.size() + tokens.size());
  std::vector<int32_t> heads = MoreHeads(lead.size(), tokens.size());
  tokens_.push_back(kNone);
  tokens_.insert(tokens_.end(), lead.begin(), lead.end());
  const auto first = static_cast<int64_t>(tokens_.size());
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  previous_.resize(tokens_.size(), kNone);
  is_linked_.resize(tokens_.size(), false);
  const int64_t first_linked = std::max(first, begin + 1 + kContextMin);
  for (int64_t i = first_linked; i < size(); ++i) is_linked_[static_cast<size_t>(i)] = true;
  n_linked_ += std::max<int64_t>(0, size() - first_linked);
  if (!heads.empty()) {
    heads_ = std::move(heads);
    LinkAll();
  } else {
    for (int64_t i = first_linked; i < size(); ++i) Link(i);
  }
  return begin;
}

// Chains lead on through what is forgotten.
void CodeIndex::Chains::Forget(int64_t begin, int64_t end) {
  std::fill(tokens_.begin() + begin, tokens_.begin() + end, kNone);
  n_dead_ += end - begin;
}

void CodeIndex::Chains::Compact(std::vector<std::pair<int64_t*, int64_t*>> ranges) {
  std::vector<int32_t> tokens;
  std::vector<bool> is_linked;
  const auto n_live = static_cast<size_t>(size() - n_dead_);
  tokens.reserve(n_live + n_live / 16 + 1024);
  is_linked.reserve(tokens.capacity());
  std::vector<int32_t> previous;
  previous.reserve(tokens.capacity());
  n_linked_ = 0;
  for (const auto& [begin, end] : ranges) {
    const auto to = static_cast<int64_t>(tokens.size());
    for (int64_t i = *begin; i < *end; ++i) {
      tokens.push_back(tokens_[static_cast<size_t>(i)]);
      is_linked.push_back(is_linked_[static_cast<size_t>(i)]);
      n_linked_ += is_linked.back() ? 1 : 0;
    }
    *end += to - *begin;
    *begin = to;
  }
  previous.resize(tokens.size(), kNone);
  previous_ = std::move(previous);
  tokens_ = std::move(tokens);
  is_linked_ = std::move(is_linked);
  n_dead_ = 0;
  LinkAll();
}

template <typename Visit>
void CodeIndex::Chains::Walk(std::span<const int32_t> context, Visit visit) const {
  if (static_cast<int64_t>(context.size()) < kContextMin || heads_.empty()) return;
  const auto longest =
      static_cast<int64_t>(std::min(context.size(), static_cast<size_t>(kContextMax)));
  const int32_t* end = context.data() + context.size();
  int32_t i = heads_[Bucket(end[-2], end[-1])];
  for (int walked = 0; i != kNone && walked < kWalkMax; ++walked) {
    const int32_t* at = &tokens_[static_cast<size_t>(i)];
    int64_t n = 0;
    // No context has kNone, with which each piece begins.
    while (n < longest && at[-1 - n] == end[-1 - n]) ++n;
    if (*at != kNone && n >= kContextMin && !visit(i, static_cast<int32_t>(n))) return;
    i = previous_[static_cast<size_t>(i)];
  }
}

void CodeIndex::Chains::Lookup(std::span<const int32_t> context, std::vector<Place>* places) const {
  Walk(context, [&](int32_t position, int32_t n_context) {
    places->push_back({tokens_[static_cast<size_t>(position)], n_context});
    return static_cast<int64_t>(places->size()) < kPlacesMax;
  });
}

std::pair<int64_t, int32_t> CodeIndex::Chains::Longest(std::span<const int32_t> context) const {
  std::pair<int64_t, int32_t> best{0, 0};
  Walk(context, [&](int32_t position, int32_t n_context) {
    if (n_context > best.second) best = {position, n_context};
    return n_context < kContextMax;
  });
  return best;
}

std::span<const int32_t> CodeIndex::Chains::From(int64_t position, int64_t n_max) const {
  const auto all = std::span(tokens_).subspan(static_cast<size_t>(position));
  const auto first = all.first(std::min(all.size(), static_cast<size_t>(n_max)));
  return first.first(static_cast<size_t>(std::ranges::find(first, kNone) - first.begin()));
}

Result<int64_t> CodeIndex::Append(CodeSource source, std::span<const int32_t> lead,
                                  std::span<const int32_t> tokens) {
  const auto is_bad = [](int32_t id) { return id < 0; };
  if (std::ranges::any_of(lead, is_bad) || std::ranges::any_of(tokens, is_bad)) {
    return Status::BadRequest("cannot remember a text: an id is below 0");
  }
  lead = lead.last(std::min(lead.size(), static_cast<size_t>(kContextMax)));
  const auto n = static_cast<int64_t>(1 + lead.size() + tokens.size());
  const std::lock_guard lock(mutex_);
  const auto n_all = [&] { return chains_[0].size() + chains_[1].size(); };
  for (const CodeSource each : {CodeSource::kFile, CodeSource::kWorkspace}) {
    if (n_all() + n > n_token_max_ && chains(each).n_dead() > 0 && !TryCompact(each)) {
      return Status::OutOfMemory();
    }
  }
  if (n_all() + n > n_token_max_) {
    return Status::Memory("cannot remember more code: the index holds " +
                          std::to_string(n_token_max_) + " tokens; forget other documents first");
  }
  // Appended last: what fails leaves nothing behind that no piece names.
  auto piece = pieces_.end();
  try {
    piece = pieces_.emplace_hint(pieces_.end(), n_piece_ + 1, Piece{source, 0, 0});
    const int64_t begin = chains(source).Append(lead, tokens);
    piece->second = Piece{source, begin, begin + n};
  } catch (const std::bad_alloc&) {
    if (piece != pieces_.end()) pieces_.erase(piece);
    return Status::OutOfMemory();
  }
  return ++n_piece_;
}

void CodeIndex::Forget(int64_t piece) {
  const std::lock_guard lock(mutex_);
  const auto found = pieces_.find(piece);
  if (found == pieces_.end()) return;
  const auto [source, begin, end] = found->second;
  pieces_.erase(found);
  Chains& all = chains(source);
  all.Forget(begin, end);
  // Where that fails it is done with one of the next ones.
  if (all.n_dead() >= kDeadMin && 3 * all.n_dead() > all.size()) TryCompact(source);
}

// False: there is no memory for it, and nothing has changed.
bool CodeIndex::TryCompact(CodeSource source) {
  try {
    std::vector<std::pair<int64_t*, int64_t*>> ranges;
    for (auto& [number, piece] : pieces_) {
      if (piece.source == source) ranges.emplace_back(&piece.begin, &piece.end);
    }
    chains(source).Compact(std::move(ranges));
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void CodeIndex::Lookup(CodeSource source, std::span<const int32_t> context,
                       std::vector<Place>* places) const {
  places->clear();
  const std::lock_guard lock(mutex_);
  chains_[static_cast<size_t>(source)].Lookup(context, places);
}

int32_t CodeIndex::Continue(std::span<const int32_t> context, int64_t n_token_max,
                            std::vector<int32_t>* tokens) const {
  tokens->clear();
  const std::lock_guard lock(mutex_);
  int32_t longest = 0;
  for (const Chains& each : chains_) {
    const auto [position, n_context] = each.Longest(context);
    if (n_context <= longest) continue;
    longest = n_context;
    const auto from = each.From(position, n_token_max);
    tokens->assign(from.begin(), from.end());
  }
  return longest;
}

int64_t CodeIndex::n_token() const {
  const std::lock_guard lock(mutex_);
  int64_t n = 0;
  for (const Chains& each : chains_) n += each.size() - each.n_dead();
  return n;
}

size_t CodeIndex::bytes() const {
  const std::lock_guard lock(mutex_);
  size_t n = 0;
  for (const Chains& each : chains_) n += each.bytes();
  return n;
}

}  // namespace hearth
