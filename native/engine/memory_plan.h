// What everything large will take, decided once at load from one number: the memory budget.
#ifndef HEARTH_ENGINE_MEMORY_PLAN_H_
#define HEARTH_ENGINE_MEMORY_PLAN_H_

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "model/model_spec.h"

namespace hearth {

struct MemoryPlanInput {
  uint64_t budget_bytes = 0;  // of the whole process; 0: no limit
  uint64_t process_bytes =
      0;  // what the process holds already (runtime, tokenizer) and will still need besides us
  size_t slot_bytes = 0;
  int n_slot_forced = 0;  // > 0: this many slots whatever the budget (tests and measurements)
  int n_threads = 1;
  int n_session = 1;    // each with keys and values of its own
  int64_t n_draft = 0;  // tokens that a session may evaluate on a guess: it keeps their logits
  int64_t n_ctx = 0;
  int64_t n_chunk = 0;
};

// Bytes of each part; `total_bytes` includes the process itself.
struct MemoryPlan {
  uint64_t dense_bytes = 0;    // weights every token needs
  uint64_t kv_bytes = 0;       // of all sessions
  uint64_t scratch_bytes = 0;  // activations
  uint64_t slot_bytes = 0;     // of one expert slot
  int n_slot = 0;
  int n_slot_all = 0;  // slots that would hold every expert
  uint64_t process_bytes = 0;
  uint64_t total_bytes = 0;
  int64_t n_ctx = 0;
  int64_t n_chunk = 0;
};

// kMemory when the budget cannot hold the model with room for the experts of one token in one
// layer; the message says the smallest budget that works.
Result<MemoryPlan> PlanMemory(const ModelSpec& spec, const MemoryPlanInput& input);

}  // namespace hearth

#endif  // HEARTH_ENGINE_MEMORY_PLAN_H_
