// The JavaScript object `Session`.
#ifndef HEARTH_ADDON_SESSION_OBJECT_H_
#define HEARTH_ADDON_SESSION_OBJECT_H_

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/engine_object.h"
#include "engine/engine.h"
#include "engine/generation.h"

namespace hearth::addon {

// What a Session object shares with its jobs; the fields are used on the decode thread only, and
// freed on the JavaScript thread when no job is left.
struct SessionState {
  std::unique_ptr<Session> session;
  std::unique_ptr<Generation> generation;  // of session; nullptr if nothing is to be generated

  void Free() {
    generation.reset();
    session.reset();
  }
};

class SessionObject : public Napi::ObjectWrap<SessionObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit SessionObject(
      const Napi::CallbackInfo& info);  // info[0]: External<shared_ptr<EngineHold>>

 private:
  Napi::Value Sync(const Napi::CallbackInfo& info);
  Napi::Value Next(const Napi::CallbackInfo& info);
  Napi::Value Logits(const Napi::CallbackInfo& info);
  Napi::Value KeptTokens(const Napi::CallbackInfo& info);
  Napi::Value Keys(const Napi::CallbackInfo& info);
  Napi::Value Adopt(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  CancelFlag NewFlag();
  Napi::Promise Run(CancelFlag cancel, EngineHold::Work work, EngineHold::Settle settle);
  void CancelAll();

  std::shared_ptr<EngineHold> hold_;
  std::shared_ptr<SessionState> state_;                  // nullptr once closed
  std::vector<std::weak_ptr<std::atomic<bool>>> flags_;  // of calls that have not settled
  EngineHold::Manner manner_;
};

}  // namespace hearth::addon

#endif  // HEARTH_ADDON_SESSION_OBJECT_H_
