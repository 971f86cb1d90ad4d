// Which slot is evicted first.
#include "experts/eviction_policy.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
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
  // By their positions in the order, summed over the layers: the expert that stays longest has the
  // largest sum.
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

// A prompt's chunks need every expert of each layer: the layers already evaluated are needed last.
TEST(ReuseDistancePolicy, GivesUpTheLayersBehindAPrompt) {
  FullPolicy full;
  const Ids all = {0, 1, 2, 3, 4, 5, 6, 7};
  full.Pass(all, 128, 128);
  full.Pass(all, 128, 128, 2);  // layers 0 and 1 again: 1 is current
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

// Fetches one batch after another into a pool of slots, as ExpertCache does without hints.
class SlotPool {
 public:
  SlotPool(int n_layer, int n_expert, int n_used, int n_slot)
      : n_expert_(n_expert),
        policy_(n_slot, n_layer, n_expert, n_used),
        expert_in_(static_cast<size_t>(n_slot), -1) {}

  // The experts that were evicted, in order.
  Ids Fetch(const LayerVisit& visit) {
    policy_.Visit(visit);
    Ids wanted;
    for (const int id : visit.ids) wanted.push_back(visit.il * n_expert_ + id);
    Ids missing;
    for (const int expert : wanted) {
      const int slot = SlotOf(expert);
      if (slot < 0) {
        missing.push_back(expert);
      } else {
        policy_.Touch(slot, expert);
      }
    }
    Ids evicted;
    for (const int expert : missing) {
      int slot = SlotOf(-1);
      if (slot < 0) {
        slot = policy_.Victim([&](int candidate) {
          return std::find(wanted.begin(), wanted.end(), In(candidate)) == wanted.end();
        });
        evicted.push_back(In(slot));
      }
      In(slot) = expert;
      policy_.Touch(slot, expert);
    }
    return evicted;
  }

 private:
  int& In(int slot) { return expert_in_[static_cast<size_t>(slot)]; }
  int SlotOf(int expert) const {
    const auto it = std::find(expert_in_.begin(), expert_in_.end(), expert);
    return it == expert_in_.end() ? -1 : static_cast<int>(it - expert_in_.begin());
  }

  const int n_expert_;
  ReuseDistancePolicy policy_;
  Ids expert_in_;  // [n_slot], -1: none
};

template <typename Int>
std::vector<Int> NumbersIn(const std::string& text) {
  std::istringstream in(text);
  std::vector<Int> numbers;
  for (Int number; in >> number;) numbers.push_back(number);
  return numbers;
}

// The trace and what goes are written by bench/experts/evictions.test.ts, which explains the file.
TEST(ReuseDistancePolicy, EvictsWhatTheSimulatorEvicts) {
  std::ifstream file(HEARTH_EVICTIONS_GOLDEN);
  std::string line;
  while (std::getline(file, line) && line.starts_with("#")) continue;
  const Ids size = NumbersIn<int>(line);
  ASSERT_EQ(size.size(), 4u);
  SlotPool pool(size[0], size[1], size[2], size[3]);
  int n_evicted = 0;
  for (int n_line = 1; std::getline(file, line); ++n_line) {
    std::vector<std::string> parts;
    std::istringstream in(line);
    for (std::string part; std::getline(in, part, '|');) parts.push_back(part);
    ASSERT_EQ(parts.size(), 4u);
    const Ids head = NumbersIn<int>(parts[0]);
    const std::vector<int32_t> once = NumbersIn<int32_t>(parts[1]);
    const std::vector<int32_t> next_ranked = NumbersIn<int32_t>(parts[2]);
    ASSERT_EQ(head.size(), 3u);
    Ids ids;
    for (const int32_t id : once) {
      if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
    std::vector<int32_t> choices;
    for (int i = 0; i < head[1]; ++i) choices.insert(choices.end(), once.begin(), once.end());
    const int n_token = static_cast<int>(choices.size()) / size[2];
    const Ids evicted = pool.Fetch({head[0], ids, choices, n_token, head[2], next_ranked});
    const Ids expected = NumbersIn<int>(parts[3]);
    n_evicted += static_cast<int>(expected.size());
    if (evicted == expected) continue;
    testing::Fail(__FILE__, __LINE__, "visit " + std::to_string(n_line) + ": " + line);
    return;
  }
  EXPECT_GT(n_evicted, 150);
}

}  // namespace
}  // namespace hearth
