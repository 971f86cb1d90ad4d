#include "engine/memory_plan.h"

#include <algorithm>
#include <limits>
#include <string>

#include "engine/session.h"
#include "model/embedding_table.h"
#include "model/resident_weights.h"
#include "transformer/forward.h"
#include "transformer/kv_cache.h"

namespace hearth {
namespace {

std::string Mebibytes(uint64_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

// Rounded up too, with two decimals: the unit in which the editor's setting is given.
std::string Gibibytes(uint64_t bytes) {
  const uint64_t hundredths = (bytes * 100 + (uint64_t{1} << 30) - 1) >> 30;
  const std::string decimals = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + (decimals.size() == 1 ? ".0" : ".") + decimals + " GiB";
}

constexpr uint64_t kContextBytesMax = uint64_t{1} << 56;  // more than an address space

// Room for longer chunks is made in steps: a pasted line should not cost as many experts as a file.
constexpr int64_t kRoomStep = 64;

int SlotsIn(const MemoryPlan& plan, uint64_t taken_bytes) {
  const uint64_t rest = plan.shared_bytes - std::min(taken_bytes, plan.shared_bytes);
  return static_cast<int>(
      std::clamp(rest / plan.slot_bytes, uint64_t{1}, static_cast<uint64_t>(plan.n_slot_all)));
}

// All but what the budget decides.
MemoryPlan FixedParts(const ModelSpec& spec, const MemoryPlanInput& input, int64_t n_chunk,
                      int n_full_context, bool embedding_on_disk) {
  MemoryPlan plan;
  plan.n_ctx = input.n_ctx;
  plan.n_chunk = n_chunk;
  plan.embedding_on_disk = embedding_on_disk;
  plan.dense_bytes = ResidentWeights::BytesFor(spec, embedding_on_disk);
  const uint64_t context_bytes =
      KvCache::BytesFor(spec, input.n_ctx, {input.n_kept, n_chunk + Session::kRewindTokens});
  // What no machine has must not overflow the sums.
  plan.kv_bytes = static_cast<uint64_t>(n_full_context) * std::min(context_bytes, kContextBytesMax);
  // One transformer for all sessions; each has logits, and a chunk that may wait between two
  // layers.
  const uint64_t session_bytes =
      Pass::BytesFor(spec, n_chunk) +
      static_cast<uint64_t>((1 + input.n_draft) * spec.n_vocab) * sizeof(float);
  const auto activations = [&](int64_t n_token) {
    return Transformer::BytesFor(spec, input.n_threads, n_token, input.n_ctx);
  };
  const int64_t n_short = std::min(n_chunk, MemoryPlan::kShortChunk);
  plan.prompt_bytes = activations(n_chunk) - activations(n_short);
  plan.scratch_bytes = activations(n_short) + EmbeddingTable::BytesFor(spec, embedding_on_disk) +
                       static_cast<uint64_t>(input.n_session) * session_bytes;
  plan.slot_bytes = input.slot_bytes;
  plan.n_slot_all = spec.n_layer * spec.n_expert;
  plan.process_bytes = input.process_bytes;
  return plan;
}

uint64_t FixedBytes(const MemoryPlan& plan) {
  return plan.dense_bytes + plan.scratch_bytes + plan.process_bytes;
}

// Gives `bytes` to the parts that share memory, but no more than they can use.
void Share(uint64_t bytes, MemoryPlan* plan) {
  const uint64_t all = plan->kv_bytes + plan->prompt_bytes +
                       static_cast<uint64_t>(plan->n_slot_all) * plan->slot_bytes;
  plan->shared_bytes = std::min(bytes, all);
  plan->n_slot = SlotsIn(*plan, 0);
  plan->n_slot_min = SlotsIn(*plan, plan->kv_bytes + plan->prompt_bytes);
  plan->total_bytes = FixedBytes(*plan) + plan->shared_bytes;
}

}  // namespace

int MemoryPlan::SlotsBeside(uint64_t bytes) const {
  return shares() ? SlotsIn(*this, bytes) : n_slot;
}

int64_t MemoryPlan::RoomFor(int64_t n_token) const {
  if (!shares()) return n_chunk;
  if (n_token <= kShortChunk) return std::min(kShortChunk, n_chunk);
  return std::min((n_token + kRoomStep - 1) / kRoomStep * kRoomStep, n_chunk);
}

uint64_t MemoryPlan::RoomBytes(int64_t n_token_room) const {
  if (n_token_room <= kShortChunk) return 0;
  // Each token takes the same.
  return prompt_bytes / static_cast<uint64_t>(n_chunk - kShortChunk) *
         static_cast<uint64_t>(n_token_room - kShortChunk);
}

Result<MemoryPlan> PlanMemory(const ModelSpec& spec, const MemoryPlanInput& input) {
  MemoryPlan plan = FixedParts(spec, input, input.n_chunk, input.n_session, false);
  if (input.n_slot_forced > 0) {
    const int n_slot = std::min(input.n_slot_forced, plan.n_slot_all);
    Share(plan.kv_bytes + plan.prompt_bytes + static_cast<uint64_t>(n_slot) * input.slot_bytes,
          &plan);
    plan.n_slot = n_slot;
    plan.n_slot_min = n_slot;
    plan.spare_bytes = std::numeric_limits<uint64_t>::max();
    return plan;
  }
  Share(std::numeric_limits<uint64_t>::max(), &plan);
  if (input.budget_bytes == 0 || plan.total_bytes <= input.budget_bytes) {
    plan.spare_bytes = input.budget_bytes == 0 ? std::numeric_limits<uint64_t>::max()
                                               : input.budget_bytes - plan.total_bytes;
    return plan;
  }

  plan = FixedParts(spec, input, input.n_chunk_short, 1, ResidentWeights::CanLeaveEmbedding(spec));
  const auto smallest_of = [&](const MemoryPlan& p) {
    return FixedBytes(p) + p.kv_bytes + p.prompt_bytes +
           static_cast<uint64_t>(spec.n_expert_used) * input.slot_bytes;
  };
  // Longer chunks are worth their memory only where there is enough.
  if (smallest_of(plan) > input.budget_bytes / 4 * 3)
    plan = FixedParts(spec, input, std::min(input.n_chunk, input.n_chunk_short), 1,
                      plan.embedding_on_disk);
  const uint64_t smallest = smallest_of(plan);
  if (input.budget_bytes < smallest) {
    return Status::Memory("cannot run model '" + spec.path + "' in a memory budget of " +
                          Mebibytes(input.budget_bytes) + ": with a context of " +
                          std::to_string(input.n_ctx) + " tokens the smallest that works is " +
                          Mebibytes(smallest) + " (" + Gibibytes(smallest) +
                          "); raise the budget or shorten the context");
  }
  Share(input.budget_bytes - FixedBytes(plan), &plan);
  return plan;
}

}  // namespace hearth
