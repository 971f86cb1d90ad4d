#include "experts/expert_store.h"

#include <algorithm>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/check.h"

namespace hearth {
namespace {

size_t RoundUp(size_t bytes, size_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

uint64_t FileOffset(const ExpertMatrix& matrix, int id) {
  const uint64_t stride = matrix.file_stride != 0 ? matrix.file_stride : matrix.bytes();
  return matrix.file_offset + static_cast<uint64_t>(id) * stride;
}

}  // namespace

ExpertStore::ExpertStore(std::vector<ExpertLayerLayout> layers, int n_expert, size_t alignment)
    : layers_(std::move(layers)), n_expert_(n_expert), alignment_(alignment) {
  CHECK(!layers_.empty() && n_expert >= 1, "a store holds at least one expert");
  for (ExpertLayerLayout& layer : layers_) {
    layer.gate.slot_offset = 0;
    layer.up.slot_offset = RoomFor(layer.gate);
    layer.down.slot_offset = layer.up.slot_offset + RoomFor(layer.up);
    slot_bytes_ = std::max(slot_bytes_, layer.down.slot_offset + RoomFor(layer.down));
  }
}

// For the blocks that the matrix of any expert touches.
size_t ExpertStore::RoomFor(const ExpertMatrix& matrix) const {
  size_t bytes = 0;
  for (int id = 0; id < n_expert_; ++id)
    bytes = std::max(bytes, RoundUp(Shift(matrix, id) + matrix.bytes(), alignment_));
  return RoundUp(bytes, kCacheLineBytes);
}

size_t ExpertStore::Shift(const ExpertMatrix& matrix, int id) const {
  return static_cast<size_t>(FileOffset(matrix, id) % alignment_);
}

size_t ExpertStore::OffsetOf(const ExpertMatrix& matrix, int id) const {
  return matrix.slot_offset + (matrix.interleaved ? 0 : Shift(matrix, id));
}

const ExpertMatrix& ExpertStore::matrix(int il, int i) const {
  CHECK(il >= 0 && il < n_layer() && i >= 0 && i < kMatrices, "no such matrix");
  const ExpertLayerLayout& layout = layer(il);
  return i == 0 ? layout.gate : i == 1 ? layout.up : layout.down;
}

ReadRange ExpertStore::RangeOf(const ExpertMatrix& matrix, int id, std::byte* slot) const {
  return {FileOffset(matrix, id), matrix.bytes(), slot + matrix.slot_offset + Shift(matrix, id),
          alignment_ > 1};
}

void ExpertStore::Ranges(int il, int id, std::byte* slot, ReadRange out[kMatrices]) const {
  CHECK(id >= 0 && id < n_expert_, "no such expert");
  for (int i = 0; i < kMatrices; ++i) out[i] = RangeOf(matrix(il, i), id, slot);
}

}  // namespace hearth
