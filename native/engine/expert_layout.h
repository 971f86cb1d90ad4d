// From the tensors of a model to the layout of its experts.
#ifndef HEARTH_ENGINE_EXPERT_LAYOUT_H_
#define HEARTH_ENGINE_EXPERT_LAYOUT_H_

#include "experts/expert_store.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"

namespace hearth {

// `spec` is checked.
ExpertStore MakeExpertStore(const ModelSpec& spec);

// Puts the rows of an expert that has just been read into groups, as `grouped` says. Any thread.
void GroupExpert(const Kernels& kernels, const ExpertLayerLayout& layout, std::byte* slot);

}  // namespace hearth

#endif  // HEARTH_ENGINE_EXPERT_LAYOUT_H_
