// Tokens to logits: the model, one chunk at a time, one layer after another.
#ifndef HEARTH_TRANSFORMER_FORWARD_H_
#define HEARTH_TRANSFORMER_FORWARD_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "experts/expert_cache.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "model/resident_weights.h"
#include "transformer/activations.h"
#include "transformer/attention.h"
#include "transformer/kv_cache.h"
#include "transformer/moe.h"

namespace hearth {

// Which experts were chosen: layers[il] holds n_expert_used ids a token, by falling rank, tokens in
// order.
struct RoutingTrace {
  std::vector<std::vector<int32_t>> layers;
};

struct ForwardRequest {
  std::span<const int32_t> tokens;               // 1 to n_token_max; ids are checked by the caller
  int64_t pos0 = 0;                              // position of the first one
  bool all_logits = false;                       // of every token, else of the last one only
  const std::atomic<bool>* cancelled = nullptr;  // looked at between layers and groups of experts
  RoutingTrace* trace = nullptr;                 // appended to when given
};

// The arithmetic of one model with scratch memory for chunks of up to n_token_max tokens. Used by
// one thread at a time; everything it refers to must outlive it. Logits depend on the tokens alone:
// not on chunking, threads, cache or ISA.
class Transformer {
 public:
  static Result<std::unique_ptr<Transformer>> Create(const ModelSpec& spec,
                                                     const ResidentWeights& weights,
                                                     const ExpertStore& store, ExpertCache& cache,
                                                     const Kernels& kernels, ThreadPool& pool,
                                                     int64_t n_token_max, int64_t n_ctx_max);
  static size_t BytesFor(const ModelSpec& spec, int n_threads, int64_t n_token_max,
                         int64_t n_ctx_max);

  int64_t n_token_max() const { return n_token_max_; }

  // Evaluates a chunk: writes its keys and values into `kv` and its logits, [n_vocab] or [n_token,
  // n_vocab], into `logits` (nullptr: none are wanted). kNumeric names the layer whose result is
  // not finite; kIo; kCancelled: then positions from pos0 on hold nothing of worth, and rings have
  // lost what the chunk overwrote (kv knows).
  Status Forward(const ForwardRequest& request, KvCache& kv, float* logits);

 private:
  Transformer(const ModelSpec& spec, const ResidentWeights& weights, ExpertCache& cache,
              const Kernels& kernels, ThreadPool& pool, int64_t n_token_max)
      : spec_(spec),
        weights_(weights),
        cache_(cache),
        kernels_(kernels),
        pool_(pool),
        n_token_max_(n_token_max),
        rope_(spec) {}

  void Embed(std::span<const int32_t> tokens);
  void Norm(const float* weight, int64_t t0, int64_t n_token);
  void Route(int il, int64_t n_token, Routing* routing);
  void Attention(int il, ChunkSpan chunk, KvCache& kv);
  void HintNextLayer(int il, int64_t n_token);
  void Head(int64_t t0, int64_t n_token, float* logits);
  Status CheckFinite(const float* values, int64_t n, const std::string& where) const;
  Status Layer(int il, const ForwardRequest& request, ChunkSpan chunk, KvCache& kv);

  const ModelSpec& spec_;
  const ResidentWeights& weights_;
  ExpertCache& cache_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  const int64_t n_token_max_;

  RopeTable rope_;
  std::unique_ptr<Moe> moe_;
  Routing routing_;
  AlignedBuffer residual_;       // x: [n_token_max, n_embd]
  Activations normed_;           // width n_embd
  Activations attended_;         // width n_q
  AlignedBuffer q_;              // [n_token_max, n_q]
  AlignedBuffer k_;              // [n_token_max, n_kv]
  AlignedBuffer v_;              // [n_token_max, n_kv]
  AlignedBuffer branch_;         // what a branch adds to x: [n_token_max, n_embd]
  AlignedBuffer router_logits_;  // [n_token_max, n_expert]
  AlignedBuffer scores_;         // [n_threads, n_ctx_max]
};

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_FORWARD_H_
