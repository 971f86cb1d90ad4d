// From the tensors of a model to the layout of its experts.
#ifndef HEARTH_ENGINE_EXPERT_LAYOUT_H_
#define HEARTH_ENGINE_EXPERT_LAYOUT_H_

#include "experts/expert_store.h"
#include "model/model_spec.h"

namespace hearth {

// `spec` is checked.
ExpertStore MakeExpertStore(const ModelSpec& spec);

}  // namespace hearth

#endif  // HEARTH_ENGINE_EXPERT_LAYOUT_H_
