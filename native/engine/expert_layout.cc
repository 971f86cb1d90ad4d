#include "engine/expert_layout.h"

#include <utility>
#include <vector>

namespace hearth {
namespace {

ExpertMatrix MatrixOf(const TensorPlace& tensor) {
  ExpertMatrix matrix;
  matrix.type = tensor.type;
  matrix.row_length = tensor.shape[0];
  matrix.n_row = tensor.shape[1];
  matrix.file_offset = tensor.offset;
  return matrix;
}

}  // namespace

ExpertStore MakeExpertStore(const ModelSpec& spec) {
  std::vector<ExpertLayerLayout> layers;
  for (int il = 0; il < spec.n_layer; ++il) {
    layers.push_back(ExpertLayerLayout{MatrixOf(*spec.FindInLayer(il, "ffn_gate_exps")),
                                       MatrixOf(*spec.FindInLayer(il, "ffn_up_exps")),
                                       MatrixOf(*spec.FindInLayer(il, "ffn_down_exps"))});
  }
  return ExpertStore(std::move(layers), spec.n_expert);
}

}  // namespace hearth
