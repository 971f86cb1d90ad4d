#include "engine/code_index.h"

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "base/testing.h"

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;
using Places = std::vector<std::pair<int32_t, int32_t>>;
constexpr CodeSource kFile = CodeSource::kFile;
constexpr CodeSource kWorkspace = CodeSource::kWorkspace;

int64_t Append(CodeIndex& index, CodeSource source, const Tokens& tokens, const Tokens& lead = {}) {
  return std::move(index.Append(source, lead, tokens)).value();
}

Places Find(const CodeIndex& index, CodeSource source, const Tokens& context) {
  std::vector<CodeIndex::Place> places;
  index.Lookup(source, context, &places);
  Places found;
  for (const auto& place : places) found.emplace_back(place.id, place.n_context);
  return found;
}

TEST(CodeIndex, TellsWhatFollowedTheLatestFirst) {
  CodeIndex index;
  Append(index, kFile, {1, 2, 3, 4, 9, 2, 3, 5});
  Append(index, kFile, {2, 3, 6});
  EXPECT_TRUE(Find(index, kFile, {8, 2, 3}) == Places({{6, 2}, {5, 2}, {4, 2}}));
  EXPECT_TRUE(Find(index, kFile, {7, 9, 2, 3}) == Places({{6, 2}, {5, 3}, {4, 2}}));
  EXPECT_TRUE(Find(index, kFile, {3, 2}).empty());
  EXPECT_TRUE(Find(index, kFile, {3}).empty());
  EXPECT_TRUE(Find(index, kFile, {}).empty());
  EXPECT_TRUE(Find(index, kWorkspace, {2, 3}).empty());
}

TEST(CodeIndex, ReadsALeadAsContextAlone) {
  CodeIndex index;
  Append(index, kFile, {4, 5}, {1, 2, 3});
  EXPECT_TRUE(Find(index, kFile, {1, 2, 3}) == Places({{4, 3}}));
  EXPECT_TRUE(Find(index, kFile, {1, 2}).empty());
  EXPECT_TRUE(Find(index, kFile, {3, 4}) == Places({{5, 2}}));
  // Of a longer one as much as counts.
  Tokens lead(100);
  for (int32_t i = 0; i < 100; ++i) lead[static_cast<size_t>(i)] = 1000 + i;
  Append(index, kFile, {7}, lead);
  EXPECT_TRUE(Find(index, kFile, lead) == Places({{7, 32}}));
  EXPECT_EQ(index.n_token(), 6 + 34);
}

TEST(CodeIndex, NeverReadsAcrossPieces) {
  CodeIndex index;
  Append(index, kFile, {1, 2});
  Append(index, kFile, {3, 1, 2, 4});
  EXPECT_TRUE(Find(index, kFile, {1, 2}) == Places({{4, 2}}));
  EXPECT_TRUE(Find(index, kFile, {2, 3}).empty());
}

TEST(CodeIndex, ForgetsAtOnce) {
  CodeIndex index;
  const int64_t first = Append(index, kFile, {1, 2, 3});
  const int64_t second = Append(index, kFile, {1, 2, 4}, {5});
  Append(index, kWorkspace, {1, 2, 5});
  index.Forget(second);
  EXPECT_TRUE(Find(index, kFile, {1, 2}) == Places({{3, 2}}));
  EXPECT_EQ(index.n_token(), 4 + 4);
  index.Forget(second);
  index.Forget(77);
  index.Forget(first);
  EXPECT_TRUE(Find(index, kFile, {1, 2}).empty());
  EXPECT_TRUE(Find(index, kWorkspace, {1, 2}) == Places({{5, 2}}));
}

TEST(CodeIndex, GoesOnFromTheLongestContext) {
  CodeIndex index;
  Tokens found;
  EXPECT_EQ(index.Continue(Tokens{1, 2}, 7, &found), 0);
  EXPECT_TRUE(found.empty());
  Append(index, kFile, {9, 1, 2, 3, 4, 5, 6});
  Append(index, kFile, {8, 1, 2, 7});
  Append(index, kWorkspace, {8, 9, 1, 2, 10, 11});
  // To the end of the piece, or as many as are asked for.
  EXPECT_EQ(index.Continue(Tokens{9, 1, 2}, 7, &found), 3);
  EXPECT_TRUE(found == Tokens({3, 4, 5, 6}));
  EXPECT_EQ(index.Continue(Tokens{9, 1, 2}, 2, &found), 3);
  EXPECT_TRUE(found == Tokens({3, 4}));
  // The workspace's place has one more; of equals the latest.
  EXPECT_EQ(index.Continue(Tokens{8, 9, 1, 2}, 7, &found), 4);
  EXPECT_TRUE(found == Tokens({10, 11}));
  EXPECT_EQ(index.Continue(Tokens{5, 1, 2}, 7, &found), 2);
  EXPECT_TRUE(found == Tokens({7}));
  EXPECT_EQ(index.Continue(Tokens{2, 1}, 7, &found), 0);
  EXPECT_TRUE(found.empty());
}

TEST(CodeIndex, EndsAWalkAtTheLatestPlaces) {
  CodeIndex index;
  for (int32_t i = 0; i < 200; ++i) Append(index, kFile, {1, 2, 100 + i});
  const Places found = Find(index, kFile, {1, 2});
  EXPECT_EQ(static_cast<int64_t>(found.size()), CodeIndex::kPlacesMax);
  EXPECT_EQ(found.front().first, 299);
  EXPECT_EQ(found.back().first, 236);
}

TEST(CodeIndex, RefusesMoreThanItHolds) {
  CodeIndex index(10);
  const int64_t piece = Append(index, kFile, {1, 2, 3, 4});
  Append(index, kWorkspace, {1, 2, 7});
  EXPECT_TRUE(index.Append(kFile, {}, Tokens{1}).status().code() == StatusCode::kMemory);
  EXPECT_EQ(index.n_token(), 9);
  // What has been forgotten makes room.
  index.Forget(piece);
  Append(index, kFile, {1, 2, 5, 6});
  EXPECT_TRUE(Find(index, kFile, {1, 2}) == Places({{5, 2}}));
  EXPECT_TRUE(Find(index, kWorkspace, {1, 2}) == Places({{7, 2}}));
  EXPECT_TRUE(index.Append(kFile, {}, Tokens{1}).status().code() == StatusCode::kMemory);
  EXPECT_TRUE(index.Append(kFile, Tokens{-1}, Tokens{1}).status().code() ==
              StatusCode::kBadRequest);
}

TEST(CodeIndex, TakesTheMemoryItSays) {
  CodeIndex index;
  std::mt19937 random(1);
  Tokens tokens(1000);
  int n = 0;
  for (;; ++n) {
    for (int32_t& id : tokens) id = static_cast<int32_t>(random() % 50'000);
    if (!index.Append(n % 3 == 0 ? kFile : kWorkspace, {}, tokens).ok()) break;
  }
  EXPECT_EQ(n, 1998);
  EXPECT_LE(index.bytes(), CodeIndex::kBytesMax);
}

// Against pieces that are searched from end to end, through many changes and compactions.
TEST(CodeIndex, FindsWhatASearchFinds) {
  CodeIndex index;
  std::mt19937 random(7);
  struct Known {
    CodeSource source;
    Tokens lead;
    Tokens tokens;
  };
  std::map<int64_t, Known> known;
  const auto some = [&](size_t n_max) {
    Tokens tokens(random() % n_max);
    for (int32_t& id : tokens) id = static_cast<int32_t>(random() % 12);
    return tokens;
  };
  for (int round = 0; round < 2000; ++round) {
    const Known piece{random() % 2 == 0 ? kFile : kWorkspace, some(5), some(40)};
    known[Append(index, piece.source, piece.tokens, piece.lead)] = piece;
    if (known.size() > 40) {
      const auto at = std::next(known.begin(), static_cast<std::ptrdiff_t>(random() % 40));
      index.Forget(at->first);
      known.erase(at);
    }
    const Tokens context = some(8);
    for (const CodeSource source : {kFile, kWorkspace}) {
      Places expected;
      for (auto at = known.rbegin(); at != known.rend(); ++at) {
        if (at->second.source != source) continue;
        Tokens all = at->second.lead;
        all.insert(all.end(), at->second.tokens.begin(), at->second.tokens.end());
        for (size_t i = all.size(); i-- > at->second.lead.size();) {
          size_t n = 0;
          while (n < std::min(i, context.size()) &&
                 all[i - 1 - n] == context[context.size() - 1 - n]) {
            ++n;
          }
          if (n >= 2) expected.emplace_back(all[i], static_cast<int32_t>(n));
        }
      }
      if (expected.size() > 64) expected.resize(64);
      if (context.size() < 2) expected.clear();
      ASSERT_TRUE(Find(index, source, context) == expected);
    }
  }
}

}  // namespace
}  // namespace hearth
