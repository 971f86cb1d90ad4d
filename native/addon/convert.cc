#include "addon/convert.h"

#include <cmath>
#include <string>

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

int64_t IntegerOr(const Napi::Object& js, const char* key, int64_t fallback) {
  return js.Get(key).IsUndefined() ? fallback : Integer(js, key);
}

std::string Text(const Napi::Object& js, const char* key) {
  const Napi::Value value = js.Get(key);
  if (!value.IsString()) Mistyped(js, key, "a string");
  return value.As<Napi::String>().Utf8Value();
}

bool Bool(const Napi::Object& js, const char* key) {
  const Napi::Value value = js.Get(key);
  if (!value.IsBoolean()) Mistyped(js, key, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

Napi::Array List(const Napi::Object& js, const char* key) {
  const Napi::Value value = js.Get(key);
  if (!value.IsArray()) Mistyped(js, key, "an array");
  return value.As<Napi::Array>();
}

TensorPlace ToTensorPlace(const Napi::Object& js) {
  TensorPlace tensor;
  tensor.name = Text(js, "name");
  if (!ParseTensorType(Text(js, "type"), &tensor.type)) Mistyped(js, "type", "a known tensor type");
  const Napi::Array shape = List(js, "shape");
  for (uint32_t i = 0; i < shape.Length(); ++i) {
    tensor.shape.push_back(shape.Get(i).As<Napi::Number>().Int64Value());
  }
  if (tensor.shape.empty()) Mistyped(js, "shape", "a shape");
  tensor.offset = static_cast<uint64_t>(Integer(js, "offset"));
  tensor.bytes = static_cast<uint64_t>(Integer(js, "bytes"));
  return tensor;
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
  s.rope_freq_base = Number(js, "rope_freq_base");
  s.n_ctx_train = Integer(js, "n_ctx_train");
  s.gating = Text(js, "gating") == "softmax" ? Gating::kSoftmax : Gating::kSigmoid;
  s.down_transposed = Bool(js, "down_transposed");
  const Napi::Array layers = List(js, "layers");
  for (uint32_t i = 0; i < layers.Length(); ++i) {
    const Napi::Object layer = layers.Get(i).As<Napi::Object>();
    s.layers.push_back(LayerSpec{Bool(layer, "rope"), Integer(layer, "window")});
  }
  const Napi::Array tensors = List(js, "tensors");
  for (uint32_t i = 0; i < tensors.Length(); ++i) {
    s.tensors.push_back(ToTensorPlace(tensors.Get(i).As<Napi::Object>()));
  }
  return s;
}

EngineOptions ToEngineOptions(const Napi::Object& js) {
  EngineOptions o;
  o.n_threads = static_cast<int>(IntegerOr(js, "threads", 0));
  o.memory_budget_bytes = static_cast<uint64_t>(IntegerOr(js, "memoryBudgetBytes", 0));
  o.process_bytes = static_cast<uint64_t>(IntegerOr(js, "processBytes", 0));
  o.expert_slots = static_cast<int>(IntegerOr(js, "expertSlots", 0));
  o.n_ctx = IntegerOr(js, "contextTokens", 0);
  o.n_chunk = IntegerOr(js, "chunkTokens", 0);
  o.n_session = static_cast<int>(IntegerOr(js, "sessions", 1));
  if (!js.Get("readAhead").IsUndefined()) o.read_ahead = Bool(js, "readAhead");
  if (!js.Get("eviction").IsUndefined()) {
    const std::string name = Text(js, "eviction");
    if (name != "lru" && name != "expected-wait") Mistyped(js, "eviction", "a known policy");
    o.eviction = name == "lru" ? Eviction::kLru : Eviction::kExpectedWait;
  }
  if (!js.Get("hints").IsUndefined()) o.hints = Bool(js, "hints");
  if (!js.Get("approximateHead").IsUndefined()) {
    o.approximate_head = static_cast<float>(Number(js, "approximateHead"));
  }
  if (!js.Get("isa").IsUndefined()) {
    o.isa = IsaFromName(Text(js, "isa"));
    if (!o.isa) Mistyped(js, "isa", "a known instruction set");
  }
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
