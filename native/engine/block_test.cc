// Whole models against a plain evaluation in double, for every property of a block that the spec
// describes. The parity tests compare released families with llama.cpp; these compare what no
// released family has yet as well, such as one property changed at a time.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "base/testing.h"
#include "engine/engine.h"
#include "engine/expert_layout.h"
#include "engine/model_testing.h"
#include "kernels/dispatch.h"
#include "kernels/isas_testing.h"

namespace hearth {
namespace {

using Vec = std::vector<double>;

// y[r] = row r of w . x, for all rows of x.size() weights from `first` on.
Vec MatVec(const std::vector<float>& w, const Vec& x, size_t first, size_t n_row) {
  Vec y(n_row);
  for (size_t r = 0; r < n_row; ++r) {
    for (size_t i = 0; i < x.size(); ++i)
      y[r] += static_cast<double>(w[(first + r) * x.size() + i]) * x[i];
  }
  return y;
}

Vec RmsNorm(const Vec& x, const std::vector<float>& weight, double eps) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  const double scale = 1 / std::sqrt(sum / static_cast<double>(x.size()) + eps);
  Vec y(x.size());
  for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * static_cast<double>(weight[i]);
  return y;
}

// Of pair i, in radians a position. By the paper: a pair whose wavelength fits beta_fast times into
// the original context keeps it, one that fits beta_slow times or less has it times the factor, and
// between the two pairs (rounded outwards) the frequency is mixed linearly.
double Frequency(const RopeSpec& rope, size_t i, size_t half) {
  const double own = std::pow(rope.freq_base, -static_cast<double>(i) / static_cast<double>(half));
  if (!rope.yarn) return own;
  // turns = context * base^(-i / half) / (2 pi), solved for i.
  const auto pair_at = [&](double turns) {
    return std::log(rope.yarn->original_context / turns / (2 * std::acos(-1.0))) /
           std::log(rope.freq_base) * static_cast<double>(half);
  };
  const double first = std::max(0.0, std::floor(pair_at(rope.yarn->beta_fast)));
  const double last = std::ceil(pair_at(rope.yarn->beta_slow));
  const double scaled =
      std::min(1.0, std::max(0.0, (static_cast<double>(i) - first) / (last - first)));
  return own * (1 - scaled) + own / rope.yarn->factor * scaled;
}

void Rotate(const RopeSpec& rope, int64_t pos, Vec* head) {
  const size_t half = head->size() / 2;
  for (size_t i = 0; i < half; ++i) {
    const double angle = static_cast<double>(pos) * Frequency(rope, i, half);
    const double a = (*head)[i];
    const double b = (*head)[i + half];
    (*head)[i] = a * std::cos(angle) - b * std::sin(angle);
    (*head)[i + half] = b * std::cos(angle) + a * std::sin(angle);
  }
  if (!rope.yarn) return;
  for (double& v : *head) v *= 1 + std::log(rope.yarn->factor) / 10;
}

// As the KV cache keeps it.
Vec AsHalf(const Vec& x) {
  const Kernels& kernels = KernelsFor(Isa::kRef);
  std::vector<float> floats(x.begin(), x.end());
  std::vector<uint16_t> halves(x.size());
  kernels.to_f16(floats.data(), static_cast<int64_t>(x.size()), halves.data());
  kernels.from_f16(halves.data(), static_cast<int64_t>(x.size()), floats.data());
  return Vec(floats.begin(), floats.end());
}

// One token after the other through a float model, as a BlockSpec says.
class PlainModel {
 public:
  // `block` may differ from the model's own: that is what a mistake would compute.
  PlainModel(const RandomModel& model, const BlockSpec& block)
      : model_(model), s_(model.spec()), block_(block), keys_(Heads()), values_(Heads()) {}

  // Of every position, one after the other.
  Vec Logits(const std::vector<int32_t>& tokens) {
    Vec logits;
    for (size_t pos = 0; pos < tokens.size(); ++pos) {
      const auto embedding = model_.Floats("token_embd.weight");
      const auto row = embedding.begin() + tokens[pos] * s_.n_embd;
      Vec x(row, row + s_.n_embd);
      for (int il = 0; il < s_.n_layer; ++il) Layer(il, static_cast<int64_t>(pos), &x);
      const Vec h = RmsNorm(x, model_.Floats("output_norm.weight"), Eps());
      const Vec y = MatVec(model_.Floats("output.weight"), h, 0, static_cast<size_t>(s_.n_vocab));
      logits.insert(logits.end(), y.begin(), y.end());
    }
    return logits;
  }

 private:
  size_t Heads() const { return static_cast<size_t>(s_.n_layer * s_.n_head_kv); }
  double Eps() const { return static_cast<double>(s_.rms_eps); }
  std::vector<float> Weights(int il, const std::string& name) const {
    return model_.Floats("blk." + std::to_string(il) + "." + name + ".weight");
  }

  void Layer(int il, int64_t pos, Vec* x) {
    const Vec before = *x;
    const Vec attended = Attention(il, pos, RmsNorm(*x, Weights(il, "attn_norm"), Eps()));
    for (size_t i = 0; i < x->size(); ++i) (*x)[i] += attended[i];
    const Vec m = RmsNorm(*x, Weights(il, "ffn_norm"), Eps());
    const Vec y = Experts(il, block_.router_input == RouterInput::kResidual ? before : m, m);
    for (size_t i = 0; i < x->size(); ++i) (*x)[i] += y[i];
  }

  // One head of a projection, normed and rotated.
  Vec Head(int il, const Vec& h, const std::string& name, int64_t head, int64_t pos) const {
    const auto dim = static_cast<size_t>(s_.head_dim);
    Vec v = MatVec(Weights(il, name), h, static_cast<size_t>(head) * dim, dim);
    if (name == "attn_v") return v;
    if (block_.qk_norm) v = RmsNorm(v, Weights(il, name + "_norm"), Eps());
    if (const auto& rope = block_.attention_of(il).rope) Rotate(*rope, pos, &v);
    return v;
  }

  Vec Attention(int il, int64_t pos, const Vec& h) {
    for (int64_t head = 0; head < s_.n_head_kv; ++head) {
      const auto at = static_cast<size_t>(il * s_.n_head_kv + head);
      keys_[at].push_back(AsHalf(Head(il, h, "attn_k", head, pos)));
      values_[at].push_back(AsHalf(Head(il, h, "attn_v", head, pos)));
    }
    const int64_t window = block_.attention_of(il).window;
    const int64_t first = window == 0 ? 0 : std::max<int64_t>(0, pos - window + 1);
    Vec all;
    for (int64_t head = 0; head < s_.n_head; ++head) {
      const Vec q = Head(il, h, "attn_q", head, pos);
      const auto at = static_cast<size_t>(il * s_.n_head_kv + head / (s_.n_head / s_.n_head_kv));
      Vec out(q.size());
      double sum = 0;
      for (auto j = static_cast<size_t>(first); j <= static_cast<size_t>(pos); ++j) {
        const double dot = std::inner_product(q.begin(), q.end(), keys_[at][j].begin(), 0.0);
        const double weight = std::exp(dot / std::sqrt(static_cast<double>(s_.head_dim)));
        sum += weight;
        for (size_t i = 0; i < out.size(); ++i) out[i] += weight * values_[at][j][i];
      }
      for (const double v : out) all.push_back(v / sum);
    }
    return MatVec(Weights(il, "attn_output"), all, 0, static_cast<size_t>(s_.n_embd));
  }

  Vec Experts(int il, const Vec& routed, const Vec& m) const {
    const Vec logits =
        MatVec(Weights(il, "ffn_gate_inp"), routed, 0, static_cast<size_t>(s_.n_expert));
    std::vector<size_t> ids(logits.size());
    std::iota(ids.begin(), ids.end(), size_t{0});
    std::stable_sort(ids.begin(), ids.end(),
                     [&](size_t a, size_t b) { return logits[a] > logits[b]; });
    ids.resize(static_cast<size_t>(s_.n_expert_used));
    const auto gate_of = [&](size_t id) {
      return block_.gating == Gating::kSigmoid ? 1 / (1 + std::exp(-logits[id]))
                                               : std::exp(logits[id]);
    };
    double sum = 0;
    for (const size_t id : ids) sum += gate_of(id);
    const auto n_ff = static_cast<size_t>(s_.n_ff);
    Vec out(m.size());
    for (const size_t id : ids) {
      const Vec gate = MatVec(Weights(il, "ffn_gate_exps"), m, id * n_ff, n_ff);
      Vec hidden = MatVec(Weights(il, "ffn_up_exps"), m, id * n_ff, n_ff);
      const bool silu = block_.activation == Activation::kSilu;
      for (size_t i = 0; i < n_ff; ++i)
        hidden[i] *= silu ? gate[i] / (1 + std::exp(-gate[i])) : std::max(gate[i], 0.0);
      const Vec y = MatVec(Weights(il, "ffn_down_exps"), hidden, id * m.size(), m.size());
      for (size_t i = 0; i < out.size(); ++i) out[i] += gate_of(id) / sum * y[i];
    }
    return out;
  }

  const RandomModel& model_;
  const ModelSpec& s_;
  const BlockSpec& block_;
  std::vector<std::vector<Vec>> keys_;  // of a layer and head, by position
  std::vector<std::vector<Vec>> values_;
};

std::vector<float> EngineLogits(const ModelSpec& spec, const EngineOptions& options,
                                const std::vector<int32_t>& tokens) {
  Result<std::unique_ptr<Engine>> engine = Engine::Load(spec, options, nullptr);
  if (!engine.ok()) {
    testing::Fail(__FILE__, __LINE__, engine.status().message());
    return {};
  }
  std::unique_ptr<Session> session = std::move(engine.value()->NewSession()).value();
  std::vector<float> all;
  SyncOptions sync;
  sync.n_chunk = options.n_chunk;
  sync.on_logits = [&](std::span<const float> chunk) {
    all.insert(all.end(), chunk.begin(), chunk.end());
  };
  EXPECT_TRUE(session->Sync(tokens, sync).ok());
  return all;
}

// The largest difference of a logit, in deviations of the expected ones.
double Difference(const std::vector<float>& actual, const Vec& expected) {
  if (actual.size() != expected.size()) return 1e9;
  double largest = 0;
  double squares = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(actual[i]) - expected[i]));
    squares += expected[i] * expected[i];
  }
  return largest / std::sqrt(squares / static_cast<double>(expected.size()));
}

struct Property {
  const char* name;
  void (*set)(BlockSpec*);
};

// Each of them changes what a model computes, alone and with all others.
constexpr Property kProperties[] = {
    {"nothing", [](BlockSpec*) {}},
    {"the router reads what the experts read",
     [](BlockSpec* b) { b->router_input = RouterInput::kFfnNorm; }},
    {"softmax", [](BlockSpec* b) { b->gating = Gating::kSoftmax; }},
    {"norms on queries and keys", [](BlockSpec* b) { b->qk_norm = true; }},
    {"SiLU", [](BlockSpec* b) { b->activation = Activation::kSilu; }},
    // Of 8 pairs the first two keep their frequency and the last four have it scaled.
    {"YaRN in one layer",
     [](BlockSpec* b) {
       b->attention[2].rope = RopeSpec{100, YarnSpec{16, 32, 2, 0.5}};
     }},
    {"another base in one layer", [](BlockSpec* b) { b->attention[2].rope = RopeSpec{50}; }},
    {"positions everywhere", [](BlockSpec* b) { b->attention[0].rope = RopeSpec{10000}; }},
    {"positions nowhere",
     [](BlockSpec* b) {
       for (AttentionSpec& layer : b->attention) layer.rope.reset();
     }},
    {"windows everywhere", [](BlockSpec* b) { b->attention[0].window = 8; }},
    {"windows nowhere",
     [](BlockSpec* b) {
       for (AttentionSpec& layer : b->attention) layer.window = 0;
     }},
    {"Qwen3's",
     [](BlockSpec* b) {
       b->router_input = RouterInput::kFfnNorm;
       b->gating = Gating::kSoftmax;
       b->activation = Activation::kSilu;
       b->qk_norm = true;
       for (AttentionSpec& layer : b->attention) layer = {0, RopeSpec{10000}};
     }},
    {"Mellum 2's",
     [](BlockSpec* b) {
       b->router_input = RouterInput::kFfnNorm;
       b->gating = Gating::kSoftmax;
       b->activation = Activation::kSilu;
       b->qk_norm = true;
       b->attention = {
           {8, RopeSpec{50}}, {0, RopeSpec{100, YarnSpec{16, 16, 8, 1}}}, {8, RopeSpec{50}}};
     }},
};

// Keys and values are rounded to halves on both sides; what is left are floats against doubles, and
// a half that falls on the other side of a rounding boundary. Measured: at most 1.7e-4.
constexpr double kAllowed = 5e-4;
// What a property changes, at least. Measured: 1.8 and more.
constexpr double kShows = 0.5;

TEST(Block, ComputesWhatTheSpecDescribes) {
  for (const Property& property : kProperties) {
    RandomModelExtras extras;
    extras.describe = property.set;
    const RandomModel model(TensorType::kF32, Gating::kSigmoid, 11, extras);
    const auto tokens = model.Tokens(40, 4);
    const Vec expected = PlainModel(model, model.spec().block).Logits(tokens);
    const auto logits = EngineLogits(model.spec(), {}, tokens);
    const double difference = Difference(logits, expected);
    if (!(difference < kAllowed)) {
      testing::Fail(__FILE__, __LINE__,
                    std::string(property.name) + ": " + std::to_string(difference));
    }
    // The same weights without the property would show.
    if (&property == kProperties) continue;
    const RandomModel plain(TensorType::kF32, Gating::kSigmoid, 11);
    const Vec without = PlainModel(model, plain.spec().block).Logits(tokens);
    EXPECT_GT(Difference(logits, without), kShows);
  }
}

// What a router would choose of the residual at hand is asked through the norm of the router's own
// layer: that of the layer at hand has other weights.
TEST(Block, RoutersForeseeThroughTheirOwnNorm) {
  RandomModelExtras extras;
  extras.describe = [](BlockSpec* b) { b->router_input = RouterInput::kFfnNorm; };
  const RandomModel model(TensorType::kF32, Gating::kSoftmax, 13, extras);
  const ModelSpec& spec = model.spec();
  Result<std::unique_ptr<Engine>> engine = Engine::Load(spec, {}, nullptr);
  Result<std::unique_ptr<Session>> session = engine.value()->NewSession();
  RoutingTrace trace;
  trace.depth = 2;
  SyncOptions options;
  options.trace = &trace;
  const auto tokens = model.Tokens(12, 2);
  ASSERT_TRUE(session.value()->Sync(tokens, options).ok());
  const auto n_used = static_cast<size_t>(spec.n_expert_used);
  const auto embedding = model.Floats("token_embd.weight");
  for (size_t t = 0; t < tokens.size(); ++t) {
    const auto row = embedding.begin() + tokens[t] * spec.n_embd;
    const Vec x(row, row + spec.n_embd);
    for (size_t il = 0; il < 2; ++il) {
      const std::string p = "blk." + std::to_string(il) + ".";
      const Vec h = RmsNorm(x, model.Floats(p + "ffn_norm.weight"), 1e-6);
      const Vec y =
          MatVec(model.Floats(p + "ffn_gate_inp.weight"), h, 0, static_cast<size_t>(spec.n_expert));
      for (size_t r = 0; r < n_used; ++r) {
        const auto id = static_cast<size_t>(trace.guesses[0][(t * 2 + il) * n_used + r]);
        const auto better = std::count_if(y.begin(), y.end(), [&](double v) { return v > y[id]; });
        EXPECT_EQ(static_cast<size_t>(better), r);
      }
    }
  }
}

TEST(Block, SameBitsWhicheverTheSlotsAndChunks) {
  RandomModelExtras extras;
  extras.describe = kProperties[std::size(kProperties) - 1].set;
  for (const TensorType type : {TensorType::kF32, TensorType::kQ4_0}) {
    const RandomModel model(type, Gating::kSigmoid, 12, extras);
    const auto tokens = model.Tokens(32, 5);
    const auto expected = EngineLogits(model.spec(), {}, tokens);
    EXPECT_EQ(expected.size(), 32u * 50);
    for (const Isa isa : testing::IsasHere()) {
      for (const int slots : {1, 2, 5}) {
        for (const int64_t chunk : {1, 7}) {
          EngineOptions options;
          options.isa = isa;
          options.expert_slots = slots;
          options.n_chunk = chunk;
          options.n_threads = slots % 2 == 0 ? 1 : 3;
          EXPECT_TRUE(EngineLogits(model.spec(), options, tokens) == expected);
        }
      }
    }
  }
}

// Files mix types as they like: each choice of float and quantised matrices is evaluated, the same
// whether tokens come alone or together and experts are kept or read again.
TEST(Block, EvaluatesEveryMixtureOfTypes) {
  constexpr const char* kGroups[] = {"ffn_gate_exps", "ffn_up_exps", "ffn_down_exps", "attn_qkv",
                                     "attn_output",   "output",      "token_embd"};
  constexpr TensorType kTypes[][2] = {{TensorType::kF32, TensorType::kQ8_0},
                                      {TensorType::kF16, TensorType::kQ4_0}};
  const auto group_of = [&](const std::string& name) {
    const bool qkv = name == "attn_q" || name == "attn_k" || name == "attn_v";
    const auto* at = std::find(std::begin(kGroups), std::end(kGroups), qkv ? "attn_qkv" : name);
    return static_cast<unsigned>(at - std::begin(kGroups));
  };
  for (unsigned mixture = 0; mixture < 1u << std::size(kGroups); ++mixture) {
    const auto& types = kTypes[mixture % 2];
    RandomModelExtras extras;
    extras.type_of = [&](const std::string& name) { return types[mixture >> group_of(name) & 1]; };
    extras.tied = mixture % 3 == 0;
    if (mixture % 5 == 0) extras.describe = kProperties[std::size(kProperties) - 2].set;
    const RandomModel model(TensorType::kF32, Gating::kSigmoid, mixture, extras);
    const auto tokens = model.Tokens(5, mixture);
    const auto together = EngineLogits(model.spec(), {}, tokens);
    EXPECT_EQ(together.size(), tokens.size() * 50);
    EngineOptions options;
    options.n_chunk = 1;
    options.expert_slots = 2;
    EXPECT_TRUE(EngineLogits(model.spec(), options, tokens) == together);
  }
}

// Of one layer: only the first one's values may be quantised.
TEST(Block, EvaluatesAQuantisedMatrixAmongFloats) {
  for (const char* quantised : {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate_exps",
                                "ffn_up_exps", "ffn_down_exps", "output", "token_embd"}) {
    RandomModelExtras extras;
    int n_seen = 0;
    extras.type_of = [&](const std::string& name) {
      return name == quantised && n_seen++ == 0 ? TensorType::kQ8_0 : TensorType::kF32;
    };
    const RandomModel model(TensorType::kF32, Gating::kSigmoid, 3, extras);
    const auto tokens = model.Tokens(7, 3);
    EngineOptions options;
    options.n_chunk = 1;
    EXPECT_TRUE(EngineLogits(model.spec(), {}, tokens) ==
                EngineLogits(model.spec(), options, tokens));
  }
}

// Rows of `up` are picked one by one only where an activation can be zero.
TEST(ExpertLayout, GroupsRowsOfUpThatAreNeverSkipped) {
  for (const Activation activation : {Activation::kRelu, Activation::kSilu}) {
    RandomModelExtras extras;
    extras.describe = [&](BlockSpec* b) { b->activation = activation; };
    const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax, 1, extras);
    const ExpertStore store = MakeExpertStore(model.spec());
    EXPECT_TRUE(store.layer(0).gate.interleaved);
    EXPECT_EQ(store.layer(0).up.interleaved, activation == Activation::kSilu);
    EXPECT_TRUE(store.layer(0).down.interleaved);
  }
}

}  // namespace
}  // namespace hearth
