// The JavaScript object `Engine`, and the way from a JavaScript call to the decode thread and back.
#ifndef HEARTH_ADDON_ENGINE_OBJECT_H_
#define HEARTH_ADDON_ENGINE_OBJECT_H_

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "engine/engine.h"

namespace hearth::addon {

// Set from the JavaScript thread, read by the decode thread.
using CancelFlag = std::shared_ptr<std::atomic<bool>>;

struct SessionState;

// What an Engine object and its sessions share. Made, used and ended on the JavaScript thread,
// except where said.
class EngineHold : public std::enable_shared_from_this<EngineHold> {
 public:
  static std::shared_ptr<EngineHold> Create(Napi::Env env, std::unique_ptr<Engine> engine);
  // Cancels what runs, so that the decode thread ends soon.
  ~EngineHold();

  // nullptr once closed.
  Engine* engine() const { return engine_.get(); }

  // How a session's calls are run.
  struct Manner {
    JobPriority priority = JobPriority::kCompletion;
    bool fewer_threads = false;  // Engine::UseFewerThreads
  };

  // Runs work(), a step of a session's job (engine/scheduler.h), on the decode thread until it
  // returns that there is no more, then settle(env, deferred) here. Where either finds no memory,
  // the promise is rejected with code "memory". Both may use what they capture
  // by value; the hold and `state` stay alive until then. The event loop is kept alive while work
  // is under way. `cancel` is set by Close; work is expected to look at it.
  using Work = std::function<bool()>;
  using Settle = std::function<void(Napi::Env, const Napi::Promise::Deferred&)>;
  Napi::Promise Run(Manner manner, std::shared_ptr<SessionState> state, CancelFlag cancel,
                    Work work, Settle settle);

  // Close will free what the session holds, which lives on with its JavaScript object otherwise.
  void Adopt(const std::shared_ptr<SessionState>& state);

  // A message to this thread. What it throws is lost: it has nobody to tell.
  struct Call {
    std::function<void(Napi::Env)> run;
  };
  // Delivers a message from the decode thread while work runs, in order, before its settle; waits
  // for nothing, and takes no memory of ours.
  void CallBack(std::unique_ptr<Call> call);

  // Cancels all work and lets the engine go as soon as no work needs it.
  void Close();

 private:
  struct Job;
  static void Deliver(Napi::Env env, Napi::Function, std::nullptr_t*, Call* call);
  using ToJs = Napi::TypedThreadSafeFunction<std::nullptr_t, Call, &EngineHold::Deliver>;
  static bool Step(Job* job);
  static void Finish(Napi::Env env, Job* job);
  EngineHold(Napi::Env env, std::unique_ptr<Engine> engine);
  void Begin();
  void End();
  void CancelAll();
  void FreeAll();
  // Node destroys to_js_ before the objects that use it: the decode thread must end first.
  void OnShutdown();

  const Napi::Env env_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::weak_ptr<std::atomic<bool>>> flags_;  // of work under way
  std::vector<std::weak_ptr<SessionState>> sessions_;
  ToJs to_js_;
  bool shut_down_ = false;  // to_js_ is no more
  int n_running_ = 0;
  bool closing_ = false;
};

class EngineObject : public Napi::ObjectWrap<EngineObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit EngineObject(
      const Napi::CallbackInfo& info);  // info[0]: External<shared_ptr<EngineHold>>

 private:
  Napi::Value Info(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value NewSession(const Napi::CallbackInfo& info);
  Napi::Value NewCodeIndex(const Napi::CallbackInfo& info);
  Napi::Value TrimIdle(const Napi::CallbackInfo& info);
  Napi::Value HotExperts(const Napi::CallbackInfo& info);
  Napi::Value Preload(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  std::shared_ptr<EngineHold> hold_;
};

// loadEngine(spec, options, onProgress?) -> Promise<Engine>
Napi::Value LoadEngine(const Napi::CallbackInfo& info);

// Per environment, so that worker threads and a second copy of the addon both work.
struct AddonData {
  Napi::FunctionReference engine_constructor;
  Napi::FunctionReference session_constructor;
  Napi::FunctionReference code_index_constructor;
};

}  // namespace hearth::addon

#endif  // HEARTH_ADDON_ENGINE_OBJECT_H_
