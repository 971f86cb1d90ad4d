#include "addon/convert.h"

#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

namespace hearth::addon {
namespace {

[[noreturn]] void Mistyped(const Napi::Object& js, const char* key, const char* wanted) {
  throw Napi::TypeError::New(js.Env(), std::string("property '") + key + "' is not " + wanted);
}

double Number(const Napi::Object& js, const char* key) {
  const Napi::Value value = js.Get(key);
  if (!value.IsNumber()) Mistyped(js, key, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

// Whole numbers up to 2^53, which is what JavaScript holds exactly; anything else becomes -1 and
// fails the checks.
int64_t Integer(const Napi::Object& js, const char* key) {
  const double value = Number(js, key);
  if (!(std::abs(value) <= 9007199254740992.0) || value != std::floor(value)) return -1;
  return static_cast<int64_t>(value);
}

int Int(const Napi::Object& js, const char* key) {
  const int64_t value = Integer(js, key);
  return value > INT32_MAX || value < INT32_MIN ? -1 : static_cast<int>(value);
}

std::string Text(const Napi::Object& js, const char* key) {
  const Napi::Value value = js.Get(key);
  if (!value.IsString()) Mistyped(js, key, "a string");
  return value.As<Napi::String>().Utf8Value();
}

// One of a union of names.
template <typename Value>
Value Choice(const Napi::Object& js, const char* key,
             std::initializer_list<std::pair<const char*, Value>> values) {
  const std::string text = Text(js, key);
  for (const auto& [name, value] : values) {
    if (text == name) return value;
  }
  Mistyped(js, key, "a known name");
}

bool Bool(const Napi::Object& js, const char* key) {
  const Napi::Value value = js.Get(key);
  if (!value.IsBoolean()) Mistyped(js, key, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

// An option by its type in EngineOptions.
void Read(const Napi::Object& js, const char* key, int* o) { *o = Int(js, key); }
void Read(const Napi::Object& js, const char* key, int64_t* o) { *o = Integer(js, key); }
void Read(const Napi::Object& js, const char* key, uint64_t* o) {
  *o = static_cast<uint64_t>(Integer(js, key));
}
void Read(const Napi::Object& js, const char* key, bool* o) { *o = Bool(js, key); }
void Read(const Napi::Object& js, const char* key, std::optional<float>* o) {
  *o = static_cast<float>(Number(js, key));
}
void Read(const Napi::Object& js, const char* key, std::optional<Isa>* o) {
  *o = IsaFromName(Text(js, key));
  if (!*o) Mistyped(js, key, "a known instruction set");
}
void Read(const Napi::Object& js, const char* key, Eviction* o) {
  const std::string name = Text(js, key);
  if (name != "lru" && name != "reuse-distance") Mistyped(js, key, "a known policy");
  *o = name == "lru" ? Eviction::kLru : Eviction::kReuseDistance;
}

// What is missing keeps its default.
template <typename T>
void ReadOption(const Napi::Object& js, const char* key, T* option) {
  if (!js.Get(key).IsUndefined()) Read(js, key, option);
}

Napi::Array List(const Napi::Object& js, const char* key) {
  const Napi::Value value = js.Get(key);
  if (!value.IsArray()) Mistyped(js, key, "an array");
  return value.As<Napi::Array>();
}

TensorInfo ToTensorInfo(const Napi::Object& js) {
  TensorInfo tensor;
  tensor.name = Text(js, "name");
  if (!ParseTensorType(Text(js, "type"), &tensor.type)) Mistyped(js, "type", "a known tensor type");
  const Napi::Array shape = List(js, "shape");
  for (uint32_t i = 0; i < shape.Length(); ++i) {
    tensor.shape.push_back(shape.Get(i).As<Napi::Number>().Int64Value());
  }
  if (tensor.shape.empty()) Mistyped(js, "shape", "a shape");
  tensor.offset = static_cast<uint64_t>(Integer(js, "offset"));
  tensor.bytes = static_cast<uint64_t>(Integer(js, "bytes"));
  if (!js.Get("stride").IsUndefined()) tensor.stride = static_cast<uint64_t>(Integer(js, "stride"));
  return tensor;
}

RopeSpec ToRopeSpec(const Napi::Object& js) {
  RopeSpec rope;
  rope.freq_base = Number(js, "freq_base");
  if (js.Get("yarn").IsUndefined()) return rope;
  const Napi::Object yarn = js.Get("yarn").As<Napi::Object>();
  rope.yarn = YarnSpec{.factor = Number(yarn, "factor"),
                       .original_context = Number(yarn, "original_context"),
                       .beta_fast = Number(yarn, "beta_fast"),
                       .beta_slow = Number(yarn, "beta_slow")};
  return rope;
}

AttentionSpec ToAttentionSpec(const Napi::Object& js) {
  AttentionSpec attention;
  attention.window = Integer(js, "window");
  if (!js.Get("rope").IsUndefined()) attention.rope = ToRopeSpec(js.Get("rope").As<Napi::Object>());
  return attention;
}

BlockSpec ToBlockSpec(const Napi::Object& js) {
  BlockSpec block;
  block.router_input = Choice<RouterInput>(
      js, "routerInput",
      {{"residual", RouterInput::kResidual}, {"ffnNorm", RouterInput::kFfnNorm}});
  block.gating =
      Choice<Gating>(js, "gating", {{"softmax", Gating::kSoftmax}, {"sigmoid", Gating::kSigmoid}});
  block.activation = Choice<Activation>(js, "activation",
                                        {{"relu", Activation::kRelu}, {"silu", Activation::kSilu}});
  block.qk_norm = Bool(js, "qkNorm");
  const Napi::Array attention = List(js, "attention");
  for (uint32_t i = 0; i < attention.Length(); ++i) {
    block.attention.push_back(ToAttentionSpec(attention.Get(i).As<Napi::Object>()));
  }
  return block;
}

void SetNumber(Napi::Object& js, const char* key, uint64_t value) {
  js.Set(key, Napi::Number::New(js.Env(), static_cast<double>(value)));
}

SamplerOptions ToSamplerOptions(const Napi::Object& js) {
  SamplerOptions o;
  o.temperature = static_cast<float>(Number(js, "temperature"));
  o.top_k = Int(js, "topK");
  o.top_p = static_cast<float>(Number(js, "topP"));
  o.min_p = static_cast<float>(Number(js, "minP"));
  o.seed = static_cast<uint64_t>(Integer(js, "seed"));
  return o;
}

ForcedPrefix ToForcedPrefix(const Napi::Array& js) {
  ForcedPrefix forced;
  for (uint32_t i = 0; i < js.Length(); ++i) {
    const Napi::Object step = js.Get(i).As<Napi::Object>();
    forced.steps.push_back(
        {.ids = ToTokens(step.Get("ids")), .n_byte = ToTokens(step.Get("bytes"))});
  }
  return forced;
}

SourceWeights ToSourceWeights(const Napi::Object& js) {
  SourceWeights weights;
  const Napi::Array strength = List(js, "strength");
  for (uint32_t i = 0; i < weights.strength.size(); ++i) {
    const Napi::Value value = strength.Get(i);
    // Zero would leave tokens without any probability.
    if (!value.IsNumber() || !(value.As<Napi::Number>().DoubleValue() > 1e-9)) {
      Mistyped(js, "strength", "a positive number for each context length");
    }
    weights.strength[i] = value.As<Napi::Number>().DoubleValue();
  }
  weights.discount = Number(js, "discount");
  weights.confidence = Number(js, "confidence");
  if (!(weights.discount >= 0 && weights.discount <= 1)) Mistyped(js, "discount", "from 0 to 1");
  if (!(std::abs(weights.confidence) <= 20)) Mistyped(js, "confidence", "from -20 to 20");
  return weights;
}

const char* CodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kBadModel:
      return "bad_model";
    case StatusCode::kMemory:
      return "memory";
    case StatusCode::kIo:
      return "io";
    case StatusCode::kNumeric:
      return "numeric";
    case StatusCode::kOk:
    case StatusCode::kCancelled:
    case StatusCode::kBadRequest:
      break;
  }
  return "bad_request";
}

}  // namespace

ModelSpec ToModelSpec(const Napi::Object& js) {
  ModelSpec s;
  s.path = Text(js, "path");
  s.file_bytes = static_cast<uint64_t>(Integer(js, "file_bytes"));
  s.n_layer = Int(js, "n_layer");
  s.n_embd = Integer(js, "n_embd");
  s.n_head = Int(js, "n_head");
  s.n_head_kv = Int(js, "n_head_kv");
  s.head_dim = Integer(js, "head_dim");
  s.n_ff = Integer(js, "n_ff");
  s.n_vocab = Integer(js, "n_vocab");
  s.n_expert = Int(js, "n_expert");
  s.n_expert_used = Int(js, "n_expert_used");
  s.rms_eps = static_cast<float>(Number(js, "rms_eps"));
  s.n_ctx_train = Integer(js, "n_ctx_train");
  const Napi::Value block = js.Get("block");
  if (!block.IsObject()) Mistyped(js, "block", "an object");
  s.block = ToBlockSpec(block.As<Napi::Object>());
  s.down_transposed = Bool(js, "down_transposed");
  const Napi::Array tensors = List(js, "tensors");
  for (uint32_t i = 0; i < tensors.Length(); ++i) {
    s.tensors.push_back(ToTensorInfo(tensors.Get(i).As<Napi::Object>()));
  }
  return s;
}

// What each of src/protocol/engineOptions.ts becomes.
EngineOptions ToEngineOptions(const Napi::Object& js) {
  EngineOptions o;
  ReadOption(js, "threads", &o.n_threads);
  ReadOption(js, "memoryBudgetBytes", &o.memory_budget_bytes);
  ReadOption(js, "processBytes", &o.process_bytes);
  ReadOption(js, "expertSlots", &o.expert_slots);
  ReadOption(js, "contextTokens", &o.n_ctx);
  ReadOption(js, "chunkTokens", &o.n_chunk);
  ReadOption(js, "sessions", &o.n_session);
  ReadOption(js, "readAhead", &o.read_ahead);
  ReadOption(js, "hints", &o.hints);
  ReadOption(js, "eviction", &o.eviction);
  ReadOption(js, "approximateHead", &o.approximate_head);
  ReadOption(js, "isa", &o.isa);
  return o;
}

GenerationOptions ToGenerationOptions(const Napi::Object& js) {
  GenerationOptions o;
  o.sampler = ToSamplerOptions(js.Get("sampler").As<Napi::Object>());
  o.banned = ToTokens(js.Get("banned"));
  if (!js.Get("forced").IsUndefined()) o.forced = ToForcedPrefix(List(js, "forced"));
  if (!js.Get("logprobs").IsUndefined()) o.log_probabilities = Bool(js, "logprobs");
  if (!js.Get("watched").IsUndefined()) {
    const Napi::Array watched = List(js, "watched");
    for (uint32_t i = 0; i < watched.Length(); ++i) o.watched.push_back(ToTokens(watched.Get(i)));
  }
  return o;
}

CodeMemory ToCodeMemory(const Napi::Object& js) {
  CodeMemory memory;
  const Napi::Object weights = js.Get("weights").As<Napi::Object>();
  memory.weights[0] = ToSourceWeights(weights.Get("file").As<Napi::Object>());
  memory.weights[1] = ToSourceWeights(weights.Get("workspace").As<Napi::Object>());
  memory.line_feeds = ToTokens(js.Get("lineFeeds"));
  return memory;
}

int64_t ToInteger(const Napi::Object& js, const char* key) { return Integer(js, key); }

JobPriority ToPriority(const Napi::Value& js) {
  const std::string name = js.ToString().Utf8Value();
  if (name == "completion") return JobPriority::kCompletion;
  if (name == "chat") return JobPriority::kChat;
  if (name == "prefill") return JobPriority::kPrefill;
  throw Napi::TypeError::New(js.Env(), "property 'priority' is not a known priority");
}

std::vector<int32_t> ToTokens(const Napi::Value& js) {
  if (!js.IsTypedArray() || js.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw Napi::TypeError::New(js.Env(), "tokens are an Int32Array");
  }
  const auto array = js.As<Napi::Int32Array>();
  return std::vector<int32_t>(array.Data(), array.Data() + array.ElementLength());
}

Napi::Object ToJs(Napi::Env env, const MemoryPlan& plan) {
  Napi::Object js = Napi::Object::New(env);
  SetNumber(js, "denseBytes", plan.dense_bytes);
  SetNumber(js, "kvBytes", plan.kv_bytes);
  SetNumber(js, "scratchBytes", plan.scratch_bytes);
  SetNumber(js, "slotBytes", plan.slot_bytes);
  SetNumber(js, "slots", static_cast<uint64_t>(plan.n_slot));
  SetNumber(js, "slotsWithFullContext", static_cast<uint64_t>(plan.n_slot_min));
  SetNumber(js, "slotsForAll", static_cast<uint64_t>(plan.n_slot_all));
  SetNumber(js, "processBytes", plan.process_bytes);
  SetNumber(js, "totalBytes", plan.total_bytes);
  SetNumber(js, "contextTokens", static_cast<uint64_t>(plan.n_ctx));
  SetNumber(js, "chunkTokens", static_cast<uint64_t>(plan.n_chunk));
  return js;
}

Napi::Object ToJs(Napi::Env env, const EngineStats& stats) {
  Napi::Object js = Napi::Object::New(env);
  SetNumber(js, "hits", stats.experts.hits);
  SetNumber(js, "misses", stats.experts.misses);
  SetNumber(js, "late", stats.experts.late);
  SetNumber(js, "hintReads", stats.experts.hint_reads);
  SetNumber(js, "hintHits", stats.experts.hint_hits);
  SetNumber(js, "withdrawn", stats.experts.withdrawn);
  SetNumber(js, "evictions", stats.experts.evictions);
  js.Set("waitedMs", Napi::Number::New(env, static_cast<double>(stats.experts.waited_ns) / 1e6));
  SetNumber(js, "threadsUsed", static_cast<uint64_t>(stats.n_thread_used));
  SetNumber(js, "slots", static_cast<uint64_t>(stats.n_slot));
  SetNumber(js, "bytesRead", stats.bytes_read);
  SetNumber(js, "drafted", stats.n_drafted);
  SetNumber(js, "accepted", stats.n_accepted);
  SetNumber(js, "approximated", stats.n_approximated);
  SetNumber(js, "candidates", stats.n_candidate);
  SetNumber(js, "audited", stats.n_audited);
  SetNumber(js, "missed", stats.n_missed);
  return js;
}

Napi::Object ToJs(Napi::Env env, const GeneratedToken& token) {
  Napi::Object js = Napi::Object::New(env);
  js.Set("id", Napi::Number::New(env, token.id));
  js.Set("forcedLeft", Napi::Number::New(env, static_cast<double>(token.n_forced_left)));
  if (token.log_probability) js.Set("logprob", Napi::Number::New(env, *token.log_probability));
  if (token.allowed_log_probability) {
    js.Set("allowedLogprob", Napi::Number::New(env, *token.allowed_log_probability));
  }
  if (!token.watched_log_probability.empty()) {
    Napi::Array watched = Napi::Array::New(env, token.watched_log_probability.size());
    for (uint32_t i = 0; i < watched.Length(); ++i)
      watched.Set(i, Napi::Number::New(env, token.watched_log_probability[i]));
    js.Set("watched", watched);
  }
  if (token.origin != TokenOrigin::kModel) {
    js.Set("origin", token.origin == TokenOrigin::kFile ? "file" : "workspace");
  }
  return js;
}

Napi::Array ToJs(Napi::Env env, std::span<const std::vector<int32_t>> lists, size_t n_token) {
  Napi::Array js = Napi::Array::New(env, lists.size());
  for (uint32_t il = 0; il < lists.size(); ++il) {
    const std::vector<int32_t>& ids = lists[il];
    const size_t n = n_token == 0 ? 0 : ids.size() / n_token;
    Napi::Array tokens = Napi::Array::New(env, n_token);
    for (size_t t = 0; t < n_token; ++t) {
      Napi::Array of_token = Napi::Array::New(env, n);
      for (size_t i = 0; i < n; ++i) {
        of_token.Set(static_cast<uint32_t>(i), Napi::Number::New(env, ids[t * n + i]));
      }
      tokens.Set(static_cast<uint32_t>(t), of_token);
    }
    js.Set(il, tokens);
  }
  return js;
}

Napi::Error ToError(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message());
  error.Set("code", Napi::String::New(env, CodeName(status.code())));
  return error;
}

}  // namespace hearth::addon
