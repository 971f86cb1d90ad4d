// The mixture of experts of one layer, over the tokens of a chunk, grouped by expert.
#ifndef HEARTH_TRANSFORMER_MOE_H_
#define HEARTH_TRANSFORMER_MOE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "experts/expert_cache.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "transformer/activations.h"

namespace hearth {

// Where each token of a chunk goes: ids and gates are [n_token, n_used], by falling rank.
struct Routing {
  int64_t n_token = 0;
  int n_used = 0;
  std::vector<int32_t> ids;
  std::vector<float> gates;

  // The distinct experts, by rising id.
  std::vector<int> Experts(int n_expert) const;

  // The same, those chosen by the most tokens first; among equals, those chosen with higher rank.
  std::vector<int> ByPopularity(int n_expert) const;
};

// Scratch memory and code for the tokens of a chunk. Thread-compatible.
class Moe {
 public:
  static Result<std::unique_ptr<Moe>> Create(const ModelSpec& spec, const ExpertStore& store,
                                             const Kernels& kernels, ThreadPool& pool);
  static size_t BytesFor(const ModelSpec& spec, int n_threads, int64_t n_token);

  // Sets the most tokens that a Run may have; required before the first one. kMemory, and nothing
  // changes.
  Status Resize(int64_t n_token);

  // out[t] = sum over the experts of token t, by rising id, of gate * expert(input.row(t)); out is
  // [n_token, n_embd]. The order of the sum does not depend on the order in which `batch` hands the
  // experts out. `batch` covers routing.Experts(). kIo when an expert cannot be read; kCancelled.
  Status Run(int il, const Routing& routing, const Activations& input, ExpertBatch& batch,
             const std::atomic<bool>& cancelled, float* out);

 private:
  // An expert of the current group: its tokens are rows [row0, row0 + n_row) of the buffers.
  struct Member {
    PinnedExpert expert;
    int64_t row0 = 0;
    int64_t n_row = 0;
  };

  Moe(const ModelSpec& spec, const ExpertStore& store, const Kernels& kernels, ThreadPool& pool)
      : spec_(spec), store_(store), kernels_(kernels), pool_(pool) {}

  void AssignRows(const Routing& routing, std::vector<Member>& group);
  void Gather(int il, const Routing& routing, const Activations& input,
              const std::vector<Member>& group);
  void GateAndUp(int il, int64_t n_token, const Activations& input,
                 const std::vector<Member>& group);
  void UpOfActive(const MatrixView& up, const Activations& input, int64_t row, const float* g,
                  int64_t first, int64_t last, float* hidden) const;
  bool IsIdleForAll(int64_t row0, int64_t n_row, int64_t neuron) const;
  void Down(int il, const std::vector<Member>& group);
  void DownTransposed(int il, const std::vector<Member>& group);
  void DownColumns(const MatrixView& down, const Member& member, int64_t first, int64_t last,
                   float* scratch);
  void Reduce(const Routing& routing, float* out);

  const ModelSpec& spec_;
  const ExpertStore& store_;
  const Kernels& kernels_;
  ThreadPool& pool_;

  // All [n_token * n_used, ...]: one row per pair of token and expert, in the order in which the
  // experts arrived.
  Activations gathered_;            // width n_embd: the token's input
  Activations hidden_;              // width n_ff: activation(gate) * up
  AlignedBuffer gate_;              // [.., n_ff]
  AlignedBuffer up_;                // [.., n_ff]
  AlignedBuffer output_;            // [.., n_embd]
  AlignedBuffer column_scratch_;    // one part per worker, for transposed down matrices
  std::vector<int64_t> row_of_;     // choice [n_token * n_used] -> row
  std::vector<int32_t> choice_of_;  // row -> choice
  int64_t n_row_used_ = 0;
  std::vector<double> idle_share_;  // recent, of the neurons of a layer
};

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_MOE_H_
