#include "addon/engine_object.h"

#include <atomic>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "addon/convert.h"
#include "addon/session_object.h"

namespace hearth::addon {

namespace {

// Calls work(). Whether there was memory for it: the standard library says by either of these that
// there is none.
template <typename Work>
bool HasMemoryFor(const Work& work) {
  try {
    work();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  } catch (const std::length_error&) {
    return false;
  }
}

// Settles a promise by settle(), whatever JavaScript or the standard library throws in it: whoever
// awaits it must hear.
template <typename Settle>
void SettleAnyhow(Napi::Env env, const Napi::Promise::Deferred& deferred, const Settle& settle) {
  try {
    if (!HasMemoryFor(settle)) deferred.Reject(ToError(env, Status::OutOfMemory()).Value());
  } catch (const Napi::Error& error) {
    deferred.Reject(error.Value());
  }
}

}  // namespace

// Lives from the call to its settlement; deleted on the JavaScript thread, so that nothing it holds
// ends elsewhere.
struct EngineHold::Job {
  std::shared_ptr<EngineHold> hold;
  Napi::Promise::Deferred deferred;
  std::shared_ptr<SessionState> state;
  CancelFlag cancel;
  Work work;
  Settle settle;
  bool out_of_memory = false;
  // What tells of the end: allocated at the beginning, as there may be no memory then.
  std::unique_ptr<Call> end = std::make_unique<Call>();
};

std::shared_ptr<EngineHold> EngineHold::Create(Napi::Env env, std::unique_ptr<Engine> engine) {
  std::shared_ptr<EngineHold> hold(new EngineHold(env, std::move(engine)));
  const auto noop = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  hold->to_js_ = ToJs::New(
      env, noop, "hearth-engine", 0, 1, static_cast<std::nullptr_t*>(nullptr),
      [weak = std::weak_ptr<EngineHold>(hold)](Napi::Env, void*, std::nullptr_t*) {
        if (const std::shared_ptr<EngineHold> alive = weak.lock()) alive->OnShutdown();
      },
      static_cast<void*>(nullptr));
  hold->to_js_.Unref(env);
  return hold;
}

EngineHold::EngineHold(Napi::Env env, std::unique_ptr<Engine> engine)
    : env_(env), engine_(std::move(engine)) {}

EngineHold::~EngineHold() {
  CancelAll();
  engine_.reset();
  if (!shut_down_) to_js_.Release();
}

void EngineHold::OnShutdown() {
  closing_ = true;
  CancelAll();
  FreeAll();
  shut_down_ = true;
}

void EngineHold::Close() {
  closing_ = true;
  CancelAll();
  if (n_running_ == 0) FreeAll();
}

void EngineHold::CancelAll() {
  for (const auto& weak : flags_) {
    if (const CancelFlag flag = weak.lock()) flag->store(true, std::memory_order_relaxed);
  }
}

void EngineHold::Begin() {
  if (n_running_++ == 0) to_js_.Ref(env_);
}

void EngineHold::End() {
  if (--n_running_ > 0) return;
  to_js_.Unref(env_);
  if (closing_) FreeAll();
}

void EngineHold::Adopt(const std::shared_ptr<SessionState>& state) {
  std::erase_if(sessions_, [](const auto& weak) { return weak.expired(); });
  sessions_.push_back(state);
}

// The decode thread ends with the engine; then no thread uses a session any more.
void EngineHold::FreeAll() {
  engine_.reset();
  for (const auto& weak : sessions_) {
    if (const std::shared_ptr<SessionState> state = weak.lock()) state->Free();
  }
  sessions_.clear();
}

Napi::Promise EngineHold::Run(Manner manner, std::shared_ptr<SessionState> state, CancelFlag cancel,
                              Work work, Settle settle) {
  Napi::Env env = env_;
  std::unique_ptr<Job> job(new Job{shared_from_this(), Napi::Promise::Deferred::New(env),
                                   std::move(state), std::move(cancel), std::move(work),
                                   std::move(settle)});
  const Napi::Promise promise = job->deferred.Promise();
  if (engine_ == nullptr || closing_) {
    job->deferred.Reject(
        ToError(env, Status::BadRequest("the engine has been closed; load the model again"))
            .Value());
    return promise;
  }
  job->end->run = [job = job.get()](Napi::Env js_env) { Finish(js_env, job); };
  std::erase_if(flags_, [](const auto& flag) { return flag.expired(); });
  flags_.push_back(job->cancel);
  // Last what cannot be taken back: the scheduler takes the job, or has no memory for it.
  const auto post = [&] {
    engine_->scheduler().Post({.priority = manner.priority,
                               .session = job->state.get(),
                               .cancelled = job->cancel,
                               .step = [job = job.get(), manner, engine = engine_.get()] {
                                 engine->UseFewerThreads(manner.fewer_threads);
                                 return Step(job);
                               }});
  };
  if (!HasMemoryFor(post)) {
    job->deferred.Reject(ToError(env, Status::OutOfMemory()).Value());
    return promise;
  }
  job.release();
  Begin();
  return promise;
}

// On the decode thread. Whether there is more to do.
bool EngineHold::Step(Job* job) {
  bool more = false;
  job->out_of_memory = !HasMemoryFor([&] { more = job->work(); });
  if (more && !job->out_of_memory) return true;
  job->hold->CallBack(std::move(job->end));
  return false;
}

void EngineHold::Finish(Napi::Env env, Job* job) {
  const std::unique_ptr<Job> done(job);
  job->hold->End();
  SettleAnyhow(env, job->deferred, [&] {
    if (job->out_of_memory) {
      job->deferred.Reject(ToError(env, Status::OutOfMemory()).Value());
    } else {
      job->settle(env, job->deferred);
    }
  });
}

void EngineHold::CallBack(std::unique_ptr<Call> call) { to_js_.BlockingCall(call.release()); }

void EngineHold::Deliver(Napi::Env env, Napi::Function, std::nullptr_t*, Call* call) {
  const std::unique_ptr<Call> owned(call);
  // A null env says that Node is shutting down: nothing can be told to JavaScript any more.
  if (static_cast<napi_env>(env) != nullptr) owned->run(env);
}

Napi::Function EngineObject::Define(Napi::Env env) {
  return DefineClass(
      env, "Engine",
      {InstanceMethod<&EngineObject::Info>("info"), InstanceMethod<&EngineObject::Stats>("stats"),
       InstanceMethod<&EngineObject::NewSession>("newSession"),
       InstanceMethod<&EngineObject::NewCodeIndex>("newCodeIndex"),
       InstanceMethod<&EngineObject::TrimIdle>("trimIdle"),
       InstanceMethod<&EngineObject::HotExperts>("hotExperts"),
       InstanceMethod<&EngineObject::Preload>("preload"),
       InstanceMethod<&EngineObject::Close>("close")});
}

EngineObject::EngineObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<EngineObject>(info),
      hold_(*info[0].As<Napi::External<std::shared_ptr<EngineHold>>>().Data()) {}

Napi::Value EngineObject::Info(const Napi::CallbackInfo& info) {
  Engine* engine = hold_->engine();
  if (engine == nullptr) return info.Env().Null();
  Napi::Object js = Napi::Object::New(info.Env());
  js.Set("isa", engine->isa());
  js.Set("threads", engine->n_threads());
  js.Set("plan", ToJs(info.Env(), engine->plan()));
  return js;
}

Napi::Value EngineObject::Stats(const Napi::CallbackInfo& info) {
  Engine* engine = hold_->engine();
  if (engine == nullptr) return info.Env().Null();
  return ToJs(info.Env(), engine->stats());
}

Napi::Value EngineObject::NewSession(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (hold_->engine() == nullptr) {
    throw ToError(env, Status::BadRequest("the engine has been closed; load the model again"));
  }
  return env.GetInstanceData<AddonData>()->session_constructor.New(
      {Napi::External<std::shared_ptr<EngineHold>>::New(env, &hold_)});
}

// newCodeIndex({weights, lineFeeds, maxTokens?}) -> CodeIndex
Napi::Value EngineObject::NewCodeIndex(const Napi::CallbackInfo& info) {
  Engine* engine = hold_->engine();
  if (engine == nullptr) {
    throw ToError(info.Env(),
                  Status::BadRequest("the engine has been closed; load the model again"));
  }
  const Kernels* kernels = &engine->kernels();
  return info.Env().GetInstanceData<AddonData>()->code_index_constructor.New(
      {info[0], Napi::External<const Kernels*>::New(info.Env(), &kernels)});
}

Napi::Value EngineObject::TrimIdle(const Napi::CallbackInfo& info) {
  if (hold_->engine() != nullptr) hold_->engine()->TrimIdle();
  return info.Env().Undefined();
}

// hotExperts() -> Int32Array of layer * n_expert + id
Napi::Value EngineObject::HotExperts(const Napi::CallbackInfo& info) {
  Engine* engine = hold_->engine();
  const std::vector<ExpertId> experts =
      engine != nullptr ? engine->HotExperts() : std::vector<ExpertId>();
  Napi::Int32Array js = Napi::Int32Array::New(info.Env(), experts.size());
  for (size_t i = 0; i < experts.size(); ++i)
    js[i] = experts[i].il * engine->spec().n_expert + experts[i].id;
  return js;
}

// preload(experts: Int32Array), as from hotExperts of the same model
Napi::Value EngineObject::Preload(const Napi::CallbackInfo& info) {
  Engine* engine = hold_->engine();
  if (engine == nullptr) return info.Env().Undefined();
  const int n_expert = engine->spec().n_expert;
  std::vector<ExpertId> experts;
  for (const int32_t index : ToTokens(info[0])) {
    if (index < 0 || index >= engine->spec().n_layer * n_expert)
      throw Napi::RangeError::New(info.Env(), "the model has no such expert");
    experts.push_back({index / n_expert, index % n_expert});
  }
  engine->Preload(experts);
  return info.Env().Undefined();
}

Napi::Value EngineObject::Close(const Napi::CallbackInfo& info) {
  hold_->Close();
  return info.Env().Undefined();
}

namespace {

// Loads on one of Node's own worker threads.
class LoadWorker : public Napi::AsyncProgressQueueWorker<uint64_t> {
 public:
  LoadWorker(Napi::Env env, ModelSpec spec, EngineOptions options, Napi::Function on_progress)
      : Napi::AsyncProgressQueueWorker<uint64_t>(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        spec_(std::move(spec)),
        options_(options),
        on_progress_(on_progress.IsEmpty() ? Napi::FunctionReference()
                                           : Napi::Persistent(on_progress)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute(const ExecutionProgress& progress) override {
    uint64_t reported = 0;
    const auto on_progress = [&](uint64_t done, uint64_t total) {
      // A hundred steps are enough for a progress bar.
      if (done != total && done - reported < total / 100) return;
      reported = done;
      const uint64_t pair[2] = {done, total};
      progress.Send(pair, 2);
    };
    if (!HasMemoryFor(
            [&] { result_.emplace(Engine::Load(std::move(spec_), options_, on_progress)); }))
      result_.emplace(Status::OutOfMemory());
  }

  void OnProgress(const uint64_t* pair, size_t count) override {
    if (count != 2 || on_progress_.IsEmpty()) return;
    on_progress_.Call({Napi::Number::New(Env(), static_cast<double>(pair[0])),
                       Napi::Number::New(Env(), static_cast<double>(pair[1]))});
  }

  void OnOK() override {
    Napi::Env env = Env();
    SettleAnyhow(env, deferred_, [&] {
      if (!result_->ok()) {
        deferred_.Reject(ToError(env, result_->status()).Value());
        return;
      }
      std::shared_ptr<EngineHold> hold = EngineHold::Create(env, std::move(*result_).value());
      deferred_.Resolve(env.GetInstanceData<AddonData>()->engine_constructor.New(
          {Napi::External<std::shared_ptr<EngineHold>>::New(env, &hold)}));
    });
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  ModelSpec spec_;
  EngineOptions options_;
  Napi::FunctionReference on_progress_;
  std::optional<Result<std::unique_ptr<Engine>>> result_;
};

}  // namespace

Napi::Value LoadEngine(const Napi::CallbackInfo& info) {
  if (info.Length() < 2 || !info[0].IsObject() || !info[1].IsObject()) {
    throw Napi::TypeError::New(info.Env(), "loadEngine(spec, options, onProgress?)");
  }
  const Napi::Function on_progress =
      info.Length() > 2 && info[2].IsFunction() ? info[2].As<Napi::Function>() : Napi::Function();
  auto* worker = new LoadWorker(info.Env(), ToModelSpec(info[0].As<Napi::Object>()),
                                ToEngineOptions(info[1].As<Napi::Object>()), on_progress);
  worker->Queue();
  return worker->promise();
}

}  // namespace hearth::addon
