// The sizes of everything large, decided once at load from the memory budget.
#ifndef HEARTH_ENGINE_MEMORY_PLAN_H_
#define HEARTH_ENGINE_MEMORY_PLAN_H_

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "model/model_spec.h"

namespace hearth {

struct MemoryPlanInput {
  uint64_t budget_bytes = 0;  // of the whole process; 0: no limit
  // Memory that the process holds already (runtime, tokenizer) or will need besides the engine.
  uint64_t process_bytes = 0;
  size_t slot_bytes = 0;
  int n_slot_forced = 0;  // > 0: this many slots whatever the budget (tests and measurements)
  int n_threads = 1;
  int n_session = 1;    // each with keys and values of its own, if memory allows
  int64_t n_draft = 0;  // tokens that a session may draft: it keeps their logits
  int64_t n_ctx = 0;
  int64_t n_kept = 0;         // see SessionOptions
  int64_t n_chunk = 0;        // with all experts in memory
  int64_t n_chunk_short = 0;  // where they are read: more tokens an expert
};

// Bytes of each part; `total_bytes` includes the process itself. Keys and values, a prompt's
// activations and expert slots share what is left of a budget: a context that is not full leaves
// more to the experts, and so does evaluating one token at a time.
struct MemoryPlan {
  // Tokens of a chunk whose activations are always allocated: decoding, drafts, a few typed
  // letters.
  static constexpr int64_t kShortChunk = 16;

  uint64_t dense_bytes = 0;  // weights every token needs
  uint64_t kv_bytes = 0;     // of all sessions with full contexts, or of one where memory is short
  uint64_t scratch_bytes = 0;  // activations of short chunks, logits
  uint64_t prompt_bytes = 0;   // more activations, for chunks of n_chunk tokens
  uint64_t slot_bytes = 0;     // of one expert slot
  uint64_t shared_bytes = 0;   // that slots, keys and values and prompt_bytes may take together
  int n_slot = 0;              // with empty contexts and no prompt
  int n_slot_min = 0;          // with full ones, in a prompt
  int n_slot_all = 0;          // slots that would hold every expert
  bool embedding_on_disk = false;
  uint64_t process_bytes = 0;
  uint64_t total_bytes = 0;
  uint64_t spare_bytes = 0;  // of the budget, where all parts have what they can use
  int64_t n_ctx = 0;
  int64_t n_chunk = 0;

  // Whether contexts, prompts and experts compete for memory: otherwise all slots are always
  // available.
  bool shares() const { return n_slot != n_slot_min; }
  bool holds_all() const { return n_slot_min == n_slot_all; }

  // Slots that may be in use while the others take `bytes` of the shared memory.
  int SlotsBeside(uint64_t bytes) const;

  // The chunk length to make room for when a chunk of n_token begins, and the shared memory that it
  // takes.
  int64_t RoomFor(int64_t n_token) const;
  uint64_t RoomBytes(int64_t n_token_room) const;
};

// kMemory when the budget cannot hold the model with room for the experts of one token in one
// layer; the message says the smallest budget that works.
Result<MemoryPlan> PlanMemory(const ModelSpec& spec, const MemoryPlanInput& input);

}  // namespace hearth

#endif  // HEARTH_ENGINE_MEMORY_PLAN_H_
