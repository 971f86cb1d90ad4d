// From the tensors of a model to the layout of its experts.
#ifndef HEARTH_ENGINE_EXPERT_LAYOUT_H_
#define HEARTH_ENGINE_EXPERT_LAYOUT_H_

#include "experts/expert_store.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"

namespace hearth {

// `spec` is checked. `alignment` is that of the file that experts are read from.
ExpertStore MakeExpertStore(const ModelSpec& spec, size_t alignment = 1);

// Repacks one of the three matrices of an expert, which has just been read, to its offset PlaceOf
// if the store has it interleaved; otherwise does nothing. Any thread; several matrices
// concurrently.
void RepackMatrix(const Kernels& kernels, const ExpertStore& store, int il, int id, int matrix,
                  std::byte* slot);

}  // namespace hearth

#endif  // HEARTH_ENGINE_EXPERT_LAYOUT_H_
