// The door between Node and the engine: what is exported, and nothing else.
#include <napi.h>

#include "addon/engine_object.h"
#include "addon/session_object.h"
#include "base/cpu.h"

namespace hearth::addon {
namespace {

Napi::Value BestIsaName(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), IsaName(BestIsa()));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData;
  data->engine_constructor = Napi::Persistent(EngineObject::Define(env));
  data->session_constructor = Napi::Persistent(SessionObject::Define(env));
  env.SetInstanceData(data);
  exports.Set("loadEngine", Napi::Function::New<LoadEngine>(env, "loadEngine"));
  exports.Set("bestIsa", Napi::Function::New<BestIsaName>(env, "bestIsa"));
  return exports;
}

}  // namespace
}  // namespace hearth::addon

using hearth::addon::Init;
NODE_API_MODULE(hearth, Init)
