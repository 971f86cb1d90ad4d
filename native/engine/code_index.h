// The memory of the code at hand: token ids of documents, in which the places are found where the
// last tokens of a text have occurred before, with what followed them there. Hash chains as zlib's
// deflate has them (RFC 1951, 4): appending is O(1), the latest places come first, and what is
// forgotten is only marked; a suffix automaton could not forget, a suffix array would be rebuilt.
#ifndef HEARTH_ENGINE_CODE_INDEX_H_
#define HEARTH_ENGINE_CODE_INDEX_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "base/status.h"

namespace hearth {

// Where a piece of text comes from: the open document and others that are open, or the files of the
// workspace.
enum class CodeSource { kFile, kWorkspace };
inline constexpr size_t kCodeSources = 2;

// A document is a number of pieces, runs of whole lines, in any order: a change of the document
// forgets the pieces that it changes and appends new ones. Thread-safe.
class CodeIndex {
 public:
  static constexpr int64_t kContextMin = 2;  // tokens that must have occurred before
  static constexpr int64_t kContextMax = 32;
  static constexpr int64_t kPlacesMax = 64;              // the latest ones, of each source
  static constexpr int64_t kTokensMax = 2'000'000;       // with leads, and one more for each piece
  static constexpr size_t kBytesMax = 24 * 1000 * 1000;  // what kTokensMax take at most

  explicit CodeIndex(int64_t n_token_max = kTokensMax) : n_token_max_(n_token_max) {}

  // What followed the end of a context somewhere.
  struct Place {
    int32_t id;
    int32_t n_context;  // tokens of the context's end that stand before it, up to kContextMax
  };

  // Adds a piece, the latest of its source, and returns its number. `lead`: tokens that stand
  // before it in its document, of which the last kContextMax matter; they are context for what
  // follows and follow nothing themselves. kBadRequest: an id below 0. kMemory, and nothing is
  // added: more than n_token_max tokens, or there is no memory.
  Result<int64_t> Append(CodeSource source, std::span<const int32_t> lead,
                         std::span<const int32_t> tokens);

  // No lookup finds the piece from now on, and its tokens are overwritten. A number that is none,
  // or none any more, is ignored.
  void Forget(int64_t piece);

  // The places of a source, the latest first, that at least kContextMin tokens of the context's end
  // precede. O(kPlacesMax * kContextMax).
  void Lookup(CodeSource source, std::span<const int32_t> context,
              std::vector<Place>* places) const;

  // What followed the place with the most tokens of the context's end before it, at least
  // kContextMin: up to n_token_max tokens of its piece. The open document wins a tie, then the
  // latest place. Returns how many tokens of context those are, up to kContextMax; 0, and no token,
  // where there is none.
  int32_t Continue(std::span<const int32_t> context, int64_t n_token_max,
                   std::vector<int32_t>* tokens) const;

  int64_t n_token() const;
  size_t bytes() const;  // allocated

 private:
  // tokens_[i] is linked by a hash of the two tokens before it. Each piece begins with kNone, where
  // a comparison backwards ends.
  class Chains {
   public:
    int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
    int64_t n_dead() const { return n_dead_; }
    size_t bytes() const;
    // Returns the position of the piece's first element.
    int64_t Append(std::span<const int32_t> lead, std::span<const int32_t> tokens);
    void Forget(int64_t begin, int64_t end);
    void Lookup(std::span<const int32_t> context, std::vector<Place>* places) const;
    // The position behind the longest context, the latest among equals, and its length: 0 for none.
    std::pair<int64_t, int32_t> Longest(std::span<const int32_t> context) const;
    // Up to n_max tokens from a position on, to the end of its piece.
    std::span<const int32_t> From(int64_t position, int64_t n_max) const;
    // Keeps the ranges [begin, end), which rise, and moves them together; they become the new ones.
    void Compact(std::vector<std::pair<int64_t*, int64_t*>> ranges);

   private:
    static constexpr int32_t kNone = -1;
    // Calls visit(position, n_context) for places, the latest first, until it returns false.
    template <typename Visit>
    void Walk(std::span<const int32_t> context, Visit visit) const;
    void Reserve(size_t n);
    std::vector<int32_t> MoreHeads(size_t n_lead, size_t n_token) const;
    size_t Bucket(int32_t before, int32_t last) const;
    void Link(int64_t position);
    void LinkAll();

    std::vector<int32_t> tokens_;
    std::vector<int32_t> previous_;  // of the same bucket; kNone: there is none
    std::vector<int32_t> heads_;     // [a power of two] the latest of each bucket
    // Positions that a lead's or a piece's first tokens take are never linked.
    std::vector<bool> is_linked_;
    int64_t n_linked_ = 0;
    int64_t n_dead_ = 0;
  };

  struct Piece {
    CodeSource source;
    int64_t begin;
    int64_t end;
  };

  bool TryCompact(CodeSource source);
  Chains& chains(CodeSource source) { return chains_[static_cast<size_t>(source)]; }

  const int64_t n_token_max_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::array<Chains, kCodeSources> chains_;
  std::map<int64_t, Piece> pieces_;  // by number: of one source, in the order of their positions
  int64_t n_piece_ = 0;              // that there have been
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_CODE_INDEX_H_
