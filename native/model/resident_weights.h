// The weights that every token needs, in memory: everything but the experts. The predictor is
// included if the spec has it: a caller that does not use it removes it from the spec.
#ifndef HEARTH_MODEL_RESIDENT_WEIGHTS_H_
#define HEARTH_MODEL_RESIDENT_WEIGHTS_H_

#include <functional>
#include <memory>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "io/reader.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"

namespace hearth {

struct LayerWeights {
  const float* attn_norm = nullptr;    // [n_embd]
  MatrixView attn_q;                   // [n_q rows of n_embd]
  MatrixView attn_k;                   // [n_kv rows of n_embd]
  MatrixView attn_v;                   // [n_kv rows of n_embd]
  const float* attn_q_norm = nullptr;  // [head_dim]; nullptr without qk_norm
  const float* attn_k_norm = nullptr;  // [head_dim]; nullptr without qk_norm
  MatrixView attn_output;              // [n_embd rows of n_q]
  const float* ffn_norm = nullptr;     // [n_embd]
  MatrixView router;                   // [n_expert rows of n_embd], always F32
};

// Immutable once loaded, so thread-safe.
class ResidentWeights {
 public:
  // Whether the embedding may stay on disk: not where it is the head as well.
  static bool CanLeaveEmbedding(const ModelSpec& spec);

  // Bytes that Load will hold for this model; `spec` is checked.
  static size_t BytesFor(const ModelSpec& spec, bool embedding_on_disk = false);

  // Reads the tensors of `file`, norms and routers converted to F32 whatever their type. `progress`
  // gets bytes read so far. kIo, kMemory.
  static Result<std::unique_ptr<ResidentWeights>> Load(const ModelSpec& spec, const File& file,
                                                       const Kernels& kernels,
                                                       bool embedding_on_disk,
                                                       const std::function<void(size_t)>& progress);

  // [n_vocab rows of n_embd]; without data where it was left on disk.
  const MatrixView& token_embd() const { return token_embd_; }
  const MatrixView& head() const {
    return head_;
  }  // [n_vocab rows of n_embd]; token_embd when tied
  // Without data if the spec has no predictor. [kPredictorWidth rows of n_embd], [n_vocab rows of
  // kPredictorWidth]. With it the head's rows are not interleaved, so that they can be picked.
  const MatrixView& predictor_in() const { return predictor_in_; }
  const MatrixView& predictor_out() const { return predictor_out_; }
  const float* output_norm() const { return output_norm_; }  // [n_embd]
  const LayerWeights& layer(int il) const { return layers_[static_cast<size_t>(il)]; }
  size_t bytes() const { return storage_.bytes(); }

 private:
  AlignedBuffer storage_;
  MatrixView token_embd_{};
  MatrixView head_{};
  MatrixView predictor_in_{};
  MatrixView predictor_out_{};
  const float* output_norm_ = nullptr;
  std::vector<LayerWeights> layers_;
};

}  // namespace hearth

#endif  // HEARTH_MODEL_RESIDENT_WEIGHTS_H_
