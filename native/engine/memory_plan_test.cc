// What a budget buys.
#include "engine/memory_plan.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/testing.h"
#include "engine/expert_layout.h"
#include "engine/model_testing.h"
#include "transformer/forward.h"

namespace hearth {
namespace {

MemoryPlanInput SmallPlan(const ModelSpec& spec) {
  MemoryPlanInput input;
  input.slot_bytes = MakeExpertStore(spec).slot_bytes();
  input.process_bytes = 1 << 20;
  input.n_ctx = 64;
  input.n_chunk = 16;
  input.n_chunk_short = 16;
  return input;
}

TEST(MemoryPlan, BuysSlotsWithWhatIsLeftAndRefusesTooLittle) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  MemoryPlanInput input = SmallPlan(model.spec());
  Result<MemoryPlan> unlimited = PlanMemory(model.spec(), input);
  ASSERT_TRUE(unlimited.ok());
  EXPECT_EQ(unlimited.value().n_slot, 18);
  EXPECT_EQ(unlimited.value().n_slot_min, 18);
  // The embedding goes first; then each slot less costs a slot.
  for (int n_slot = 2; n_slot <= 18; ++n_slot) {
    input.budget_bytes =
        unlimited.value().total_bytes - static_cast<uint64_t>(18 - n_slot) * input.slot_bytes;
    Result<MemoryPlan> plan = PlanMemory(model.spec(), input);
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan.value().embedding_on_disk, n_slot < 18);
    EXPECT_GE(plan.value().n_slot_min, n_slot);
    EXPECT_LE(plan.value().n_slot_min, n_slot + 1);
    EXPECT_GE(plan.value().n_slot, plan.value().n_slot_min);
    EXPECT_LE(plan.value().total_bytes, input.budget_bytes);
  }
  uint64_t too_little = 0;
  uint64_t smallest = input.budget_bytes;
  while (smallest - too_little > 1) {
    input.budget_bytes = (smallest + too_little) / 2;
    (PlanMemory(model.spec(), input).ok() ? smallest : too_little) = input.budget_bytes;
  }
  input.budget_bytes = smallest;
  EXPECT_EQ(PlanMemory(model.spec(), input).value().n_slot_min, 2);
  input.budget_bytes = smallest - 1;
  const Status refused = PlanMemory(model.spec(), input).status();
  EXPECT_TRUE(refused.code() == StatusCode::kMemory);
  EXPECT_TRUE(refused.message().find("the smallest that works is") != std::string::npos);
  // A budget as it is written into the setting, which is too little if it was rounded down.
  EXPECT_TRUE(refused.message().find(" MiB (0.01 GiB); raise") != std::string::npos);
  input.budget_bytes = 1;
  EXPECT_TRUE(PlanMemory(model.spec(), input).status().code() == StatusCode::kMemory);
}

TEST(MemoryPlan, LeavesToExpertsWhatContextsDoNotTake) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  MemoryPlanInput input = SmallPlan(model.spec());
  input.n_session = 2;
  const MemoryPlan unlimited = PlanMemory(model.spec(), input).value();
  input.budget_bytes = unlimited.total_bytes - unlimited.dense_bytes / 2 - 4 * input.slot_bytes;
  const MemoryPlan plan = PlanMemory(model.spec(), input).value();
  EXPECT_FALSE(plan.holds_all());
  EXPECT_GT(plan.n_slot, plan.n_slot_min);
  EXPECT_EQ(plan.SlotsBeside(0), plan.n_slot);
  EXPECT_EQ(plan.SlotsBeside(plan.kv_bytes), plan.n_slot_min);
  for (uint64_t kv = 0; kv <= plan.kv_bytes; kv += 1000) {
    EXPECT_LE(kv + static_cast<uint64_t>(plan.SlotsBeside(kv)) * plan.slot_bytes,
              plan.shared_bytes);
  }
}

TEST(MemoryPlan, LeavesToExpertsWhatALongChunkDoesNotTake) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  MemoryPlanInput input = SmallPlan(model.spec());
  input.n_ctx = 256;
  input.n_chunk = 200;
  input.n_chunk_short = 200;
  const MemoryPlan unlimited = PlanMemory(model.spec(), input).value();
  EXPECT_GT(unlimited.prompt_bytes, uint64_t{0});
  // If nothing has to be shared, there is always room.
  EXPECT_EQ(unlimited.RoomFor(1), 200);
  EXPECT_EQ(unlimited.SlotsBeside(unlimited.prompt_bytes), 18);
  input.budget_bytes = unlimited.total_bytes - unlimited.dense_bytes / 2 - 4 * input.slot_bytes;
  const MemoryPlan plan = PlanMemory(model.spec(), input).value();
  ASSERT_TRUE(plan.shares());
  EXPECT_EQ(plan.prompt_bytes, unlimited.prompt_bytes);
  EXPECT_EQ(plan.RoomBytes(plan.RoomFor(1)), uint64_t{0});
  EXPECT_EQ(plan.RoomBytes(plan.RoomFor(200)), plan.prompt_bytes);
  EXPECT_EQ(plan.SlotsBeside(plan.kv_bytes + plan.prompt_bytes), plan.n_slot_min);
  int64_t room_before = 0;
  for (int64_t n_token = 1; n_token <= 200; ++n_token) {
    const int64_t room = plan.RoomFor(n_token);
    EXPECT_GE(room, std::max(n_token, room_before));
    EXPECT_LE(room, std::min<int64_t>(n_token + 63, 200));
    room_before = room;
    const uint64_t bytes = plan.RoomBytes(room);
    EXPECT_LE(bytes + static_cast<uint64_t>(plan.SlotsBeside(bytes)) * plan.slot_bytes,
              plan.shared_bytes);
  }
}

TEST(MemoryPlan, HoldsTheKeysAndValuesOfEverySession) {
  const RandomModel model(TensorType::kF32, Gating::kSoftmax);
  MemoryPlanInput input = SmallPlan(model.spec());
  Result<MemoryPlan> one = PlanMemory(model.spec(), input);
  ASSERT_TRUE(one.ok());
  input.n_session = 3;
  Result<MemoryPlan> three = PlanMemory(model.spec(), input);
  ASSERT_TRUE(three.ok());
  EXPECT_EQ(three.value().kv_bytes, 3 * one.value().kv_bytes);
  const uint64_t logits = static_cast<uint64_t>(model.spec().n_vocab) * sizeof(float);
  const uint64_t chunk = Pass::BytesFor(model.spec(), input.n_chunk);
  EXPECT_EQ(three.value().total_bytes,
            one.value().total_bytes + 2 * (one.value().kv_bytes + logits + chunk));
  // Where memory is short they share one.
  input.budget_bytes = three.value().total_bytes - 1;
  EXPECT_EQ(PlanMemory(model.spec(), input).value().kv_bytes, one.value().kv_bytes);
}

}  // namespace
}  // namespace hearth
