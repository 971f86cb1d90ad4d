#include "engine/prompt_lookup.h"

#include <algorithm>
#include <vector>

#include "base/testing.h"
#include "engine/rig_testing.h"

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;

Tokens DraftAfter(PromptLookup& lookup, const Tokens& timeline) {
  lookup.Note(timeline);
  const auto draft = lookup.Draft(timeline);
  return {draft.begin(), draft.end()};
}

TEST(PromptLookup, CopiesWhatFollowedTheLongestMatch) {
  PromptLookup lookup(0);
  EXPECT_EQ(DraftAfter(lookup, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2, 3}),
            Tokens({4, 5, 6, 7, 8, 9, 10}));
  // Both positions follow 2 3 4, but the first one matches further back.
  lookup.Begin();
  EXPECT_EQ(DraftAfter(lookup, {9, 2, 3, 4, 50, 7, 2, 3, 4, 60, 9, 2, 3, 4})[0], 50);
  // Of equals the later one.
  lookup.Begin();
  EXPECT_EQ(DraftAfter(lookup, {9, 2, 3, 4, 50, 9, 2, 3, 4, 60, 9, 2, 3, 4})[0], 60);
  // What repeats itself is read on into its own end.
  lookup.Begin();
  EXPECT_EQ(DraftAfter(lookup, {1, 2, 1, 2, 1, 2}), Tokens({1, 2}));
}

TEST(PromptLookup, SaysNothingWithoutAMatch) {
  PromptLookup lookup(0.1);
  EXPECT_TRUE(lookup.Draft(Tokens()).empty());
  EXPECT_TRUE(DraftAfter(lookup, {1}).empty());
  EXPECT_TRUE(DraftAfter(lookup, {1, 2, 3, 4, 9, 2, 3}).empty());
  EXPECT_TRUE(DraftAfter(lookup, {1, 1, 1}).empty());
}

TEST(PromptLookup, DraftsLessAsItErrsAndMoreAsItHits) {
  // 100 distinct tokens, then the same again with or without faults.
  Tokens known;
  for (int32_t i = 0; i < 100; ++i) known.push_back(i);
  PromptLookup lookup(0.4);
  Tokens timeline = known;
  size_t longest = 0;
  for (int32_t i = 0; i < 40; ++i) {
    timeline.push_back(i);
    longest = DraftAfter(lookup, timeline).size();
  }
  EXPECT_EQ(static_cast<int64_t>(longest), PromptLookup::kDraftMax);
  for (int32_t i = 40; i < 80; ++i) {
    timeline.push_back(i % 4 == 0 ? 1000 + i : i);
    longest = DraftAfter(lookup, timeline).size();
  }
  EXPECT_EQ(longest, 0u);
  // Nothing was drafted meanwhile, and yet it is noticed that copying would pay again.
  for (int32_t i = 0; i < 20; ++i) {
    timeline.push_back(i);
    longest = DraftAfter(lookup, timeline).size();
  }
  EXPECT_GT(longest, 0u);
}

TEST(PromptLookup, AnExpensiveTokenIsNotWorthAGuess) {
  PromptLookup lookup(0.95);
  EXPECT_TRUE(DraftAfter(lookup, {1, 2, 3, 4, 1, 2, 3}).empty());
}

// Greedy tokens after a prompt, and the logits before each.
struct Generated {
  Tokens tokens;
  std::vector<float> logits;
};

int32_t Best(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

Generated Generate(Session& session, const Tokens& prompt, int n_token) {
  Generated generated;
  EXPECT_TRUE(session.Sync(prompt, {}).ok());
  for (int i = 0; i < n_token; ++i) {
    const auto logits = session.logits();
    generated.logits.insert(generated.logits.end(), logits.begin(), logits.end());
    generated.tokens.push_back(Best(logits));
    EXPECT_TRUE(session.Append(generated.tokens.back(), nullptr).ok());
  }
  return generated;
}

TEST(Drafts, ChangeNoBitAndSaveSteps) {
  for (const Gating gating : {Gating::kSigmoid, Gating::kSoftmax}) {
    const RandomModel model(TensorType::kQ4_0, gating);
    for (const int n_slot : {2, 1000}) {
      Rig rig(model.spec(), n_slot, 2, 3, 0);
      DraftCounts counts;
      SessionOptions options;
      options.prompt_lookup = true;
      options.draft_token_cost = 0.1;
      options.draft_counts = &counts;
      const auto plain = rig.NewSession(model.spec());
      const auto drafting = rig.NewSession(model.spec(), options);
      for (uint32_t seed = 0; seed < 3; ++seed) {
        const Tokens prompt = model.Tokens(30, seed);
        const Generated expected = Generate(*plain, prompt, 200);
        const Generated got = Generate(*drafting, prompt, 200);
        EXPECT_TRUE(got.tokens == expected.tokens);
        EXPECT_TRUE(got.logits == expected.logits);
        EXPECT_TRUE(drafting->tokens() == plain->tokens());
        // Another prompt on the same timeline, in the middle of a draft or not.
        const Tokens other(drafting->tokens().begin(), drafting->tokens().end() - 5);
        EXPECT_TRUE(Generate(*drafting, other, 10).logits == Generate(*plain, other, 10).logits);
        // The same prompt: nothing is evaluated, and the logits are those of its end.
        const Tokens same = drafting->tokens();
        EXPECT_EQ(drafting->Sync(same, {}).value().n_evaluated, 0);
        EXPECT_EQ(plain->Sync(same, {}).value().n_evaluated, 0);
        EXPECT_EQ(Best(drafting->logits()), Best(plain->logits()));
      }
      // A small random model soon repeats itself; and not all it repeats is right.
      EXPECT_GT(counts.accepted.load(), 100u);
      EXPECT_GT(counts.drafted.load(), counts.accepted.load());
    }
  }
}

TEST(Drafts, SurviveCancelledStepsAndAFullContext) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSigmoid);
  Rig rig(model.spec(), 1000, 1, 3, 0);
  SessionOptions options;
  options.prompt_lookup = true;
  options.draft_token_cost = 0.1;
  const auto plain = rig.NewSession(model.spec());
  const auto drafting = rig.NewSession(model.spec(), options);
  const Tokens prompt = model.Tokens(30, 1);
  const Generated expected = Generate(*plain, prompt, 226);
  ASSERT_TRUE(drafting->Sync(prompt, {}).ok());
  std::atomic<bool> cancelled{false};
  for (size_t i = 0; i < expected.tokens.size(); ++i) {
    if (i % 3 == 0) {
      ASSERT_TRUE(drafting->BeginAppend(expected.tokens[i], &cancelled).ok());
      bool done = false;
      for (int step = 0; step < 2 && !done; ++step) done = drafting->Step().value();
      if (!done) {
        cancelled = true;
        EXPECT_TRUE(drafting->Step().status().code() == StatusCode::kCancelled);
        cancelled = false;
        ASSERT_TRUE(drafting->Append(expected.tokens[i], nullptr).ok());
      }
    } else {
      ASSERT_TRUE(drafting->Append(expected.tokens[i], nullptr).ok());
    }
    if (i + 1 == expected.tokens.size()) break;
    ASSERT_TRUE(std::equal(drafting->logits().begin(), drafting->logits().end(),
                           expected.logits.begin() + static_cast<ptrdiff_t>((i + 1) * 50)));
  }
  EXPECT_TRUE(drafting->Append(1, nullptr).code() == StatusCode::kBadRequest);
}

}  // namespace
}  // namespace hearth
