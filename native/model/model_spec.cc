#include "model/model_spec.h"

#include <array>
#include <cmath>
#include <utility>

namespace hearth {
namespace {

constexpr std::array<std::pair<const char*, TensorType>, kTensorTypeCount> kTypeNames = {{
    {"F32", TensorType::kF32},
    {"F16", TensorType::kF16},
    {"BF16", TensorType::kBF16},
    {"Q4_0", TensorType::kQ4_0},
    {"Q4_1", TensorType::kQ4_1},
    {"Q8_0", TensorType::kQ8_0},
    {"Q6_K", TensorType::kQ6_K},
    {"Q5_0", TensorType::kQ5_0},
    {"Q5_1", TensorType::kQ5_1},
    {"Q4_K", TensorType::kQ4_K},
    {"Q5_K", TensorType::kQ5_K},
    {"Q2_K", TensorType::kQ2_K},
    {"Q3_K", TensorType::kQ3_K},
}};

// Far above every published model, far below what overflows the arithmetic here.
constexpr int64_t kMaxLayers = 512;
constexpr int64_t kMaxExperts = 1024;
constexpr int64_t kMaxWidth = 1 << 20;
constexpr int64_t kMaxVocab = 1 << 24;
constexpr int64_t kMaxContext = 1 << 24;

Status Bad(const ModelSpec& spec, const std::string& what) {
  return Status::BadModel("cannot use model '" + spec.path + "': " + what +
                          "; download the file again or choose another one");
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Status CheckNumber(const ModelSpec& spec, const char* name, int64_t value, int64_t max) {
  if (value >= 1 && value <= max) return Status::Ok();
  return Bad(spec, std::string(name) + " is " + std::to_string(value) + ", expected 1 to " +
                       std::to_string(max));
}

Status CheckNumbers(const ModelSpec& s) {
  RETURN_IF_ERROR(CheckNumber(s, "n_layer", s.n_layer, kMaxLayers));
  RETURN_IF_ERROR(CheckNumber(s, "n_embd", s.n_embd, kMaxWidth));
  RETURN_IF_ERROR(CheckNumber(s, "n_head", s.n_head, 4096));
  RETURN_IF_ERROR(CheckNumber(s, "n_head_kv", s.n_head_kv, s.n_head));
  RETURN_IF_ERROR(CheckNumber(s, "head_dim", s.head_dim, 4096));
  RETURN_IF_ERROR(CheckNumber(s, "n_ff", s.n_ff, kMaxWidth));
  RETURN_IF_ERROR(CheckNumber(s, "n_vocab", s.n_vocab, kMaxVocab));
  RETURN_IF_ERROR(CheckNumber(s, "n_expert", s.n_expert, kMaxExperts));
  RETURN_IF_ERROR(CheckNumber(s, "n_expert_used", s.n_expert_used, s.n_expert));
  RETURN_IF_ERROR(CheckNumber(s, "n_ctx_train", s.n_ctx_train, kMaxContext));
  if (s.n_head % s.n_head_kv != 0) return Bad(s, "n_head is not a multiple of n_head_kv");
  if (s.head_dim % 2 != 0) return Bad(s, "head_dim is odd");
  if (!(s.rms_eps >= 0 && s.rms_eps < 1)) return Bad(s, "rms_eps is out of range");
  return Status::Ok();
}

Status CheckRope(const ModelSpec& s, const RopeSpec& rope) {
  const auto at_least_one = [](double value) { return value >= 1 && std::isfinite(value); };
  if (!at_least_one(rope.freq_base)) return Bad(s, "a rope freq_base is out of range");
  if (!rope.yarn) return Status::Ok();
  const YarnSpec& yarn = *rope.yarn;
  // The ramp divides by the logarithm of the base.
  const bool ok = rope.freq_base > 1 && at_least_one(yarn.factor) &&
                  at_least_one(yarn.original_context) && yarn.beta_slow > 0 &&
                  yarn.beta_fast >= yarn.beta_slow && std::isfinite(yarn.beta_fast);
  return ok ? Status::Ok() : Bad(s, "the scaling of rope positions is out of range");
}

Status CheckBlock(const ModelSpec& s) {
  const BlockSpec& block = s.block;
  if (static_cast<int>(block.attention.size()) != s.n_layer) {
    return Bad(s, "attention is described for " + std::to_string(block.attention.size()) +
                      " layers, and n_layer is " + std::to_string(s.n_layer));
  }
  for (const AttentionSpec& attention : block.attention) {
    if (attention.window < 0) return Bad(s, "a sliding window is negative");
    if (attention.rope) RETURN_IF_ERROR(CheckRope(s, *attention.rope));
  }
  return Status::Ok();
}

Status CheckTensor(const ModelSpec& spec, const TensorInfo* tensor, const std::string& name,
                   const std::vector<int64_t>& shape) {
  if (tensor == nullptr) return Bad(spec, "tensor '" + name + "' is missing");
  if (tensor->shape != shape) {
    return Bad(spec, "tensor '" + name + "' has shape " + ShapeText(tensor->shape) + ", expected " +
                         ShapeText(shape));
  }
  if (shape[0] % BlockLength(tensor->type) != 0) {
    return Bad(spec, "tensor '" + name + "' has rows of " + std::to_string(shape[0]) +
                         " weights, which " + TensorTypeName(tensor->type) + " cannot hold");
  }
  const uint64_t bytes = RowBytes(tensor->type, shape[0]) * static_cast<uint64_t>(tensor->n_row());
  if (tensor->bytes != bytes) return Bad(spec, "tensor '" + name + "' has a wrong byte count");
  const uint64_t n_matrix = shape.size() == 3 ? static_cast<uint64_t>(shape[2]) : 1;
  const uint64_t matrix_bytes = bytes / n_matrix;
  // A stride beyond the file must not overflow the product below.
  const bool strided = tensor->stride != 0;
  if (strided && (tensor->stride < matrix_bytes || tensor->stride > spec.file_bytes)) {
    return Bad(spec, "tensor '" + name + "' has a wrong stride");
  }
  const uint64_t span = strided ? (n_matrix - 1) * tensor->stride + matrix_bytes : bytes;
  if (tensor->offset > spec.file_bytes || spec.file_bytes - tensor->offset < span) {
    return Bad(spec, "tensor '" + name + "' lies outside the file");
  }
  return Status::Ok();
}

Status CheckLayer(const ModelSpec& s, int il) {
  const std::string prefix = "blk." + std::to_string(il) + ".";
  const auto check = [&](const char* name, std::vector<int64_t> shape) {
    return CheckTensor(s, s.FindInLayer(il, name), prefix + name + ".weight", shape);
  };
  RETURN_IF_ERROR(check("attn_norm", {s.n_embd}));
  RETURN_IF_ERROR(check("ffn_norm", {s.n_embd}));
  RETURN_IF_ERROR(check("attn_q", {s.n_embd, s.n_q()}));
  RETURN_IF_ERROR(check("attn_k", {s.n_embd, s.n_kv()}));
  RETURN_IF_ERROR(check("attn_v", {s.n_embd, s.n_kv()}));
  if (s.block.qk_norm) {
    RETURN_IF_ERROR(check("attn_q_norm", {s.head_dim}));
    RETURN_IF_ERROR(check("attn_k_norm", {s.head_dim}));
  }
  RETURN_IF_ERROR(check("attn_output", {s.n_q(), s.n_embd}));
  RETURN_IF_ERROR(check("ffn_gate_inp", {s.n_embd, s.n_expert}));
  RETURN_IF_ERROR(check("ffn_gate_exps", {s.n_embd, s.n_ff, s.n_expert}));
  RETURN_IF_ERROR(check("ffn_up_exps", {s.n_embd, s.n_ff, s.n_expert}));
  RETURN_IF_ERROR(check("ffn_down_exps", s.down_transposed
                                             ? std::vector<int64_t>{s.n_embd, s.n_ff, s.n_expert}
                                             : std::vector<int64_t>{s.n_ff, s.n_embd, s.n_expert}));
  return Status::Ok();
}

}  // namespace

int64_t TensorInfo::n_row() const {
  int64_t rows = 1;
  for (size_t i = 1; i < shape.size(); ++i) rows *= shape[i];
  return rows;
}

const TensorInfo* ModelSpec::Find(const std::string& name) const {
  for (const TensorInfo& tensor : tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

const TensorInfo* ModelSpec::FindInLayer(int il, const char* name) const {
  return Find("blk." + std::to_string(il) + "." + name + ".weight");
}

bool ModelSpec::AnyQuantized(std::initializer_list<const char*> names) const {
  for (int il = 0; il < n_layer; ++il) {
    for (const char* name : names) {
      if (IsQuantized(FindInLayer(il, name)->type)) return true;
    }
  }
  return false;
}

bool ParseTensorType(const std::string& name, TensorType* type) {
  for (const auto& [type_name, value] : kTypeNames) {
    if (name == type_name) {
      *type = value;
      return true;
    }
  }
  return false;
}

const char* TensorTypeName(TensorType type) {
  for (const auto& [type_name, value] : kTypeNames) {
    if (type == value) return type_name;
  }
  return "?";
}

Status CheckSpec(const ModelSpec& spec) {
  RETURN_IF_ERROR(CheckNumbers(spec));
  RETURN_IF_ERROR(CheckBlock(spec));
  RETURN_IF_ERROR(CheckTensor(spec, spec.Find("token_embd.weight"), "token_embd.weight",
                              {spec.n_embd, spec.n_vocab}));
  RETURN_IF_ERROR(
      CheckTensor(spec, spec.Find("output_norm.weight"), "output_norm.weight", {spec.n_embd}));
  if (const TensorInfo* head = spec.Find("output.weight")) {
    RETURN_IF_ERROR(CheckTensor(spec, head, "output.weight", {spec.n_embd, spec.n_vocab}));
  }
  for (int il = 0; il < spec.n_layer; ++il) RETURN_IF_ERROR(CheckLayer(spec, il));
  return Status::Ok();
}

Status CheckPredictor(const ModelSpec& spec) {
  const std::string name = std::string("tensor '") + kPredictorName + "'";
  const auto refuse = [&](const std::string& what) {
    return Status::BadRequest("cannot use the approximate head with model '" + spec.path + "': " +
                              what + "; switch it off, or choose a file with its predictor");
  };
  const TensorInfo* tensor = spec.Find(kPredictorName);
  if (tensor == nullptr) return refuse("it has no " + name + " of a type that works");
  const std::vector<int64_t> shape = {(spec.n_embd + spec.n_vocab) * kPredictorWidth};
  if (tensor->shape != shape) {
    return refuse("its " + name + " has shape " + ShapeText(tensor->shape) + ", expected " +
                  ShapeText(shape));
  }
  const int64_t block = BlockLength(tensor->type);
  if (spec.n_embd % block != 0 || kPredictorWidth % block != 0) {
    return refuse("its " + name + " has rows of " + std::to_string(spec.n_embd) + " and " +
                  std::to_string(kPredictorWidth) + " weights, which " +
                  TensorTypeName(tensor->type) + " cannot hold");
  }
  return CheckTensor(spec, tensor, kPredictorName, shape);
}

}  // namespace hearth
