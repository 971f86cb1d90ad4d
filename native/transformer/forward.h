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
#include "model/embedding_table.h"
#include "model/model_spec.h"
#include "model/resident_weights.h"
#include "transformer/activations.h"
#include "transformer/approximate_head.h"
#include "transformer/attention.h"
#include "transformer/chunk_scratch.h"
#include "transformer/kv_cache.h"
#include "transformer/moe.h"

namespace hearth {

// Which experts were chosen, and which could have been predicted. Tokens in order; ids of a token
// by descending rank.
struct RoutingTrace {
  // layers[il]: n_expert_used ids per token.
  std::vector<std::vector<int32_t>> layers;
  // Set by the caller: how many layers to predict; 0 leaves the rest empty and costs nothing.
  int depth = 0;
  // guesses[il]: what the routers of layers il to il + depth - 1 (those that exist) predict from
  // the residual once layer il - 1 has added its attention, or from the embedding (each by its own
  // layer's norm, where routers read that): n_expert_used ids per token for each layer, the nearest
  // first.
  std::vector<std::vector<int32_t>> guesses;
  // next_ranked[il]: the ids that rank next after the chosen ones, up to as many again.
  std::vector<std::vector<int32_t>> next_ranked;
};

struct ForwardRequest {
  std::span<const int32_t> tokens;               // 1 to n_token_max; ids are checked by the caller
  int64_t pos0 = 0;                              // position of the first one
  int64_t n_token_next = 1;                      // of the chunk that will probably follow
  const std::atomic<bool>* cancelled = nullptr;  // checked before each layer and group of experts
  RoutingTrace* trace = nullptr;                 // appended to when given
};

// A chunk on its way through the layers: all state that lives between two of them. No expert is
// pinned then, so a pass may wait indefinitely while the same transformer works on another one.
// Used by one thread at a time.
class Pass {
 public:
  // For chunks of up to n_token_max tokens. kMemory.
  static Result<Pass> Create(const ModelSpec& spec, int64_t n_token_max);
  static size_t BytesFor(const ModelSpec& spec, int64_t n_token_max);

  // Layers that are still to be evaluated.
  int n_layer_left() const { return n_layer_ - il_; }

 private:
  friend class Transformer;
  explicit Pass(const ModelSpec& spec) : n_layer_(spec.n_layer), il_(spec.n_layer), ropes_(spec) {}

  int n_layer_;
  int il_;  // the layer that comes next
  ChunkSpan chunk_;
  int64_t n_token_next_ = 1;
  const std::atomic<bool>* cancelled_ = nullptr;
  RoutingTrace* trace_ = nullptr;
  RopeTables ropes_;        // of the chunk's positions
  AlignedBuffer residual_;  // x: [n_token_max, n_embd]
};

// The arithmetic of one model with scratch memory for one layer over the tokens of a chunk. Used
// by one thread at a time; everything it refers to must outlive it. Logits depend on the tokens
// alone: not on chunking, threads, cache, ISA, or on other passes in between.
class Transformer : public ChunkScratch {
 public:
  static Result<std::unique_ptr<Transformer>> Create(const ModelSpec& spec,
                                                     const ResidentWeights& weights,
                                                     const ExpertStore& store, ExpertCache& cache,
                                                     Reader& reader, const Kernels& kernels,
                                                     ThreadPool& pool, int64_t n_token_max,
                                                     int64_t n_ctx_max);
  // With room for chunks of n_token tokens; each further token takes the same amount.
  static size_t BytesFor(const ModelSpec& spec, int n_threads, int64_t n_token, int64_t n_ctx_max);

  // Of a chunk.
  int64_t n_token_max() const { return n_token_max_; }

  // The longest chunk, in tokens, that scratch memory has room for: at first n_token_max.
  int64_t n_token_room() const override { return n_token_room_; }

  // Shrinks or grows scratch memory, 1 <= n_token <= n_token_max. Passes in progress stay valid if
  // their chunks fit. kMemory: there is less room than requested.
  Status Resize(int64_t n_token) override;

  // A chunk is Begin, Layer until none is left, and Logits if needed. To abandon a pass, begin
  // another one: positions from pos0 on are then invalid, and ring buffers have lost what the chunk
  // overwrote (kv keeps track). Begin: kIo.
  Status Begin(const ForwardRequest& request, KvCache& kv, Pass& pass);

  // Evaluates the next layer and writes its keys and values. kNumeric names the layer whose result
  // is not finite; kIo; kCancelled.
  Status Layer(KvCache& kv, Pass& pass);

  // Of the chunk's last n tokens: [n, n_vocab]. kNumeric.
  Status Logits(const Pass& pass, int64_t n, float* logits);

  // The same by the approximate head, for weights with a predictor: for sampling, not for
  // probabilities. A position without candidates gets all its logits. Counts in `counts`; audits
  // change no result. kNumeric.
  Status ApproximateLogits(const Pass& pass, int64_t n, float threshold, HeadCounts& counts,
                           float* logits);

  const Kernels& kernels() const { return kernels_; }

 private:
  Transformer(const ModelSpec& spec, const ResidentWeights& weights, ExpertCache& cache,
              Reader& reader, const Kernels& kernels, ThreadPool& pool, int64_t n_token_max)
      : spec_(spec),
        weights_(weights),
        cache_(cache),
        embedding_(spec, weights, kernels, reader),
        kernels_(kernels),
        pool_(pool),
        n_token_max_(n_token_max) {}

  void Norm(const float* x, const float* weight, int64_t n_token);
  void AddBranch(int64_t n_token, float* x);
  void NormLast(const Pass& pass, int64_t n);
  void Head(int64_t t0, int64_t n, float* logits);
  void Route(int il, const float* x, int64_t n_token, Routing* routing);
  void Attention(int il, const Pass& pass, KvCache& kv);
  ExpertBatch FetchExperts(int il, const float* x, const Pass& pass);
  void Foresee(int il, const float* x, const Pass& pass);
  const float* RouterInput(int il, const float* x, int64_t n_token);
  void HintNextLayer(int il, const float* x, int64_t n_token);
  void HintThisLayer(int il, const float* x, int64_t n_token);
  void Hint(int il, const float* x, int64_t n_token, int n_read);
  bool HoldsAll() const;
  std::vector<int32_t> NextRanked(int64_t t) const;
  void TraceChoice(int il, int64_t n_token, RoutingTrace* trace);
  void TraceGuesses(int il, const float* x, int64_t n_token, RoutingTrace* trace);
  Status CheckFinite(const float* values, int64_t n, const std::string& where) const;

  const ModelSpec& spec_;
  const ResidentWeights& weights_;
  ExpertCache& cache_;
  EmbeddingTable embedding_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  const int64_t n_token_max_;
  int64_t n_token_room_ = 0;

  std::unique_ptr<Moe> moe_;
  std::unique_ptr<ApproximateHead> approximate_head_;  // null without a predictor
  Routing routing_;
  Routing guess_;
  Activations normed_;           // width n_embd
  Activations attended_;         // width n_q
  AlignedBuffer q_;              // [n_token_room, n_q]
  AlignedBuffer k_;              // [n_token_room, n_kv]
  AlignedBuffer v_;              // [n_token_room, n_kv]
  AlignedBuffer branch_;         // what a branch adds to x: [n_token_room, n_embd]
  AlignedBuffer router_logits_;  // [n_token_room, n_expert]
  AlignedBuffer scores_;         // [n_threads, heads a kv head, n_ctx_max]
};

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_FORWARD_H_
