// What the cache does, read by read: every read ends when the test says so.
#include "experts/expert_cache.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/testing.h"
#include "experts/cache_testing.h"

namespace hearth {
namespace {

using Ids = std::vector<int>;
using Experts = std::vector<std::pair<int, int>>;  // layer, id

// A cache of a small model over a ManualReader.
struct Rig {
  explicit Rig(int n_slot, bool read_ahead = true, int n_layer = 2, int n_expert = 24)
      : model(n_layer, n_expert), reader(model) {
    Result<std::unique_ptr<ExpertCache>> made =
        ExpertCache::Create(model.store(), reader, {n_slot, read_ahead, true, Eviction::kLru});
    CHECK(made.ok(), "a small cache fits");
    cache = std::move(made).value();
  }

  // Fetches `ids`, ends all reads, and hands everything out and back. There must be slots enough.
  void Use(int il, const Ids& ids) {
    ExpertBatch batch = cache->Fetch({il, ids});
    reader.FinishAll();
    EXPECT_TRUE(Take(batch, il, static_cast<int>(ids.size()) + 1) == ids);
  }

  // The ids that Next hands out, whose bytes it checks and which it releases.
  Ids Take(ExpertBatch& batch, int il, int max) const {
    Ids ids;
    Result<std::vector<PinnedExpert>> next = batch.Next(max);
    EXPECT_TRUE(next.ok());
    if (!next.ok()) return ids;
    for (const PinnedExpert& expert : next.value()) {
      EXPECT_TRUE(model.Holds(expert.data(), il, expert.id()));
      ids.push_back(expert.id());
    }
    return ids;
  }

  Ids Resident(int il) const {
    Ids ids;
    for (int id = 0; id < model.store().n_expert(); ++id) {
      if (cache->IsResident(il, id)) ids.push_back(id);
    }
    return ids;
  }

  const Watchdog watchdog{"a read that nobody ends, or a lost wake-up"};
  SyntheticModel model;
  ManualReader reader;
  std::unique_ptr<ExpertCache> cache;
};

TEST(ExpertCache, CountsATraceLikeAPencil) {
  Rig rig(3);
  rig.Use(0, {0, 1});  // 2 misses
  rig.Use(1, {0});     // 1 miss: full, oldest first: 0 1 (1,0)
  rig.Use(0, {0});     // hit: 1 (1,0) 0
  rig.Use(0, {3});     // miss, evicts 1: (1,0) 0 3
  rig.Use(0, {1, 0});  // 0 hits; 1 misses and evicts (1,0): 3 0 1
  rig.Use(0, {3});     // hit: 0 1 3
  rig.Use(1, {0});     // miss, evicts 0: 1 3 (1,0)
  rig.Use(0, {3, 1});  // 2 hits
  EXPECT_TRUE(rig.Resident(0) == (Ids{1, 3}));
  EXPECT_TRUE(rig.Resident(1) == (Ids{0}));
  const ExpertCacheStats stats = rig.cache->stats();
  EXPECT_EQ(stats.hits, 5u);
  EXPECT_EQ(stats.misses, 6u);
  EXPECT_EQ(stats.evictions, 3u);
  EXPECT_EQ(stats.late, 0u);
  EXPECT_EQ(stats.hint_reads, 0u);
  EXPECT_EQ(rig.reader.n_submitted(), 6);
  EXPECT_EQ(rig.cache->n_slot(), 3);
}

TEST(ExpertCache, AMissNeverEvictsAHitOfItsOwnBatch) {
  Rig rig(2);
  rig.Use(0, {0});
  rig.Use(0, {1});
  rig.Use(0, {2, 0});  // 0 is the oldest, and needed: 1 goes although the miss comes first
  EXPECT_TRUE(rig.Resident(0) == (Ids{0, 2}));
  EXPECT_EQ(rig.cache->stats().hits, 1u);
}

TEST(ExpertCache, ResidentExpertsNeedNoReaderAndComeAtOnce) {
  Rig rig(24, true, 1);
  Ids all;
  for (int id = 0; id < 24; ++id) all.push_back(id);
  rig.Use(0, all);
  const int n_submitted = rig.reader.n_submitted();
  ExpertBatch batch = rig.cache->Fetch({0, Ids{7, 3, 20, 5}});
  EXPECT_TRUE(rig.Take(batch, 0, 3) == (Ids{7, 3, 20}));
  EXPECT_TRUE(rig.Take(batch, 0, 3) == (Ids{5}));
  EXPECT_TRUE(rig.Take(batch, 0, 3).empty());
  EXPECT_TRUE(rig.Take(batch, 0, 3).empty());
  EXPECT_EQ(rig.reader.n_submitted(), n_submitted);
}

TEST(ExpertCache, HandsOutResidentFirstThenAsTheyArrive) {
  Rig rig(8);
  rig.Use(0, {4, 2});
  ExpertBatch batch = rig.cache->Fetch({0, Ids{1, 2, 3, 4, 5}});
  EXPECT_TRUE(rig.reader.pending() == (Experts{{0, 1}, {0, 3}, {0, 5}}));
  EXPECT_TRUE(rig.Take(batch, 0, 9) == (Ids{2, 4}));
  rig.reader.Finish(0, 5);
  EXPECT_TRUE(rig.Take(batch, 0, 9) == (Ids{5}));
  rig.reader.Finish(0, 3);
  rig.reader.Finish(0, 1);
  EXPECT_TRUE(rig.Take(batch, 0, 9) == (Ids{1, 3}));
  EXPECT_TRUE(rig.Take(batch, 0, 9).empty());
}

TEST(ExpertCache, OneSlotServesABatchOneByOne) {
  Rig rig(1);
  ExpertBatch batch = rig.cache->Fetch({0, Ids{5, 6, 7}});
  rig.cache->Hint(0, Ids{8}, 99);
  EXPECT_TRUE(rig.reader.pending() == (Experts{{0, 5}}));
  for (const int id : {5, 6, 7}) {
    std::thread finisher([&] {
      rig.reader.WaitForSubmitted(id - 4);
      rig.reader.Finish(0, id);
    });
    EXPECT_TRUE(rig.Take(batch, 0, 9) == (Ids{id}));
    finisher.join();
  }
  EXPECT_TRUE(rig.Take(batch, 0, 9).empty());
  rig.cache->Hint(0, Ids{8}, 99);
  EXPECT_EQ(rig.cache->stats().hint_reads, 0u);
  EXPECT_EQ(rig.cache->stats().evictions, 2u);
}

TEST(ExpertCache, NextReadsOnWhileTheCallerComputes) {
  Rig rig(2);
  ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1, 2, 3}});
  rig.reader.FinishAll();
  EXPECT_TRUE(rig.Take(batch, 0, 1) == (Ids{0}));  // no slot was free before it was handed out
  EXPECT_EQ(rig.reader.pending().size(), 0u);
  EXPECT_TRUE(rig.Take(batch, 0, 1) == (Ids{1}));  // 0's slot is: 2 is on its way
  EXPECT_TRUE(rig.reader.pending() == (Experts{{0, 2}}));
  rig.reader.FinishAll();
  EXPECT_TRUE(rig.Take(batch, 0, 1) == (Ids{2}));
  rig.reader.FinishAll();
  EXPECT_TRUE(rig.Take(batch, 0, 1) == (Ids{3}));
}

TEST(ExpertCache, WithoutReadAheadReadsBeginInNext) {
  Rig rig(8, /*read_ahead=*/false);
  rig.cache->Hint(0, Ids{1, 2}, 99);
  ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1, 2}});
  EXPECT_EQ(rig.reader.n_submitted(), 0);
  std::thread finisher([&] {
    rig.reader.WaitForSubmitted(2);
    rig.reader.Finish(0, 1);
  });
  EXPECT_TRUE(rig.Take(batch, 0, 2) == (Ids{1}));
  finisher.join();
  EXPECT_TRUE(rig.reader.pending() ==
              (Experts{{0, 0}}));  // as many as were asked for, not the third
  rig.reader.Finish(0, 0);
  EXPECT_TRUE(rig.Take(batch, 0, 2) == (Ids{0}));
  EXPECT_EQ(rig.reader.n_submitted(), 2);
  EXPECT_EQ(rig.cache->stats().hint_reads, 0u);
}

TEST(ExpertCache, CountsHintsOnceEach) {
  Rig rig(16);
  rig.cache->Hint(1, Ids{0, 1, 2, 0}, 99);
  EXPECT_EQ(rig.cache->stats().hint_reads, 3u);
  EXPECT_TRUE(rig.reader.priority_of(1, 0) == ReadPriority::kSpeculative);
  rig.reader.Finish(1, 0);
  rig.reader.Finish(1, 2);
  ExpertBatch batch = rig.cache->Fetch({1, Ids{0, 1, 3}});  // hit by hint, late, plain miss
  EXPECT_TRUE(rig.reader.priority_of(1, 1) == ReadPriority::kDemand);
  EXPECT_EQ(rig.reader.n_promoted(), 1);
  rig.reader.FinishAll();
  EXPECT_TRUE(rig.Take(batch, 1, 9) == (Ids{0, 1, 3}));
  rig.Use(1, {0, 1, 2});  // only 2 is the first use of a hint's read
  const ExpertCacheStats stats = rig.cache->stats();
  EXPECT_EQ(stats.hits, 4u);
  EXPECT_EQ(stats.misses, 2u);
  EXPECT_EQ(stats.late, 1u);
  EXPECT_EQ(stats.hint_reads, 3u);
  EXPECT_EQ(stats.hint_hits, 2u);
  EXPECT_EQ(rig.reader.n_submitted(), 4);
}

TEST(ExpertCache, AFetchTakesBackWrongGuessesForItsLayer) {
  Rig rig(16);
  rig.cache->Hint(0, Ids{1, 2}, 99);
  rig.cache->Hint(1, Ids{3, 4}, 99);
  const ExpertBatch batch = rig.cache->Fetch({0, Ids{1}});
  EXPECT_TRUE(rig.reader.pending() == (Experts{{0, 1}, {1, 3}, {1, 4}}));
  EXPECT_EQ(rig.cache->stats().withdrawn, 1u);
  EXPECT_EQ(rig.cache->stats().hint_reads, 4u);
  EXPECT_TRUE(rig.reader.priority_of(0, 1) == ReadPriority::kDemand);
  rig.reader.FinishAll();
  EXPECT_TRUE(rig.Resident(0) == (Ids{1}));
  EXPECT_TRUE(rig.Resident(1) == (Ids{3, 4}));
}

TEST(ExpertCache, ShrinksFromTheEndAndKeepsWhatIsWorthMost) {
  Rig rig(4);
  rig.Use(0, {0});
  rig.Use(0, {1});
  rig.Use(0, {2});
  rig.Use(0, {3});
  rig.Use(0, {0});  // 1 is the oldest now, and 3 lies in the last slot
  rig.cache->Resize(2);
  EXPECT_EQ(rig.cache->n_slot(), 2);
  EXPECT_TRUE(rig.Resident(0) == (Ids{0, 3}));
  rig.Use(0, {0});
  rig.Use(0, {3});
  EXPECT_EQ(rig.cache->stats().hits, 3u);
  rig.Use(0, {5});
  EXPECT_TRUE(rig.Resident(0) == (Ids{3, 5}));
  rig.cache->Resize(4);
  rig.Use(0, {6});
  rig.Use(0, {7});
  EXPECT_TRUE(rig.Resident(0) == (Ids{3, 5, 6, 7}));
}

TEST(ExpertCache, ShrinkingWaitsForWhatIsBeingRead) {
  Rig rig(3);
  rig.Use(0, {0});
  rig.Use(0, {1});
  rig.cache->Hint(1, Ids{9}, 99);
  std::thread finisher([&] { rig.reader.Finish(1, 9); });
  rig.cache->Resize(1);
  finisher.join();
  EXPECT_EQ(rig.Resident(0).size() + rig.Resident(1).size(), 1u);
}

TEST(ExpertCache, PreloadsIntoFreeSlotsOnly) {
  Rig rig(16);
  rig.Use(0, {0, 1, 2});
  const std::vector<ExpertId> before = rig.cache->Resident();
  ASSERT_TRUE(before.size() == 3);
  EXPECT_EQ(before[0].id, 2);
  std::vector<ExpertId> experts;
  for (int id = 0; id < 24; ++id) experts.push_back({1, id});
  rig.cache->Preload(experts);
  EXPECT_EQ(rig.reader.pending().size(), 4u);  // a quarter of the slots at once
  ExpertBatch batch = rig.cache->Fetch({0, Ids{9}});
  EXPECT_TRUE(rig.reader.priority_of(0, 9) == ReadPriority::kDemand);
  while (!rig.reader.pending().empty()) rig.reader.FinishAll();
  EXPECT_TRUE(rig.Take(batch, 0, 1) == (Ids{9}));
  EXPECT_TRUE(rig.Resident(0) == (Ids{0, 1, 2, 9}));
  EXPECT_TRUE(rig.Resident(1) == (Ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(rig.cache->stats().evictions, 0u);
}

TEST(ExpertCache, WhatALayerChoosesDoesNotEndAPreload) {
  Rig rig(16);
  rig.cache->Preload(std::vector<ExpertId>{{1, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}});
  const ExpertBatch batch = rig.cache->Fetch({1, Ids{3}});
  rig.cache->Hint(1, Ids{2}, 1);
  while (!rig.reader.pending().empty()) rig.reader.FinishAll();
  EXPECT_EQ(rig.cache->stats().withdrawn, 0u);
  EXPECT_TRUE(rig.Resident(1) == (Ids{0, 1, 2, 3, 4}));
}

TEST(ExpertCache, HintsStopWhenTooManyAreInFlight) {
  Rig rig(16);  // a quarter of the slots
  rig.cache->Hint(0, Ids{0, 1, 2, 3, 4, 5}, 99);
  EXPECT_EQ(rig.cache->stats().hint_reads, 4u);
  rig.cache->Hint(1, Ids{4}, 99);
  EXPECT_EQ(rig.cache->stats().hint_reads, 4u);
  rig.reader.Finish(0, 2);
  rig.cache->Hint(1, Ids{4, 5}, 99);
  EXPECT_EQ(rig.cache->stats().hint_reads, 5u);
  // Two are demands now, and one was wrong: three more guesses may fly.
  ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1}});
  rig.cache->Hint(1, Ids{4, 5, 6, 7, 8, 9}, 99);
  EXPECT_EQ(rig.cache->stats().hint_reads, 8u);
  rig.reader.FinishAll();
}

TEST(ExpertCache, ABetterGuessTakesThePlaceOfAnEarlierOne) {
  Rig rig(16);
  rig.cache->Hint(1, Ids{0, 1, 2}, 2);  // two are read, the third is only looked after
  EXPECT_TRUE(rig.reader.pending() == (Experts{{1, 0}, {1, 1}}));
  rig.cache->Hint(1, Ids{1, 3}, 2);
  EXPECT_TRUE(rig.reader.pending() == (Experts{{1, 1}, {1, 3}}));
  EXPECT_EQ(rig.cache->stats().withdrawn, 1u);
  rig.reader.FinishAll();
}

TEST(ExpertCache, WhatAHintNamesGoesLast) {
  Rig rig(4);
  rig.Use(1, {0});
  rig.Use(0, {1});
  rig.Use(0, {2});
  rig.Use(0, {3});
  rig.cache->Hint(1, Ids{0}, 0);
  rig.Use(0, {4});
  rig.Use(0, {5});
  rig.Use(0, {6});
  EXPECT_TRUE(rig.Resident(1) == (Ids{0}));
  rig.Use(0, {4, 5, 6, 7});  // unless nothing else can go
  EXPECT_TRUE(rig.Resident(0) == (Ids{4, 5, 6, 7}));
}

TEST(ExpertCache, HintsEvictNothingUsedSinceTheLastFetchBegan) {
  Rig rig(4);
  rig.Use(0, {0, 1, 2, 3});
  rig.cache->Hint(1, Ids{5}, 99);
  EXPECT_EQ(rig.cache->stats().hint_reads, 0u);
  rig.Use(0, {0});
  rig.cache->Hint(0, Ids{1}, 99);  // a promotion is a use
  rig.cache->Hint(1, Ids{5}, 99);
  rig.reader.FinishAll();
  rig.cache->Hint(1, Ids{6}, 99);
  rig.reader.FinishAll();
  EXPECT_TRUE(rig.Resident(0) == (Ids{0, 1}));
  EXPECT_TRUE(rig.Resident(1) == (Ids{5, 6}));
  rig.cache->Hint(1, Ids{7}, 99);  // all four were used since
  EXPECT_TRUE(rig.reader.pending().empty());
  EXPECT_EQ(rig.cache->stats().hint_reads, 2u);
  EXPECT_EQ(rig.cache->stats().evictions, 2u);
}

TEST(ExpertCache, HandingOutIsAUseThatHintsRespect) {
  Rig rig(2);
  rig.Use(0, {1});
  ExpertBatch batch = rig.cache->Fetch({0, Ids{0}});
  rig.reader.FinishAll();
  const ExpertBatch other = rig.cache->Fetch({0, Ids{}});
  EXPECT_TRUE(rig.Take(batch, 0, 1) == (Ids{0}));
  rig.cache->Hint(1, Ids{5}, 99);
  rig.reader.FinishAll();
  rig.cache->Hint(1, Ids{6}, 99);
  EXPECT_TRUE(rig.Resident(0) == (Ids{0}));
  EXPECT_TRUE(rig.Resident(1) == (Ids{5}));
  EXPECT_TRUE(rig.reader.pending().empty());
}

TEST(ExpertCache, HintsLeaveTheHitsOfALiveBatchAlone) {
  Rig rig(4);
  rig.Use(0, {0, 1, 2, 3});
  ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1}});
  ExpertBatch other = rig.cache->Fetch({0, Ids{2}});  // the clock of hints goes on
  rig.cache->Hint(1, Ids{0}, 99);
  rig.reader.FinishAll();
  rig.cache->Hint(1, Ids{1}, 99);
  EXPECT_TRUE(rig.Resident(0) == (Ids{0, 1, 2}));
  EXPECT_EQ(rig.cache->stats().hint_reads, 1u);
}

TEST(ExpertCache, HintsWaitWhileADemandLacksASlot) {
  Rig rig(4);
  {
    ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1, 2, 3, 4}});
    rig.reader.FinishAll();
    EXPECT_TRUE(rig.Take(batch, 0, 1) == (Ids{0}));          // its slot is due to 4
    const ExpertBatch other = rig.cache->Fetch({0, Ids{}});  // so that a hint could have it, else
    rig.cache->Hint(1, Ids{0}, 99);
    EXPECT_EQ(rig.cache->stats().hint_reads, 0u);
  }
  const ExpertBatch next = rig.cache->Fetch({0, Ids{}});
  rig.cache->Hint(1, Ids{0}, 99);
  EXPECT_EQ(rig.cache->stats().hint_reads, 1u);
  rig.reader.FinishAll();
}

TEST(ExpertCache, ADemandWaitsForTheHintThatHoldsTheOnlySlot) {
  Rig rig(2);
  ExpertBatch first = rig.cache->Fetch({0, Ids{0}});
  rig.reader.FinishAll();
  Result<std::vector<PinnedExpert>> pinned = first.Next(1);
  ASSERT_TRUE(pinned.ok());
  rig.cache->Hint(1, Ids{9}, 99);
  ExpertBatch second = rig.cache->Fetch({0, Ids{1}});
  EXPECT_TRUE(rig.reader.pending() == (Experts{{1, 9}}));
  std::thread finisher([&] {
    rig.reader.Finish(1, 9);
    rig.reader.WaitForSubmitted(3);
    rig.reader.Finish(0, 1);
  });
  EXPECT_TRUE(rig.Take(second, 0, 1) == (Ids{1}));
  finisher.join();
  EXPECT_TRUE(rig.model.Holds(pinned.value()[0].data(), 0, 0));
}

TEST(ExpertCache, AFailedReadFailsItsBatchAndNothingElse) {
  Rig rig(4);
  {
    ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1, 2}});
    ExpertBatch other = rig.cache->Fetch({0, Ids{2}});
    rig.reader.Finish(0, 0);
    rig.reader.Finish(0, 1, Status::Io("bad block"));
    const Result<std::vector<PinnedExpert>> next = batch.Next(3);
    EXPECT_TRUE(next.status().code() == StatusCode::kIo);
    EXPECT_EQ(next.status().message(), "bad block");
    EXPECT_FALSE(batch.Next(1).ok());
    rig.reader.Finish(0, 2);
    EXPECT_TRUE(rig.Take(other, 0, 1) == (Ids{2}));
  }
  EXPECT_TRUE(rig.Resident(0) == (Ids{0, 2}));
  rig.Use(0, {0, 1, 2});
  EXPECT_EQ(rig.cache->stats().hits, 2u);
  EXPECT_EQ(rig.cache->stats().misses, 5u);
  EXPECT_EQ(rig.cache->stats().evictions, 0u);
}

TEST(ExpertCache, AFailedHintIsReadAgainOnDemand) {
  Rig rig(8);
  rig.cache->Hint(0, Ids{1, 2}, 99);
  rig.reader.Finish(0, 2, Status::Io("bad block"));  // no batch wants it: no batch fails
  ExpertBatch batch = rig.cache->Fetch({0, Ids{1}});
  std::thread finisher([&] {
    rig.reader.Finish(0, 1, Status::Io("bad block"));
    rig.reader.WaitForSubmitted(3);
    rig.reader.Finish(0, 1);
  });
  EXPECT_TRUE(rig.Take(batch, 0, 1) == (Ids{1}));
  finisher.join();
  rig.Use(0, {2});
  EXPECT_EQ(rig.cache->stats().late, 1u);
  EXPECT_EQ(rig.cache->stats().hint_hits, 0u);
}

TEST(ExpertCache, ReadsOfAnEarlierBatchThatFailAreReadAgain) {
  Rig rig(4);
  { const ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1}}); }
  ExpertBatch second = rig.cache->Fetch({0, Ids{1}});  // the file was mended in between
  std::thread finisher([&] {
    rig.reader.Finish(0, 1, Status::Io("bad block"));
    rig.reader.WaitForSubmitted(3);
    rig.reader.Finish(0, 1);
  });
  EXPECT_TRUE(rig.Take(second, 0, 1) == (Ids{1}));
  finisher.join();
  rig.reader.FinishAll();
}

TEST(ExpertCache, ReadsOfADestroyedBatchLandInTheirSlots) {
  Rig rig(4);
  { const ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1}}); }
  ExpertBatch second =
      rig.cache->Fetch({0, Ids{1, 2}});  // 1 is in flight still: a miss, but no second read
  EXPECT_EQ(rig.reader.n_submitted(), 3);
  rig.reader.FinishAll();
  EXPECT_TRUE(rig.Resident(0) == (Ids{0, 1, 2}));
  EXPECT_TRUE(rig.Take(second, 0, 9) == (Ids{1, 2}));
  EXPECT_EQ(rig.cache->stats().misses, 4u);
  EXPECT_EQ(rig.cache->stats().late, 0u);
}

TEST(ExpertCache, ADestroyedBatchNoLongerProtectsItsHits) {
  Rig rig(2);
  rig.Use(0, {0, 1});
  { const ExpertBatch batch = rig.cache->Fetch({0, Ids{0}}); }
  rig.Use(0, {1});
  rig.Use(0, {2});  // evicts 0, the oldest
  EXPECT_TRUE(rig.Resident(0) == (Ids{1, 2}));
}

TEST(ExpertCache, DestructionWaitsForReadsInFlight) {
  Rig rig(4);
  { const ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1}}); }
  rig.cache->Hint(1, Ids{0}, 99);
  std::thread finisher([&] { rig.reader.FinishAll(); });
  rig.cache.reset();
  finisher.join();
  EXPECT_TRUE(rig.reader.pending().empty());
}

TEST(ExpertCache, PinsHoldWhileEverythingElseChurns) {
  Rig rig(3);
  std::vector<PinnedExpert> pinned;
  {
    ExpertBatch batch = rig.cache->Fetch({0, Ids{0, 1}});
    rig.reader.FinishAll();
    ExpertBatch moved = std::move(batch);
    Result<std::vector<PinnedExpert>> next = moved.Next(2);
    ASSERT_TRUE(next.ok());
    pinned = std::move(next).value();
  }  // pins outlive their batch
  ASSERT_EQ(pinned.size(), 2u);
  for (int id = 2; id < 24; ++id) rig.Use(0, {id});
  EXPECT_TRUE(rig.Resident(0) == (Ids{0, 1, 23}));
  EXPECT_TRUE(rig.model.Holds(pinned[0].data(), 0, 0));
  EXPECT_TRUE(rig.model.Holds(pinned[1].data(), 0, 1));

  PinnedExpert kept = std::move(pinned[0]);
  EXPECT_EQ(kept.id(), 0);
  EXPECT_TRUE(pinned[0].data() == nullptr);
  std::thread([gone = std::move(pinned)] {}).join();  // 1 is released on another thread
  rig.Use(0, {2});
  EXPECT_TRUE(rig.Resident(0) == (Ids{0, 2, 23}));
  kept = PinnedExpert();
  rig.Use(0, {3});
  EXPECT_TRUE(rig.Resident(0) == (Ids{2, 3, 23}));
}

TEST(ExpertCache, APreemptingBatchTakesSlotsAndGivesThemBack) {
  Rig rig(2);
  ExpertBatch chat =
      rig.cache->Fetch({0, Ids{0, 1}});  // both slots are loading when it is preempted
  ExpertBatch completion = rig.cache->Fetch({1, Ids{4, 5}});
  EXPECT_EQ(rig.reader.pending().size(), 2u);
  std::thread finisher([&] {
    rig.reader.FinishAll();
    rig.reader.WaitForSubmitted(3);
    rig.reader.Finish(1, 4);
    rig.reader.WaitForSubmitted(4);
    rig.reader.Finish(1, 5);
    for (int n = 5; n <= 6; ++n) {
      rig.reader.WaitForSubmitted(n);
      rig.reader.FinishAll();
    }
  });
  EXPECT_TRUE(rig.Take(completion, 1, 2) == (Ids{4}));
  EXPECT_TRUE(rig.Take(completion, 1, 2) == (Ids{5}));
  Ids taken;
  while (taken.size() < 2) {
    for (const int id : rig.Take(chat, 0, 1)) taken.push_back(id);
  }
  std::sort(taken.begin(), taken.end());
  EXPECT_TRUE(taken == (Ids{0, 1}));
  while (rig.reader.n_submitted() < 6) rig.Use(1, {rig.reader.n_submitted() + 5});
  finisher.join();
}

TEST(ExpertCache, NobodyStealsWhatASleeperWaitsFor) {
  for (int i = 0; i < 200; ++i) {  // the thief must ask before the sleeper wakes: often, not always
    Rig rig(1, /*read_ahead=*/false);  // so that a read has begun only once its thread sleeps
    std::thread sleeper([&] {
      ExpertBatch batch = rig.cache->Fetch({0, Ids{0}});
      EXPECT_TRUE(rig.Take(batch, 0, 1) == (Ids{0}));
    });
    rig.reader.WaitForSubmitted(1);
    ExpertBatch thief = rig.cache->Fetch({0, Ids{1}});
    std::thread finisher([&] {
      rig.reader.WaitForSubmitted(2);
      rig.reader.Finish(0, 1);
    });
    rig.reader.Finish(0, 0);
    EXPECT_TRUE(rig.Take(thief, 0, 1) == (Ids{1}));
    sleeper.join();
    finisher.join();
    EXPECT_EQ(rig.reader.n_submitted(), 2);
  }
}

TEST(ExpertCache, SaysWhenMemoryIsRefused) {
  const SyntheticModel model(1, 2);
  ManualReader reader(model);
  ExpertLayerLayout huge;
  huge.gate = {TensorType::kF32, int64_t{1} << 30, int64_t{1} << 20, 0, 0};
  const ExpertStore store({huge}, 1);
  for (const int n_slot : {1 << 10, 1 << 20}) {
    const auto cache = ExpertCache::Create(store, reader, {n_slot, true});
    EXPECT_TRUE(cache.status().code() == StatusCode::kMemory);
  }
}

TEST(ExpertCache, ReadsARealFile) {
  const SyntheticModel model(3, 8);
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("hearth_expert_cache_test_" + std::to_string(std::random_device()())))
                               .string();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(model.file().data()),
             static_cast<std::streamsize>(model.file().size()));
  {
    Result<std::unique_ptr<File>> file = File::Open(path);
    ASSERT_TRUE(file.ok());
    const std::unique_ptr<Reader> reader = MakeFileReader(*file.value(), 3);
    for (const int n_slot : {1, 5, 24}) {
      auto cache = ExpertCache::Create(model.store(), *reader, {n_slot, true});
      ASSERT_TRUE(cache.ok());
      std::mt19937 random(5);
      for (int i = 0; i < 300; ++i) {
        const int il = i % 3;
        Ids ids = {0, 1, 2, 3, 4, 5, 6, 7};
        std::shuffle(ids.begin(), ids.end(), random);
        cache.value()->Hint((il + 1) % 3, std::span(ids).last(2), 99);
        ids.resize(4);
        ExpertBatch batch = cache.value()->Fetch({il, ids});
        size_t n_taken = 0;
        while (n_taken < 4) {
          Result<std::vector<PinnedExpert>> next = batch.Next(2);
          ASSERT_TRUE(next.ok());
          for (const PinnedExpert& expert : next.value()) {
            EXPECT_TRUE(model.Holds(expert.data(), il, expert.id()));
            ++n_taken;
          }
        }
      }
    }
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace hearth
