// Offsets of matrices in a slot.
#include "experts/expert_store.h"

#include <cstddef>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/testing.h"
#include "experts/cache_testing.h"

namespace hearth {
namespace {

TEST(ExpertStore, LaysMatricesOutInCacheLines) {
  const SyntheticModel model(3, 4);
  const ExpertStore& store = model.store();
  EXPECT_EQ(store.n_layer(), 3);
  EXPECT_EQ(store.n_expert(), 4);
  EXPECT_EQ(store.slot_bytes() % kCacheLineBytes, 0u);
  // Layer 0: gate 3*5*4 = 60 bytes, up 2*34 = 68, down 4*18 = 72; layer 1's down is 4*32*2 = 256.
  const ExpertLayerLayout& layer = store.layer(0);
  EXPECT_EQ(layer.gate.slot_offset, 0u);
  EXPECT_EQ(layer.up.slot_offset, 64u);
  EXPECT_EQ(layer.down.slot_offset, 192u);
  EXPECT_EQ(store.layer(1).down.slot_offset, 256u);
  EXPECT_EQ(store.slot_bytes(), 512u);
  std::vector<std::byte> slot(store.slot_bytes());
  ReadRange ranges[3];
  store.Ranges(0, 2, slot.data(), ranges);
  EXPECT_EQ(ranges[1].offset, layer.up.file_offset + 2 * 68);
  EXPECT_EQ(ranges[1].bytes, 68u);
  EXPECT_TRUE(ranges[1].dest == slot.data() + 64);
  EXPECT_EQ(ranges[2].offset, layer.down.file_offset + 2 * 72);
}

// gate and up of an expert one behind the other, as in ffn_gate_up_exps.
TEST(ExpertStore, FindsMatricesThatArePartsOfLargerOnes) {
  ExpertLayerLayout layer;
  layer.gate = {TensorType::kF32, 4, 8};
  layer.up = layer.gate;
  layer.down = {TensorType::kF32, 8, 4};
  layer.gate.file_offset = 1000;
  layer.up.file_offset = 1000 + layer.gate.bytes();
  layer.gate.file_stride = layer.up.file_stride = 2 * layer.gate.bytes();
  layer.down.file_offset = 5000;
  const ExpertStore store({layer}, 3, 64);
  alignas(64) std::byte slot[4096];
  ASSERT_TRUE(store.slot_bytes() <= sizeof(slot));
  ReadRange ranges[3];
  store.Ranges(0, 2, slot, ranges);
  EXPECT_EQ(ranges[0].offset, 1000u + 4 * 128);
  EXPECT_EQ(ranges[1].offset, 1000u + 5 * 128);
  EXPECT_EQ(ranges[1].bytes, 128u);
  EXPECT_EQ(ranges[2].offset, 5000u + 2 * 128);
  EXPECT_EQ(store.Shift(store.layer(0).up, 2), (1000u + 5 * 128) % 64);
}

TEST(ExpertStore, LeavesRoomForTheBlocksThatAreRead) {
  const SyntheticModel model(3, 4);
  constexpr size_t kBlock = 128;
  const ExpertStore store({model.store().layer(0), model.store().layer(1), model.store().layer(2)},
                          4, kBlock);
  EXPECT_EQ(store.slot_bytes() % kBlock, 0u);
  for (int il = 0; il < 3; ++il) {
    const ExpertLayerLayout& layer = store.layer(il);
    for (int id = 0; id < 4; ++id) {
      alignas(kBlock) std::byte slot[4096];
      ASSERT_TRUE(store.slot_bytes() <= sizeof(slot));
      ReadRange ranges[3];
      store.Ranges(il, id, slot, ranges);
      const ExpertMatrix* const matrices[] = {&layer.gate, &layer.up, &layer.down};
      const std::byte* free_from = slot;  // behind the blocks of the matrix before
      for (int m = 0; m < 3; ++m) {
        EXPECT_EQ(matrices[m]->slot_offset % kBlock, 0u);
        EXPECT_TRUE(ranges[m].padded);
        const size_t shift = store.Shift(*matrices[m], id);
        EXPECT_EQ(ranges[m].offset % kBlock, shift);
        EXPECT_TRUE(ranges[m].dest == slot + matrices[m]->slot_offset + shift);
        // Interleaved rows are repacked to an aligned offset; other rows stay where they are.
        EXPECT_EQ(store.OffsetOf(*matrices[m], id), matrices[m]->slot_offset + shift);
        ExpertMatrix interleaved = store.matrix(il, m);
        interleaved.interleaved = true;
        EXPECT_EQ(store.OffsetOf(interleaved, id), matrices[m]->slot_offset);
        EXPECT_TRUE(ranges[m].dest - shift >= free_from);
        const size_t end = (shift + ranges[m].bytes + kBlock - 1) / kBlock * kBlock;
        free_from = ranges[m].dest - shift + end;
      }
      EXPECT_TRUE(free_from <= slot + store.slot_bytes());
    }
  }
}

}  // namespace
}  // namespace hearth
