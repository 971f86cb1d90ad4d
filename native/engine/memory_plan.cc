#include "engine/memory_plan.h"

#include <algorithm>
#include <string>

#include "engine/session.h"
#include "model/resident_weights.h"
#include "transformer/forward.h"
#include "transformer/kv_cache.h"

namespace hearth {
namespace {

std::string Mebibytes(uint64_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

// Who asked for one session need not hear of them.
std::string Sessions(int n_session) {
  return n_session == 1 ? "" : " in each of " + std::to_string(n_session) + " sessions";
}

}  // namespace

Result<MemoryPlan> PlanMemory(const ModelSpec& spec, const MemoryPlanInput& input) {
  MemoryPlan plan;
  plan.n_ctx = input.n_ctx;
  plan.n_chunk = input.n_chunk;
  plan.dense_bytes = ResidentWeights::BytesFor(spec);
  const auto n_session = static_cast<uint64_t>(input.n_session);
  plan.kv_bytes =
      n_session * KvCache::BytesFor(spec, input.n_ctx, input.n_chunk + Session::kRewindTokens);
  // One transformer for all sessions; each has logits, and a chunk that may wait between two
  // layers.
  const uint64_t session_bytes =
      Pass::BytesFor(spec, input.n_chunk) +
      static_cast<uint64_t>((1 + input.n_draft) * spec.n_vocab) * sizeof(float);
  plan.scratch_bytes = Transformer::BytesFor(spec, input.n_threads, input.n_chunk, input.n_ctx) +
                       n_session * session_bytes;
  plan.slot_bytes = input.slot_bytes;
  plan.n_slot_all = spec.n_layer * spec.n_expert;
  plan.process_bytes = input.process_bytes;

  const uint64_t fixed = plan.dense_bytes + plan.kv_bytes + plan.scratch_bytes + plan.process_bytes;
  plan.n_slot = plan.n_slot_all;
  if (input.n_slot_forced > 0) {
    plan.n_slot = std::min(input.n_slot_forced, plan.n_slot_all);
  } else if (input.budget_bytes > 0) {
    const uint64_t smallest = fixed + static_cast<uint64_t>(spec.n_expert_used) * input.slot_bytes;
    if (input.budget_bytes < smallest) {
      return Status::Memory("cannot run model '" + spec.path + "' in a memory budget of " +
                            Mebibytes(input.budget_bytes) + ": with a context of " +
                            std::to_string(input.n_ctx) + " tokens" + Sessions(input.n_session) +
                            " the smallest that works is " + Mebibytes(smallest) +
                            "; raise the budget or shorten the context");
    }
    const uint64_t affordable = (input.budget_bytes - fixed) / input.slot_bytes;
    plan.n_slot =
        static_cast<int>(std::min<uint64_t>(affordable, static_cast<uint64_t>(plan.n_slot_all)));
  }
  plan.total_bytes = fixed + static_cast<uint64_t>(plan.n_slot) * plan.slot_bytes;
  return plan;
}

}  // namespace hearth
