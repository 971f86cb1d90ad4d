// Which experts a token goes to, and with what weight.
#ifndef HEARTH_TRANSFORMER_ROUTER_H_
#define HEARTH_TRANSFORMER_ROUTER_H_

#include <cstdint>

#include "model/model_spec.h"

namespace hearth {

// Picks the n_used experts with the largest of `logits` [n_expert], the lower id first on ties, a
// logit that is NaN last: always n_used distinct ids, whatever the logits. ids [n_used] by falling
// rank; gates [n_used] are the weights of the same ranks:
//   kSigmoid  sigmoid of the selected logits, divided by their sum
//   kSoftmax  softmax over the selected logits, which is softmax over all, divided by the sum of
//             the selected
// Ranking is on logits, not on probabilities: a float sigmoid saturates at 1 and would tie where
// logits differ.
void RouteToken(const float* logits, int n_expert, int n_used, Gating gating, int32_t* ids,
                float* gates);

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_ROUTER_H_
