// Where the bytes of each expert are in the model file, and how they lie in a slot.
#ifndef HEARTH_EXPERTS_EXPERT_STORE_H_
#define HEARTH_EXPERTS_EXPERT_STORE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/reader.h"
#include "kernels/block.h"

namespace hearth {

// One of an expert's three matrices, in one layer: n_row rows of `row_length` weights.
struct ExpertMatrix {
  TensorType type = TensorType::kF32;
  int64_t n_row = 0;
  int64_t row_length = 0;
  uint64_t file_offset = 0;  // of expert 0
  uint64_t file_stride = 0;  // expert e begins e times as many bytes later; 0: e * bytes()
  size_t slot_offset = 0;    // from the start of a slot; a multiple of kCacheLineBytes, and of the
                             // store's alignment
  bool interleaved = false;  // rows are interleaved in the slot: repacked after the read

  size_t row_bytes() const { return RowBytes(type, row_length); }
  size_t bytes() const { return row_bytes() * static_cast<size_t>(n_row); }
};

struct ExpertLayerLayout {
  ExpertMatrix gate;  // [n_ff rows of n_embd]
  ExpertMatrix up;    // [n_ff rows of n_embd]
  ExpertMatrix down;  // [n_embd rows of n_ff], or [n_ff rows of n_embd] when stored transposed
};

// Immutable after construction, so thread-safe.
class ExpertStore {
 public:
  // Sets every slot_offset: gate, up, down one after another, each with the room that a read of
  // whole blocks of `alignment` (a power of two; File::alignment) needs around it.
  ExpertStore(std::vector<ExpertLayerLayout> layers, int n_expert, size_t alignment = 1);

  int n_layer() const { return static_cast<int>(layers_.size()); }
  int n_expert() const { return n_expert_; }
  const ExpertLayerLayout& layer(int il) const { return layers_[static_cast<size_t>(il)]; }

  // Bytes of a slot that can hold any expert of any layer; a multiple of kCacheLineBytes and of
  // the alignment.
  size_t slot_bytes() const { return slot_bytes_; }

  // gate, up, down
  static constexpr int kMatrices = 3;
  const ExpertMatrix& matrix(int il, int i) const;

  // The reads that fill `slot` with expert `id` of layer `il`, one per matrix. A matrix then begins
  // Shift bytes after its slot_offset: its offset within a disk block.
  void Ranges(int il, int id, std::byte* slot, ReadRange out[kMatrices]) const;
  size_t Shift(const ExpertMatrix& matrix, int id) const;

  // Offset in its slot of a matrix that is ready for use: its slot_offset if it is interleaved
  // (repacking moves it there), otherwise where it was read.
  size_t OffsetOf(const ExpertMatrix& matrix, int id) const;

 private:
  ReadRange RangeOf(const ExpertMatrix& matrix, int id, std::byte* slot) const;
  size_t RoomFor(const ExpertMatrix& matrix) const;

  std::vector<ExpertLayerLayout> layers_;
  int n_expert_;
  size_t alignment_;
  size_t slot_bytes_ = 0;
};

}  // namespace hearth

#endif  // HEARTH_EXPERTS_EXPERT_STORE_H_
