#include "transformer/attention.h"

#include <algorithm>
#include <cmath>

#include "transformer/activations.h"

namespace hearth {
namespace {

// The keys that one query sees, in order: some that are kept, the end of the ring, its beginning.
struct KeyRuns {
  struct Run {
    int64_t slot = 0;
    int64_t n = 0;
  };
  Run runs[3];
  int64_t n_key = 0;
};

KeyRuns KeysOf(const KvCache& kv, int il, const AttentionSpec& layer, int64_t pos) {
  int64_t first = layer.window == 0 ? 0 : std::max<int64_t>(0, pos - layer.window + 1);
  KeyRuns keys;
  keys.n_key = pos - first + 1;
  for (KeyRuns::Run& run : keys.runs) {
    if (first > pos) break;
    run = {kv.SlotOf(il, first), std::min(pos - first + 1, kv.RunAt(il, first))};
    first += run.n;
  }
  CHECK(first == pos + 1, "a window is longer than its ring");
  return keys;
}

// The one head of token t at `head`. scratch: [head_dim] if there is a norm.
void PrepareHead(const Kernels& kernels, const ModelSpec& spec, const HeadSteps& steps, int64_t t,
                 std::vector<float>& scratch, float* head) {
  if (steps.norm != nullptr) {
    kernels.rms_norm(head, steps.norm, spec.head_dim, spec.rms_eps, scratch.data());
    std::copy(scratch.begin(), scratch.end(), head);
  }
  if (steps.rope != nullptr)
    kernels.rope(head, steps.rope->cos(t), steps.rope->sin(t), spec.head_dim);
}

// Empty, and no allocation, without a norm.
std::vector<float> ScratchFor(const ModelSpec& spec, const HeadSteps& steps) {
  return std::vector<float>(steps.norm == nullptr ? 0 : static_cast<size_t>(spec.head_dim));
}

// Pairs of dimensions below `low` keep their frequency, those above `high` have all of it scaled.
struct YarnRamp {
  double low = 0;
  double high = 0;
  // The share of pair i's own frequency that stays.
  double KeptAt(int64_t i) const {
    const double at = (static_cast<double>(i) - low) / std::max(0.001, high - low);
    return 1 - std::clamp(at, 0.0, 1.0);
  }
};

// Where a pair turns beta_fast and beta_slow times within the original context, rounded outwards to
// whole pairs (ggml_rope_yarn_corr_dims).
YarnRamp RampOf(const YarnSpec& yarn, double freq_base, int64_t head_dim) {
  constexpr double kTwoPi = 6.283185307179586;
  const auto pair_that_turns = [&](double times) {
    return static_cast<double>(head_dim) * std::log(yarn.original_context / (times * kTwoPi)) /
           (2 * std::log(freq_base));
  };
  return {std::max(0.0, std::floor(pair_that_turns(yarn.beta_fast))),
          std::min(static_cast<double>(head_dim - 1), std::ceil(pair_that_turns(yarn.beta_slow)))};
}

// Distinct parameters, in the order of the layers that use them first.
std::vector<RopeSpec> DistinctRopes(const ModelSpec& spec) {
  std::vector<RopeSpec> distinct;
  for (const AttentionSpec& layer : spec.block.attention) {
    if (layer.rope && std::find(distinct.begin(), distinct.end(), *layer.rope) == distinct.end())
      distinct.push_back(*layer.rope);
  }
  return distinct;
}

}  // namespace

RopeTable::RopeTable(const RopeSpec& rope, int64_t head_dim) : half_(head_dim / 2) {
  for (int64_t i = 0; i < half_; ++i) {
    frequencies_.push_back(
        std::pow(rope.freq_base, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim)));
  }
  if (!rope.yarn) return;
  magnitude_ = 1 + 0.1 * std::log(rope.yarn->factor);
  const YarnRamp ramp = RampOf(*rope.yarn, rope.freq_base, head_dim);
  for (int64_t i = 0; i < half_; ++i) {
    const double kept = ramp.KeptAt(i);
    frequencies_[static_cast<size_t>(i)] *= (1 - kept) / rope.yarn->factor + kept;
  }
}

void RopeTable::SetPositions(int64_t pos0, int64_t n) {
  cos_.resize(static_cast<size_t>(n * half_));
  sin_.resize(static_cast<size_t>(n * half_));
  for (int64_t t = 0; t < n; ++t) {
    for (int64_t i = 0; i < half_; ++i) {
      const double angle = static_cast<double>(pos0 + t) * frequencies_[static_cast<size_t>(i)];
      cos_[static_cast<size_t>(t * half_ + i)] = static_cast<float>(std::cos(angle) * magnitude_);
      sin_[static_cast<size_t>(t * half_ + i)] = static_cast<float>(std::sin(angle) * magnitude_);
    }
  }
}

RopeTables::RopeTables(const ModelSpec& spec) {
  const std::vector<RopeSpec> distinct = DistinctRopes(spec);
  for (const RopeSpec& rope : distinct) tables_.emplace_back(rope, spec.head_dim);
  for (const AttentionSpec& layer : spec.block.attention) {
    const auto at =
        layer.rope ? std::find(distinct.begin(), distinct.end(), *layer.rope) : distinct.end();
    table_of_.push_back(at == distinct.end() ? -1 : static_cast<int>(at - distinct.begin()));
  }
}

size_t RopeTables::BytesFor(const ModelSpec& spec, int64_t n_token) {
  return DistinctRopes(spec).size() * static_cast<size_t>(n_token * spec.head_dim) * sizeof(float);
}

void RopeTables::SetPositions(int64_t pos0, int64_t n) {
  for (RopeTable& table : tables_) table.SetPositions(pos0, n);
}

void StoreKeysAndValues(const Kernels& kernels, ThreadPool& pool, const ModelSpec& spec, int il,
                        ChunkSpan chunk, const HeadSteps& steps, float* k, const float* v,
                        KvCache& kv) {
  pool.ParallelFor(chunk.n_token * spec.n_head_kv, 8, [&](int64_t begin, int64_t end, int) {
    std::vector<float> scratch = ScratchFor(spec, steps);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t t = i / spec.n_head_kv;
      const int head = static_cast<int>(i % spec.n_head_kv);
      const int64_t slot = kv.SlotOf(il, chunk.pos0 + t);
      float* key = k + i * spec.head_dim;
      PrepareHead(kernels, spec, steps, t, scratch, key);
      kernels.to_f16(key, spec.head_dim, kv.K(il, head) + slot * spec.head_dim);
      kernels.to_f16(v + i * spec.head_dim, spec.head_dim, kv.V(il, head) + slot * spec.head_dim);
    }
  });
}

void Attend(const Kernels& kernels, ThreadPool& pool, const ModelSpec& spec, int il,
            ChunkSpan chunk, const HeadSteps& steps, float* q, const KvCache& kv, float* scores,
            float* out) {
  const AttentionSpec& layer = spec.block.attention_of(il);
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
    std::vector<float> scratch = ScratchFor(spec, steps);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t t = i / n_part / spec.n_head_kv;
      const int head_kv = static_cast<int>(i / n_part % spec.n_head_kv);
      const int64_t first = heads_per_kv * (i % n_part) / n_part;
      const int64_t n_head = heads_per_kv * (i % n_part + 1) / n_part - first;
      const KeyRuns keys = KeysOf(kv, il, layer, chunk.pos0 + t);
      const int64_t n = keys.n_key;
      const uint16_t* k = kv.K(il, head_kv);
      const uint16_t* v = kv.V(il, head_kv);
      const int64_t at = ((t * spec.n_head) + head_kv * heads_per_kv + first) * dim;
      for (int64_t h = 0; h < n_head; ++h)
        PrepareHead(kernels, spec, steps, t, scratch, q + at + h * dim);
      float* scored = s;
      for (const KeyRuns::Run& run : keys.runs) {
        kernels.attention_scores(q + at, n_head, dim, k + run.slot * dim, dim, run.n, dim, scale,
                                 scored, n);
        scored += run.n;
      }
      float* o = out + at;
      std::fill(o, o + n_head * dim, 0.0f);
      for (int64_t h = 0; h < n_head; ++h)
        sums[static_cast<size_t>(h)] = kernels.softmax(s + h * n, n);
      const float* weights = s;
      for (const KeyRuns::Run& run : keys.runs) {
        kernels.attention_values(weights, n_head, n, v + run.slot * dim, dim, run.n, dim, o, dim);
        weights += run.n;
      }
      for (int64_t h = 0; h < n_head; ++h) {
        const float sum = sums[static_cast<size_t>(h)];
        for (int64_t j = 0; j < dim; ++j) o[h * dim + j] /= sum;
      }
    }
  });
}

}  // namespace hearth
