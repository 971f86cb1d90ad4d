#include "transformer/attention.h"

#include <algorithm>
#include <cmath>

#include "transformer/activations.h"

namespace hearth {
namespace {

// The keys that one query sees, as at most two runs of a ring.
struct KeyRange {
  int64_t first_slot = 0;
  int64_t n_first = 0;   // keys from first_slot on
  int64_t n_second = 0;  // keys from slot 0 on
};

KeyRange KeysOf(const LayerSpec& layer, int64_t pos, int64_t capacity) {
  const int64_t first = layer.window == 0 ? 0 : std::max<int64_t>(0, pos - layer.window + 1);
  const int64_t n_key = pos - first + 1;
  KeyRange range;
  range.first_slot = first % capacity;
  range.n_first = std::min(n_key, capacity - range.first_slot);
  range.n_second = n_key - range.n_first;
  return range;
}

}  // namespace

RopeTable::RopeTable(const ModelSpec& spec) : half_(spec.head_dim / 2) {
  for (int64_t i = 0; i < half_; ++i) {
    frequencies_.push_back(std::pow(
        spec.rope_freq_base, -2.0 * static_cast<double>(i) / static_cast<double>(spec.head_dim)));
  }
}

void RopeTable::SetPositions(int64_t pos0, int64_t n) {
  cos_.resize(static_cast<size_t>(n * half_));
  sin_.resize(static_cast<size_t>(n * half_));
  for (int64_t t = 0; t < n; ++t) {
    for (int64_t i = 0; i < half_; ++i) {
      const double angle = static_cast<double>(pos0 + t) * frequencies_[static_cast<size_t>(i)];
      cos_[static_cast<size_t>(t * half_ + i)] = static_cast<float>(std::cos(angle));
      sin_[static_cast<size_t>(t * half_ + i)] = static_cast<float>(std::sin(angle));
    }
  }
}

void StoreKeysAndValues(const Kernels& kernels, ThreadPool& pool, const ModelSpec& spec, int il,
                        ChunkSpan chunk, const RopeTable& rope, float* k, const float* v,
                        KvCache& kv) {
  const LayerSpec& layer = spec.layers[static_cast<size_t>(il)];
  const int64_t capacity = kv.capacity(il);
  pool.ParallelFor(chunk.n_token * spec.n_head_kv, 8, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t t = i / spec.n_head_kv;
      const int head = static_cast<int>(i % spec.n_head_kv);
      const int64_t slot = (chunk.pos0 + t) % capacity;
      float* key = k + i * spec.head_dim;
      if (layer.rope) kernels.rope(key, rope.cos(t), rope.sin(t), spec.head_dim);
      kernels.to_f16(key, spec.head_dim, kv.K(il, head) + slot * spec.head_dim);
      kernels.to_f16(v + i * spec.head_dim, spec.head_dim, kv.V(il, head) + slot * spec.head_dim);
    }
  });
}

void Attend(const Kernels& kernels, ThreadPool& pool, const ModelSpec& spec, int il,
            ChunkSpan chunk, const RopeTable& rope, float* q, const KvCache& kv, float* scores,
            float* out) {
  const LayerSpec& layer = spec.layers[static_cast<size_t>(il)];
  const int64_t dim = spec.head_dim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  const int64_t heads_per_kv = spec.n_head / spec.n_head_kv;
  // Heads that share keys and values read them together, as long as there is work for all threads.
  const int64_t n_group = chunk.n_token * spec.n_head_kv;
  const int64_t n_part =
      std::clamp<int64_t>((pool.size() + n_group - 1) / n_group, 1, heads_per_kv);
  // They read so many bytes: keys and values as halves.
  const int64_t n_key = layer.window == 0 ? chunk.pos0 + chunk.n_token
                                          : std::min(layer.window, chunk.pos0 + chunk.n_token);
  const int64_t grain = std::max<int64_t>(1, kGrainBytes / (4 * n_key * dim));
  pool.ParallelFor(n_group * n_part, grain, [&](int64_t begin, int64_t end, int worker) {
    float* s = scores + worker * heads_per_kv * kv.n_ctx();
    std::vector<float> sums(static_cast<size_t>(heads_per_kv));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t t = i / n_part / spec.n_head_kv;
      const int head_kv = static_cast<int>(i / n_part % spec.n_head_kv);
      const int64_t first = heads_per_kv * (i % n_part) / n_part;
      const int64_t n_head = heads_per_kv * (i % n_part + 1) / n_part - first;
      const KeyRange keys = KeysOf(layer, chunk.pos0 + t, kv.capacity(il));
      const int64_t n = keys.n_first + keys.n_second;
      const uint16_t* k = kv.K(il, head_kv);
      const uint16_t* v = kv.V(il, head_kv);
      const int64_t at = ((t * spec.n_head) + head_kv * heads_per_kv + first) * dim;
      for (int64_t h = 0; h < n_head && layer.rope; ++h)
        kernels.rope(q + at + h * dim, rope.cos(t), rope.sin(t), dim);
      kernels.attention_scores(q + at, n_head, dim, k + keys.first_slot * dim, dim, keys.n_first,
                               dim, scale, s, n);
      kernels.attention_scores(q + at, n_head, dim, k, dim, keys.n_second, dim, scale,
                               s + keys.n_first, n);
      float* o = out + at;
      std::fill(o, o + n_head * dim, 0.0f);
      for (int64_t h = 0; h < n_head; ++h)
        sums[static_cast<size_t>(h)] = kernels.softmax(s + h * n, n);
      kernels.attention_values(s, n_head, n, v + keys.first_slot * dim, dim, keys.n_first, dim, o,
                               dim);
      kernels.attention_values(s + keys.n_first, n_head, n, v, dim, keys.n_second, dim, o, dim);
      for (int64_t h = 0; h < n_head; ++h) {
        const float sum = sums[static_cast<size_t>(h)];
        for (int64_t j = 0; j < dim; ++j) o[h * dim + j] /= sum;
      }
    }
  });
}

}  // namespace hearth
