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
