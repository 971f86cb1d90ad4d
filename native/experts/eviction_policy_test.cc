// Who goes first.
#include "experts/eviction_policy.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/testing.h"
#include "experts/lru_policy.h"
#include "experts/reuse_distance_policy.h"

namespace hearth {
namespace {

using Ids = std::vector<int>;

TEST(LruPolicy, KeepsItsOrderWhenASlotMoves) {
  LruPolicy policy(4);
  const auto any = [](int) { return true; };
  for (const int slot : {3, 0, 2}) policy.Touch(slot, 0);
  policy.Move(3, 1);
  EXPECT_TRUE(policy.BestFirst() == (std::vector<int>{2, 0, 1}));
  EXPECT_EQ(policy.Victim(any), 1);
  policy.Move(2, 3);
  EXPECT_TRUE(policy.BestFirst() == (std::vector<int>{3, 0, 1}));
}

TEST(LruPolicy, GivesUpTheOldest) {
  LruPolicy policy(4);
  const auto any = [](int) { return true; };
  EXPECT_EQ(policy.Victim(any), -1);
  for (const int slot : {2, 0, 3, 1, 2}) policy.Touch(slot, 0);
  EXPECT_EQ(policy.Victim(any), 0);
  EXPECT_EQ(policy.Victim([](int slot) { return slot != 0 && slot != 3; }), 1);
  policy.Remove(0);
  policy.Remove(0);
  EXPECT_EQ(policy.Victim(any), 3);
  policy.Touch(0, 0);
  policy.Touch(3, 0);
  EXPECT_EQ(policy.Victim(any), 1);
  for (const int slot : {0, 1, 2, 3}) policy.Remove(slot);
  EXPECT_EQ(policy.Victim(any), -1);
}

// Four layers of eight experts; slot s holds expert s % 8 of layer s / 8.
struct FullPolicy {
  FullPolicy() : policy(32, 4, 8, 2) {
    for (int slot = 0; slot < 32; ++slot) policy.Touch(slot, slot);
  }
  void Pass(const Ids& ids, int n_token = 1, int n_token_next = 1, int n_layer = 4) {
    for (int il = 0; il < n_layer; ++il) policy.Visit({il, ids, {}, n_token, n_token_next});
  }
  Ids Order() {
    Ids order;
    while (order.size() < 32) {
      const int slot = policy.Victim([&](int candidate) {
        return std::find(order.begin(), order.end(), candidate) == order.end();
      });
      if (slot < 0) break;
      order.push_back(slot);
    }
    return order;
  }
  ReuseDistancePolicy policy;
};

TEST(ReuseDistancePolicy, KeepsWhatIsChosenOften) {
  FullPolicy full;
  for (int i = 0; i < 1000; ++i) full.Pass(i % 5 == 0 ? Ids{0, 2} : Ids{0, 1});
  const Ids order = full.Order();
  ASSERT_TRUE(order.size() == 32);
  // Never chosen, then one time in five, then, by how long it is until their layers come, four in
  // five before always.
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(order[static_cast<size_t>(i)] % 8 >= 3);
  EXPECT_TRUE(Ids(order.begin() + 20, order.end()) ==
              (Ids{26, 18, 10, 2, 25, 24, 17, 16, 9, 8, 1, 0}));
}

TEST(ReuseDistancePolicy, ForgetsWhatWasChosenOnce) {
  FullPolicy full;
  for (int i = 0; i < 300; ++i) full.Pass({5});
  for (int i = 0; i < 400; ++i) full.Pass({6});
  const Ids order = full.Order();
  EXPECT_TRUE(Ids(order.end() - 4, order.end()) == (Ids{30, 22, 14, 6}));
  EXPECT_TRUE(Ids(order.end() - 8, order.end() - 4) == (Ids{29, 21, 13, 5}));
}

TEST(ReuseDistancePolicy, KeepsWhatWasNearlyChosen) {
  FullPolicy full;
  const std::vector<int32_t> behind = {3, 4};
  for (int i = 0; i < 300; ++i) {
    // 5 is chosen one time in ten, which is worth less than always coming next.
    const Ids ids = {i % 10 == 0 ? 5 : 0, 1};
    for (int il = 0; il < 4; ++il) full.policy.Visit({il, ids, {}, 1, 1, behind});
  }
  const Ids order = full.Order();
  ASSERT_TRUE(order.size() == 32);
  std::vector<int> place(8);
  for (int i = 0; i < 32; ++i) place[static_cast<size_t>(order[static_cast<size_t>(i)] % 8)] += i;
  // By their places in the order, added up over the layers: who stays longest has the most.
  const auto goes_before = [&](size_t a, size_t b) { return place[a] < place[b]; };
  EXPECT_TRUE(goes_before(2, 5) && goes_before(5, 3) && goes_before(3, 0) && goes_before(0, 1));
  EXPECT_TRUE(goes_before(5, 4) && goes_before(4, 0));
}

TEST(ReuseDistancePolicy, TakesAChunkForItsTokensInOrder) {
  FullPolicy one_by_one;
  FullPolicy at_once;
  std::vector<int32_t> choices;
  for (int32_t t = 0; t < 40; ++t) {
    const int32_t id = t < 20 ? 3 : 4 + t % 2;
    choices.push_back(id);
    choices.push_back(7);
    for (int il = 0; il < 4; ++il) one_by_one.policy.Visit({il, Ids{id, 7}, {}});
  }
  const Ids distinct = {3, 4, 5, 7};
  for (int il = 0; il < 4; ++il) at_once.policy.Visit({il, distinct, choices, 40, 1});
  const Ids order = at_once.Order();
  EXPECT_TRUE(order == one_by_one.Order());
  EXPECT_EQ(order.back() % 8, 7);
}

// A prompt's chunks need every expert of each layer: what the pass is through with is needed last.
TEST(ReuseDistancePolicy, GivesUpTheLayersBehindAPrompt) {
  FullPolicy full;
  const Ids all = {0, 1, 2, 3, 4, 5, 6, 7};
  full.Pass(all, 128, 128);
  full.Pass(all, 128, 128, 2);  // layers 0 and 1 again: 1 is at hand
  const Ids order = full.Order();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(order[static_cast<size_t>(i)] / 8, 1);
  for (int i = 8; i < 16; ++i) EXPECT_EQ(order[static_cast<size_t>(i)] / 8, 0);
  for (int i = 16; i < 24; ++i) EXPECT_EQ(order[static_cast<size_t>(i)] / 8, 3);
  for (int i = 24; i < 32; ++i) EXPECT_EQ(order[static_cast<size_t>(i)] / 8, 2);
}

TEST(ReuseDistancePolicy, FollowsSlotsThatMoveAndEnd) {
  FullPolicy full;
  full.Pass({0});
  full.policy.Remove(31);
  full.policy.Move(0, 31);
  const std::vector<int> best = full.policy.BestFirst();
  EXPECT_EQ(best.size(), 31u);
  EXPECT_EQ(best.front(), 31);
  full.policy.Remove(31);
  EXPECT_EQ(full.policy.BestFirst().front(), 8);
  EXPECT_EQ(full.policy.Victim([](int) { return false; }), -1);
}

}  // namespace
}  // namespace hearth
