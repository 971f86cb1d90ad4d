#include "experts/expert_store.h"

#include <algorithm>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/check.h"

namespace hearth {
namespace {

size_t RoundUpToCacheLine(size_t bytes) {
  return (bytes + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
}

ReadRange RangeOf(const ExpertMatrix& matrix, int id, std::byte* slot) {
  return {matrix.file_offset + static_cast<uint64_t>(id) * matrix.bytes(), matrix.bytes(),
          slot + matrix.slot_offset};
}

}  // namespace

ExpertStore::ExpertStore(std::vector<ExpertLayerLayout> layers, int n_expert)
    : layers_(std::move(layers)), n_expert_(n_expert) {
  CHECK(!layers_.empty() && n_expert >= 1, "a store holds at least one expert");
  for (ExpertLayerLayout& layer : layers_) {
    layer.gate.slot_offset = 0;
    layer.up.slot_offset = RoundUpToCacheLine(layer.gate.bytes());
    layer.down.slot_offset = layer.up.slot_offset + RoundUpToCacheLine(layer.up.bytes());
    slot_bytes_ =
        std::max(slot_bytes_, layer.down.slot_offset + RoundUpToCacheLine(layer.down.bytes()));
  }
}

void ExpertStore::Ranges(int il, int id, std::byte* slot, ReadRange out[3]) const {
  CHECK(il >= 0 && il < n_layer() && id >= 0 && id < n_expert_, "no such expert");
  const ExpertLayerLayout& layout = layer(il);
  out[0] = RangeOf(layout.gate, id, slot);
  out[1] = RangeOf(layout.up, id, slot);
  out[2] = RangeOf(layout.down, id, slot);
}

}  // namespace hearth
