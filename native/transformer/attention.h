// Causal grouped-query attention over the KV cache, with or without rotary positions and a sliding
// window.
#ifndef HEARTH_TRANSFORMER_ATTENTION_H_
#define HEARTH_TRANSFORMER_ATTENTION_H_

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "transformer/kv_cache.h"

namespace hearth {

// cos and sin of the rotation angles of a run of positions: [n_position, head_dim/2] each. Angles
// are computed in double: position * freq_base^(-2i/head_dim), so that far positions stay exact.
class RopeTable {
 public:
  explicit RopeTable(const ModelSpec& spec);
  // Makes the rows of positions [pos0, pos0 + n).
  void SetPositions(int64_t pos0, int64_t n);
  const float* cos(int64_t t) const { return &cos_[static_cast<size_t>(t * half_)]; }
  const float* sin(int64_t t) const { return &sin_[static_cast<size_t>(t * half_)]; }

 private:
  int64_t half_;
  std::vector<double> frequencies_;
  std::vector<float> cos_;
  std::vector<float> sin_;
};

// The tokens of one chunk: n_token positions from pos0.
struct ChunkSpan {
  int64_t pos0 = 0;
  int64_t n_token = 0;
};

// Rotates the keys (in layers with RoPE) and writes keys and values [n_token, n_kv] into the cache.
void StoreKeysAndValues(const Kernels& kernels, ThreadPool& pool, const ModelSpec& spec, int il,
                        ChunkSpan chunk, const RopeTable& rope, float* k, const float* v,
                        KvCache& kv);

// Attends with queries q [n_token, n_q] (rotated in place in layers with RoPE) over what the cache
// holds, the chunk itself included, into out [n_token, n_q]. scores: a row of n_ctx floats a
// worker and query head of a key/value head.
void Attend(const Kernels& kernels, ThreadPool& pool, const ModelSpec& spec, int il,
            ChunkSpan chunk, const RopeTable& rope, float* q, const KvCache& kv, float* scores,
            float* out);

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_ATTENTION_H_
