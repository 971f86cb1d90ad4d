#include "engine/expert_layout.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "kernels/row_groups.h"

namespace hearth {
namespace {

ExpertMatrix MatrixOf(const TensorPlace& tensor, bool grouped) {
  ExpertMatrix matrix;
  matrix.type = tensor.type;
  matrix.row_length = tensor.shape[0];
  matrix.n_row = tensor.shape[1];
  matrix.file_offset = tensor.offset;
  matrix.grouped = grouped && IsQuantized(tensor.type);
  return matrix;
}

}  // namespace

ExpertStore MakeExpertStore(const ModelSpec& spec, size_t alignment) {
  std::vector<ExpertLayerLayout> layers;
  for (int il = 0; il < spec.n_layer; ++il) {
    // Rows of `up` are skipped one by one where a neuron is idle, and those of a transposed `down`
    // are added up.
    layers.push_back(
        ExpertLayerLayout{MatrixOf(*spec.FindInLayer(il, "ffn_gate_exps"), true),
                          MatrixOf(*spec.FindInLayer(il, "ffn_up_exps"), false),
                          MatrixOf(*spec.FindInLayer(il, "ffn_down_exps"), !spec.down_transposed)});
  }
  return ExpertStore(std::move(layers), spec.n_expert, alignment);
}

void SettleExpert(const Kernels& kernels, const ExpertStore& store, int il, int id,
                  std::byte* slot) {
  const ExpertLayerLayout& layout = store.layer(il);
  std::vector<std::byte> scratch;
  for (const ExpertMatrix* matrix : {&layout.gate, &layout.up, &layout.down}) {
    std::byte* place = slot + matrix->slot_offset;
    const std::byte* arrived = place + store.Shift(*matrix, id);
    if (matrix->grouped) {
      scratch.resize(std::max(scratch.size(), GroupScratchBytes(matrix->row_bytes())));
      GroupRows(kernels, matrix->type, matrix->row_length, matrix->n_row, arrived, place,
                scratch.data());
    } else if (arrived != place) {
      std::memmove(place, arrived, matrix->bytes());
    }
  }
}

}  // namespace hearth
