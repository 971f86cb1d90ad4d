#include "addon/code_index_object.h"

#include <string>
#include <utility>

#include "addon/convert.h"
#include "addon/engine_object.h"

namespace hearth::addon {
namespace {

CodeSource ToSource(const Napi::Value& js) {
  const std::string name = js.ToString().Utf8Value();
  if (name == "file") return CodeSource::kFile;
  if (name == "workspace") return CodeSource::kWorkspace;
  throw Napi::TypeError::New(js.Env(), "a source of code is 'file' or 'workspace'");
}

}  // namespace

Napi::Function CodeIndexObject::Define(Napi::Env env) {
  return DefineClass(env, "CodeIndex",
                     {InstanceMethod<&CodeIndexObject::Append>("append"),
                      InstanceMethod<&CodeIndexObject::Forget>("forget"),
                      InstanceMethod<&CodeIndexObject::Size>("size"),
                      InstanceMethod<&CodeIndexObject::Lookup>("lookup"),
                      InstanceMethod<&CodeIndexObject::Mix>("mix")});
}

CodeIndexObject::CodeIndexObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<CodeIndexObject>(info),
      kernels_(*info[1].As<Napi::External<const Kernels*>>().Data()) {
  const Napi::Object js = info[0].As<Napi::Object>();
  const int64_t n_token_max =
      js.Has("maxTokens") ? ToInteger(js, "maxTokens") : CodeIndex::kTokensMax;
  if (n_token_max < 0 || n_token_max > CodeIndex::kTokensMax) {
    throw Napi::RangeError::New(info.Env(), "an index holds up to 2,000,000 tokens");
  }
  index_ = std::make_shared<CodeIndex>(n_token_max);
  CodeMemory memory = ToCodeMemory(js);
  memory.index = index_;
  memory_ = std::make_shared<const CodeMemory>(std::move(memory));
}

// append(source, lead: Int32Array, tokens: Int32Array) -> the number of the piece
Napi::Value CodeIndexObject::Append(const Napi::CallbackInfo& info) {
  Result<int64_t> piece = index_->Append(ToSource(info[0]), ToTokens(info[1]), ToTokens(info[2]));
  if (!piece.ok()) throw ToError(info.Env(), piece.status());
  return Napi::Number::New(info.Env(), static_cast<double>(piece.value()));
}

// forget(piece)
Napi::Value CodeIndexObject::Forget(const Napi::CallbackInfo& info) {
  index_->Forget(info[0].As<Napi::Number>().Int64Value());
  return info.Env().Undefined();
}

// size() -> {tokens, bytes}
Napi::Value CodeIndexObject::Size(const Napi::CallbackInfo& info) {
  Napi::Object js = Napi::Object::New(info.Env());
  js.Set("tokens", Napi::Number::New(info.Env(), static_cast<double>(index_->n_token())));
  js.Set("bytes", Napi::Number::New(info.Env(), static_cast<double>(index_->bytes())));
  return js;
}

// lookup(source, context: Int32Array) -> Int32Array of pairs: a token, and how many of the
// context's tokens stood before it
Napi::Value CodeIndexObject::Lookup(const Napi::CallbackInfo& info) {
  std::vector<CodeIndex::Place> places;
  index_->Lookup(ToSource(info[0]), ToTokens(info[1]), &places);
  Napi::Int32Array js = Napi::Int32Array::New(info.Env(), 2 * places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    js[2 * i] = places[i].id;
    js[2 * i + 1] = places[i].n_context;
  }
  return js;
}

// mix(logits: Float32Array, context: Int32Array) -> {scale, ids: Int32Array, added: Float64Array}:
// p = scale * softmax(logits), and added[i] more for ids[i]
Napi::Value CodeIndexObject::Mix(const Napi::CallbackInfo& info) {
  const auto logits = info[0].As<Napi::Float32Array>();
  TokenMixture mixture(*kernels_);
  mixture.Begin({logits.Data(), logits.ElementLength()});
  mixture.Mix(*index_, memory_->weights, ToTokens(info[1]));
  const auto added = mixture.added();
  Napi::Int32Array ids = Napi::Int32Array::New(info.Env(), added.size());
  Napi::Float64Array more = Napi::Float64Array::New(info.Env(), added.size());
  for (size_t i = 0; i < added.size(); ++i) {
    ids[i] = added[i].id;
    more[i] = added[i].sum();
  }
  Napi::Object js = Napi::Object::New(info.Env());
  js.Set("scale", Napi::Number::New(info.Env(), mixture.scale()));
  js.Set("ids", ids);
  js.Set("added", more);
  return js;
}

std::shared_ptr<const CodeMemory> MemoryOf(const Napi::Value& js) {
  const auto& constructor = js.Env().GetInstanceData<AddonData>()->code_index_constructor;
  if (!js.IsObject() || !js.As<Napi::Object>().InstanceOf(constructor.Value())) {
    throw Napi::TypeError::New(js.Env(), "a memory has a CodeIndex");
  }
  return CodeIndexObject::Unwrap(js.As<Napi::Object>())->memory();
}

}  // namespace hearth::addon
