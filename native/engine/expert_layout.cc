#include "engine/expert_layout.h"

#include <utility>
#include <vector>

#include "kernels/interleaved_rows.h"

namespace hearth {
namespace {

ExpertMatrix MatrixOf(const TensorInfo& tensor, bool interleaved) {
  ExpertMatrix matrix;
  matrix.type = tensor.type;
  matrix.row_length = tensor.shape[0];
  matrix.n_row = tensor.shape[1];
  matrix.file_offset = tensor.offset;
  matrix.file_stride = tensor.stride;
  matrix.interleaved = interleaved && IsQuantized(tensor.type);
  return matrix;
}

}  // namespace

ExpertStore MakeExpertStore(const ModelSpec& spec, size_t alignment) {
  // Rows of `up` are skipped one by one where the activation of the gate is zero, as ReLU's often
  // is, and those of a transposed `down` are added up.
  const bool skips_rows_of_up = spec.block.activation == Activation::kRelu;
  std::vector<ExpertLayerLayout> layers;
  for (int il = 0; il < spec.n_layer; ++il) {
    layers.push_back(
        ExpertLayerLayout{MatrixOf(*spec.FindInLayer(il, "ffn_gate_exps"), true),
                          MatrixOf(*spec.FindInLayer(il, "ffn_up_exps"), !skips_rows_of_up),
                          MatrixOf(*spec.FindInLayer(il, "ffn_down_exps"), !spec.down_transposed)});
  }
  return ExpertStore(std::move(layers), spec.n_expert, alignment);
}

void RepackMatrix(const Kernels& kernels, const ExpertStore& store, int il, int id, int matrix,
                  std::byte* slot) {
  const ExpertMatrix& layout = store.matrix(il, matrix);
  // Other rows stay where they were read.
  if (!layout.interleaved) return;
  std::vector<std::byte> scratch(RepackScratchBytes(layout.row_bytes()));
  RepackRows(kernels, layout.type, layout.row_length, layout.n_row,
             slot + layout.slot_offset + store.Shift(layout, id), slot + store.OffsetOf(layout, id),
             scratch.data());
}

}  // namespace hearth
