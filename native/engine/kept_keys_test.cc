// Keys and values that leave a session and go into another one: what is evaluated then, and that no
// bit depends on it.
#include <algorithm>
#include <random>
#include <vector>

#include "base/testing.h"
#include "engine/engine.h"
#include "engine/model_testing.h"

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;

EngineOptions Small(int64_t n_kept) {
  EngineOptions options;
  options.n_chunk = 32;
  options.n_ctx = 1200;
  options.n_kept = n_kept;
  return options;
}

// Everything that `from` keeps, `step` positions at a time, into `to`.
int64_t Move(const Session& from, Session& to, int64_t step) {
  const std::span<const int32_t> tokens = from.KeptTokens();
  const auto n = static_cast<int64_t>(tokens.size());
  for (int64_t begin = 0; begin < n; begin += step) {
    const int64_t end = std::min(n, begin + step);
    Result<std::vector<std::byte>> keys = from.CopyKeys(begin, end);
    CHECK(keys.ok(), "they are kept");
    const auto part = tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    EXPECT_TRUE(to.Adopt(part, keys.value()).ok());
  }
  return n;
}

bool SameLogits(const Session& a, const Session& b) {
  return !a.logits().empty() &&
         std::equal(a.logits().begin(), a.logits().end(), b.logits().begin(), b.logits().end());
}

// In another engine, as the next process has one; windows of 16 wrap round, prompts are longer than
// what is kept.
TEST(KeptKeys, AnotherEngineGoesOnWithThemAndGivesTheBitsOfAFreshSession) {
  for (const Gating gating : {Gating::kSoftmax, Gating::kSigmoid}) {
    const RandomModel model(TensorType::kQ4_0, gating);
    for (const int64_t n_kept : {600, 90}) {
      for (const size_t n_token : {1, 33, 250, 700}) {
        std::unique_ptr<Engine> first =
            std::move(Engine::Load(model.spec(), Small(n_kept), nullptr)).value();
        std::unique_ptr<Session> before = std::move(first->NewSession()).value();
        Tokens prompt = model.Tokens(n_token, 7);
        ASSERT_TRUE(before->Sync(prompt, {}).ok());
        for (int32_t token = 3; token < 9; ++token)
          ASSERT_TRUE(before->Append(token, nullptr).ok());
        std::unique_ptr<Engine> second =
            std::move(Engine::Load(model.spec(), Small(n_kept), nullptr)).value();
        std::unique_ptr<Session> after = std::move(second->NewSession()).value();
        const int64_t n = Move(*before, *after, 64);
        EXPECT_EQ(n, std::min<int64_t>(static_cast<int64_t>(n_token), n_kept));
        EXPECT_TRUE(after->logits().empty());
        // As it was, and with a key that was typed.
        for (const bool typed : {false, true}) {
          if (typed) prompt.push_back(11);
          Result<SyncReport> report = after->Sync(prompt, {});
          ASSERT_TRUE(report.ok());
          const auto n_prompt = static_cast<int64_t>(prompt.size());
          if (!typed) EXPECT_EQ(report.value().n_reused, std::min(n, n_prompt - 1));
          std::unique_ptr<Session> fresh = std::move(second->NewSession()).value();
          ASSERT_TRUE(fresh->Sync(prompt, {}).ok());
          EXPECT_TRUE(SameLogits(*after, *fresh));
          for (int32_t token = 20; token < 24; ++token) {
            ASSERT_TRUE(after->Append(token, nullptr).ok());
            ASSERT_TRUE(fresh->Append(token, nullptr).ok());
            EXPECT_TRUE(SameLogits(*after, *fresh));
          }
        }
      }
    }
  }
}

TEST(KeptKeys, APromptThatBranchesOffReusesWhatItShares) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  std::unique_ptr<Engine> engine =
      std::move(Engine::Load(model.spec(), Small(600), nullptr)).value();
  std::unique_ptr<Session> before = std::move(engine->NewSession()).value();
  Tokens prompt = model.Tokens(200, 1);
  ASSERT_TRUE(before->Sync(prompt, {}).ok());
  std::unique_ptr<Session> after = std::move(engine->NewSession()).value();
  Move(*before, *after, 50);
  prompt[120] = (prompt[120] + 1) % 50;
  EXPECT_EQ(after->Sync(prompt, {}).value().n_reused, 120);
  std::unique_ptr<Session> fresh = std::move(engine->NewSession()).value();
  ASSERT_TRUE(fresh->Sync(prompt, {}).ok());
  EXPECT_TRUE(SameLogits(*after, *fresh));
}

TEST(KeptKeys, WhatDoesNotFitIsRefusedAndTheTimelineStays) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  std::unique_ptr<Engine> engine =
      std::move(Engine::Load(model.spec(), Small(90), nullptr)).value();
  std::unique_ptr<Session> before = std::move(engine->NewSession()).value();
  EXPECT_TRUE(before->KeptTokens().empty());
  EXPECT_EQ(before->CopyKeys(0, 1).status().code(), StatusCode::kBadRequest);
  const Tokens prompt = model.Tokens(150, 1);
  ASSERT_TRUE(before->Sync(prompt, {}).ok());
  for (const auto& [begin, end] : {std::pair(-1, 3), {5, 5}, {9, 4}, {0, 91}, {89, 1 << 30}})
    EXPECT_EQ(before->CopyKeys(begin, end).status().code(), StatusCode::kBadRequest);
  std::vector<std::byte> keys = std::move(before->CopyKeys(0, 90)).value();
  const std::span<const int32_t> tokens = before->KeptTokens();
  std::unique_ptr<Session> after = std::move(engine->NewSession()).value();
  const auto refused = [&](std::span<const int32_t> some, std::span<const std::byte> with) {
    return after->Adopt(some, with).code() == StatusCode::kBadRequest;
  };
  EXPECT_TRUE(refused({}, {}));
  EXPECT_TRUE(refused(tokens, std::span(keys).first(keys.size() - 1)));
  EXPECT_TRUE(refused(tokens.first(89), keys));
  const Tokens foreign(90, 50);
  EXPECT_TRUE(refused(foreign, keys));
  const Tokens negative(90, -1);
  EXPECT_TRUE(refused(negative, keys));
  EXPECT_TRUE(after->tokens().empty());
  ASSERT_TRUE(after->Adopt(tokens, keys).ok());
  // There are 90 already.
  EXPECT_TRUE(refused(tokens.first(45), std::span(keys).first(keys.size() / 2)));
  EXPECT_EQ(after->Sync(prompt, {}).value().n_reused, 90);
  EXPECT_TRUE(SameLogits(*after, *before));
}

}  // namespace
}  // namespace hearth
