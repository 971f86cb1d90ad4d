// What a model file contains, as the text side read it: hyper-parameters, how its blocks compute,
// and the table of its tensors. The twin of src/model/modelSpec.ts. Checked once here against the
// file's size and against what the engine can evaluate; nothing after that checks again.
#ifndef HEARTH_MODEL_MODEL_SPEC_H_
#define HEARTH_MODEL_MODEL_SPEC_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "kernels/block.h"

namespace hearth {

// What the router reads: the residual stream as it enters the layer, so that experts can be read
// while attention computes, or what the experts read, after attention.
enum class RouterInput { kResidual, kFfnNorm };

// How router logits become weights of the chosen experts: softmax, or sigmoid divided by the sum.
// Either sums to 1.
enum class Gating { kSoftmax, kSigmoid };

// Of an expert's gate: down(activation(gate x) * up x).
enum class Activation { kRelu, kSilu };

// YaRN (Peng et al. 2023) as llama.cpp computes it: dimensions that turn more than beta_fast times
// within the original context keep their frequency, those that turn less than beta_slow times have
// it divided by `factor`, and a ramp over the dimensions lies between the two. Queries and keys are
// both multiplied by 1 + 0.1 * ln(factor). At all positions, not only beyond the original context.
struct YarnSpec {
  double factor = 1;
  double original_context = 0;  // positions that the model was trained for without it
  double beta_fast = 32;
  double beta_slow = 1;

  bool operator==(const YarnSpec&) const = default;
};

// Rotary positions over all dimensions of a head, in pairs (i, i + head_dim / 2).
struct RopeSpec {
  double freq_base = 0;
  std::optional<YarnSpec> yarn = std::nullopt;  // unset: no scaling

  bool operator==(const RopeSpec&) const = default;
};

// The attention of one layer.
struct AttentionSpec {
  int64_t window = 0;            // keys that a query sees, itself included; 0: all earlier ones
  std::optional<RopeSpec> rope;  // unset: no position encoding (NoPE)
};

// How the blocks compute. What is not here is the same in every model that the engine evaluates:
// RMS norms, grouped-query attention, gated experts in every layer, none of them shared, no biases.
struct BlockSpec {
  RouterInput router_input = RouterInput::kResidual;
  Gating gating = Gating::kSigmoid;
  Activation activation = Activation::kRelu;
  bool qk_norm = false;                  // an RMS norm on each head's queries and keys, before RoPE
  std::vector<AttentionSpec> attention;  // one for each layer

  const AttentionSpec& attention_of(int il) const { return attention[static_cast<size_t>(il)]; }
};

struct TensorInfo {
  std::string name;  // llama.cpp's, e.g. "blk.0.attn_q.weight", whatever the file calls it
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;  // ggml order: shape[0] weights a row; 1 to 3 dimensions
  uint64_t offset = 0;         // bytes from the start of the file
  uint64_t bytes = 0;
  // Of a tensor of several matrices: bytes from the start of one to that of the next; 0: they
  // follow each other. Otherwise they are parts of the matrices of a larger tensor, and `bytes` is
  // still their sum.
  uint64_t stride = 0;

  // Rows of all matrices in this tensor.
  int64_t n_row() const;
};

struct ModelSpec {
  std::string path;
  uint64_t file_bytes = 0;
  int n_layer = 0;
  int64_t n_embd = 0;
  int n_head = 0;
  int n_head_kv = 0;
  int64_t head_dim = 0;
  int64_t n_ff = 0;
  int64_t n_vocab = 0;
  int n_expert = 0;
  int n_expert_used = 0;
  float rms_eps = 0;
  int64_t n_ctx_train = 0;
  BlockSpec block;
  bool down_transposed = false;  // ffn_down_exps is [n_embd, n_ff, n_expert]: one row a neuron
  std::vector<TensorInfo> tensors;

  int64_t n_q() const { return n_head * head_dim; }      // width of all query heads
  int64_t n_kv() const { return n_head_kv * head_dim; }  // width of all key heads

  // nullptr when the file has no such tensor.
  const TensorInfo* Find(const std::string& name) const;
  // "blk.<il>.<name>.weight"
  const TensorInfo* FindInLayer(int il, const char* name) const;
  // True if one of these tensors is quantised in some layer.
  bool AnyQuantized(std::initializer_list<const char*> names) const;
};

// The predictor of likely tokens that the authors' files may carry, in one flat tensor:
// kPredictorWidth rows of n_embd weights, then n_vocab rows of kPredictorWidth.
inline constexpr const char* kPredictorName = "lm_head_profiler.weight";
inline constexpr int64_t kPredictorWidth = 128;

// "Q4_0" etc.
bool ParseTensorType(const std::string& name, TensorType* type);
const char* TensorTypeName(TensorType type);

// kBadModel naming the first thing that is wrong: a block that the engine cannot evaluate, a number
// out of range, a missing tensor, a shape that does not follow from the hyper-parameters, bytes
// that are not the shape's, an offset outside the file.
Status CheckSpec(const ModelSpec& spec);

// For callers that use the predictor, which CheckSpec does not check. kBadRequest when there is no
// usable one, kBadModel when it is incomplete.
Status CheckPredictor(const ModelSpec& spec);

}  // namespace hearth

#endif  // HEARTH_MODEL_MODEL_SPEC_H_
