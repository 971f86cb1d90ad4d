#include <functional>

#include "base/testing.h"
#include "model/model_spec.h"

namespace hearth {
namespace {

void AddTensor(ModelSpec* spec, std::string name, std::vector<int64_t> shape) {
  TensorInfo tensor;
  tensor.name = std::move(name);
  tensor.type = TensorType::kF32;
  tensor.shape = std::move(shape);
  tensor.offset = spec->file_bytes;
  tensor.bytes = RowBytes(tensor.type, tensor.shape[0]) * static_cast<uint64_t>(tensor.n_row());
  spec->file_bytes += tensor.bytes;
  spec->tensors.push_back(tensor);
}

ModelSpec SmallSpec() {
  ModelSpec s;
  s.path = "small.gguf";
  s.n_layer = 2;
  s.n_embd = 32;
  s.n_head = 4;
  s.n_head_kv = 2;
  s.head_dim = 16;
  s.n_ff = 64;
  s.n_vocab = 40;
  s.n_expert = 4;
  s.n_expert_used = 2;
  s.rms_eps = 1e-6f;
  s.n_ctx_train = 128;
  s.block.attention = {{0, RopeSpec{10000}}, {0, std::nullopt}};
  AddTensor(&s, "token_embd.weight", {32, 40});
  AddTensor(&s, "output_norm.weight", {32});
  for (int il = 0; il < 2; ++il) {
    const std::string p = "blk." + std::to_string(il) + ".";
    AddTensor(&s, p + "attn_norm.weight", {32});
    AddTensor(&s, p + "ffn_norm.weight", {32});
    AddTensor(&s, p + "attn_q.weight", {32, 64});
    AddTensor(&s, p + "attn_k.weight", {32, 32});
    AddTensor(&s, p + "attn_v.weight", {32, 32});
    AddTensor(&s, p + "attn_output.weight", {64, 32});
    AddTensor(&s, p + "ffn_gate_inp.weight", {32, 4});
    AddTensor(&s, p + "ffn_gate_exps.weight", {32, 64, 4});
    AddTensor(&s, p + "ffn_up_exps.weight", {32, 64, 4});
    AddTensor(&s, p + "ffn_down_exps.weight", {64, 32, 4});
  }
  return s;
}

TEST(CheckSpec, AcceptsAConsistentModel) {
  const Status status = CheckSpec(SmallSpec());
  EXPECT_EQ(status.message(), "");
  EXPECT_TRUE(status.ok());
}

TEST(CheckSpec, NamesWhatIsWrong) {
  const struct {
    const char* expected;
    std::function<void(ModelSpec*)> damage;
  } kCases[] = {
      {"n_layer", [](ModelSpec* s) { s->n_layer = 0; }},
      {"n_embd", [](ModelSpec* s) { s->n_embd = int64_t{1} << 60; }},
      {"n_head_kv", [](ModelSpec* s) { s->n_head_kv = 3; }},
      {"head_dim", [](ModelSpec* s) { s->head_dim = 15; }},
      {"n_expert_used", [](ModelSpec* s) { s->n_expert_used = 5; }},
      {"rms_eps", [](ModelSpec* s) { s->rms_eps = std::nanf(""); }},
      {"freq_base", [](ModelSpec* s) { s->block.attention[0].rope = RopeSpec{-1}; }},
      {"freq_base", [](ModelSpec* s) { s->block.attention[1].rope = RopeSpec{}; }},
      {"1 layers", [](ModelSpec* s) { s->block.attention.resize(1); }},
      {"window", [](ModelSpec* s) { s->block.attention[0].window = -1; }},
      {"scaling of rope positions is out of range",
       [](ModelSpec* s) { s->block.attention[0].rope->yarn = YarnSpec{.factor = 0.5}; }},
      {"scaling of rope positions is out of range",
       [](ModelSpec* s) {
         s->block.attention[0].rope->yarn = YarnSpec{16, 8192, 1, 32};
       }},
      {"stride", [](ModelSpec* s) { s->tensors[9].stride = s->tensors[9].bytes / 4 - 1; }},
      {"stride", [](ModelSpec* s) { s->tensors[9].stride = ~uint64_t{0}; }},
      {"outside the file", [](ModelSpec* s) { s->tensors[21].stride = s->tensors[21].bytes; }},
      {"blk.0.attn_q_norm.weight' is missing", [](ModelSpec* s) { s->block.qk_norm = true; }},
      {"token_embd.weight", [](ModelSpec* s) { s->tensors[0].name = "x"; }},
      {"token_embd.weight' has shape",
       [](ModelSpec* s) {
         s->tensors[0].shape = {40, 32};
       }},
      {"blk.1.ffn_down_exps.weight' lies outside", [](ModelSpec* s) { s->file_bytes -= 1; }},
      {"outside the file", [](ModelSpec* s) { s->tensors[3].offset = ~uint64_t{0} - 8; }},
      {"byte count", [](ModelSpec* s) { s->tensors[3].bytes += 4; }},
      {"which Q6_K cannot hold", [](ModelSpec* s) { s->tensors[0].type = TensorType::kQ6_K; }},
  };
  for (const auto& c : kCases) {
    ModelSpec spec = SmallSpec();
    c.damage(&spec);
    const Status status = CheckSpec(spec);
    EXPECT_TRUE(status.code() == StatusCode::kBadModel);
    if (status.message().find(c.expected) == std::string::npos) {
      testing::Fail(__FILE__, __LINE__, std::string(c.expected) + " not in: " + status.message());
    }
  }
}

TEST(CheckSpec, TransposedDownHasItsOwnShape) {
  ModelSpec spec = SmallSpec();
  spec.down_transposed = true;
  EXPECT_FALSE(CheckSpec(spec).ok());
  for (TensorInfo& tensor : spec.tensors) {
    if (tensor.name.find("ffn_down_exps") != std::string::npos) tensor.shape = {32, 64, 4};
  }
  EXPECT_TRUE(CheckSpec(spec).ok());
}

TEST(TensorType, NamesRoundTrip) {
  for (int i = 0; i < kTensorTypeCount; ++i) {
    TensorType type;
    EXPECT_TRUE(ParseTensorType(TensorTypeName(static_cast<TensorType>(i)), &type));
    EXPECT_EQ(static_cast<int>(type), i);
  }
  TensorType type;
  EXPECT_FALSE(ParseTensorType("IQ4_XS", &type));
}

}  // namespace
}  // namespace hearth
