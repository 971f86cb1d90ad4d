// Causal grouped-query attention over the KV cache, with or without norms on queries and keys,
// rotary positions and a sliding window.
#ifndef HEARTH_TRANSFORMER_ATTENTION_H_
#define HEARTH_TRANSFORMER_ATTENTION_H_

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "transformer/kv_cache.h"

namespace hearth {

// cos and sin of the rotation angles of a run of positions: [n_position, head_dim/2] each, both
// times the magnitude that YaRN gives queries and keys. Angles are computed in double: position *
// freq_base^(-2i/head_dim), scaled as YarnSpec says, so that far positions stay exact.
class RopeTable {
 public:
  RopeTable(const RopeSpec& rope, int64_t head_dim);
  // Makes the rows of positions [pos0, pos0 + n).
  void SetPositions(int64_t pos0, int64_t n);
  const float* cos(int64_t t) const { return &cos_[static_cast<size_t>(t * half_)]; }
  const float* sin(int64_t t) const { return &sin_[static_cast<size_t>(t * half_)]; }

 private:
  int64_t half_;
  double magnitude_ = 1;
  std::vector<double> frequencies_;
  std::vector<float> cos_;
  std::vector<float> sin_;
};

// The tables of a model: layers with the same parameters share one.
class RopeTables {
 public:
  explicit RopeTables(const ModelSpec& spec);
  // For chunks of n_token tokens.
  static size_t BytesFor(const ModelSpec& spec, int64_t n_token);

  void SetPositions(int64_t pos0, int64_t n);

  // nullptr in a layer without position encoding.
  const RopeTable* of(int il) const {
    const int table = table_of_[static_cast<size_t>(il)];
    return table < 0 ? nullptr : &tables_[static_cast<size_t>(table)];
  }

 private:
  std::vector<RopeTable> tables_;
  std::vector<int> table_of_;  // of a layer; -1: none
};

// What each head of the queries, or of the keys, of a layer goes through before they meet: first
// an RMS norm with these weights [head_dim], then the rotation; nullptr: neither.
struct HeadSteps {
  const float* norm = nullptr;
  const RopeTable* rope = nullptr;
};

// The tokens of one chunk: n_token positions from pos0.
struct ChunkSpan {
  int64_t pos0 = 0;
  int64_t n_token = 0;
};

// Takes the keys through `steps`, in place, and writes keys and values [n_token, n_kv] into the
// cache.
void StoreKeysAndValues(const Kernels& kernels, ThreadPool& pool, const ModelSpec& spec, int il,
                        ChunkSpan chunk, const HeadSteps& steps, float* k, const float* v,
                        KvCache& kv);

// Attends with queries q [n_token, n_q], taken through `steps` in place, over what the cache holds,
// the chunk itself included, into out [n_token, n_q]. scores: a row of n_ctx floats a worker and
// query head of a key/value head.
void Attend(const Kernels& kernels, ThreadPool& pool, const ModelSpec& spec, int il,
            ChunkSpan chunk, const HeadSteps& steps, float* q, const KvCache& kv, float* scores,
            float* out);

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_ATTENTION_H_
