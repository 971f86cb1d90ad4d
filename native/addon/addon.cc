// The Node binding of the engine: what is exported, and nothing else.
#include <napi.h>

#include "addon/code_index_object.h"
#include "addon/convert.h"
#include "addon/engine_object.h"
#include "addon/session_object.h"
#include "base/cpu.h"
#include "base/file_lock.h"
#include "base/no_network.h"

namespace hearth::addon {
namespace {

Napi::Value DenyNetworkForGood(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(),
                           DenyNetwork() == NetworkAccess::kDenied ? "denied" : "unsupported");
}

// lockFile(path) -> boolean
Napi::Value LockFileForGood(const Napi::CallbackInfo& info) {
  Result<bool> locked = LockFile(info[0].As<Napi::String>().Utf8Value());
  if (!locked.ok()) throw ToError(info.Env(), locked.status());
  return Napi::Boolean::New(info.Env(), locked.value());
}

// All of kIsas, in its order.
Napi::Array Isas(Napi::Env env) {
  Napi::Array isas = Napi::Array::New(env);
  for (const IsaRow& row : kIsas) {
    Napi::Object isa = Napi::Object::New(env);
    isa.Set("name", row.name);
    isa.Set("needs", row.needs);
    isa.Set("state", IsaAvailable(row.isa)            ? "available"
                     : IsaOfThisArchitecture(row.isa) ? "lacking"
                                                      : "foreign");
    isas.Set(isas.Length(), isa);
  }
  return isas;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData;
  data->engine_constructor = Napi::Persistent(EngineObject::Define(env));
  data->session_constructor = Napi::Persistent(SessionObject::Define(env));
  data->code_index_constructor = Napi::Persistent(CodeIndexObject::Define(env));
  env.SetInstanceData(data);
  exports.Set("isas", Isas(env));
  exports.Set("loadEngine", Napi::Function::New<LoadEngine>(env, "loadEngine"));
  exports.Set("denyNetwork", Napi::Function::New<DenyNetworkForGood>(env, "denyNetwork"));
  exports.Set("lockFile", Napi::Function::New<LockFileForGood>(env, "lockFile"));
  return exports;
}

}  // namespace
}  // namespace hearth::addon

using hearth::addon::Init;
NODE_API_MODULE(hearth, Init)
