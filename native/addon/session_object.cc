#include "addon/session_object.h"

#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "addon/code_index_object.h"
#include "addon/convert.h"

namespace hearth::addon {
namespace {

constexpr const char* kCancelled = "cancelled";
constexpr int kPiecesWaitingMax = 4;

// Settles with an outcome: cancellation is one, an error is a rejection.
void Settle(Napi::Env env, const Napi::Promise::Deferred& deferred, const Status& status,
            const std::function<Napi::Value()>& value) {
  if (status.ok()) {
    deferred.Resolve(value());
  } else if (status.code() == StatusCode::kCancelled) {
    deferred.Resolve(Napi::String::New(env, kCancelled));
  } else {
    deferred.Reject(ToError(env, status).Value());
  }
}

Napi::Float32Array ToFloats(Napi::Env env, std::span<const float> values) {
  Napi::Float32Array array = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

// One step of what a session or a generation has begun. Whether there is more to do.
template <typename Steps>
bool StepOf(Steps& steps, Status* status) {
  Result<bool> done = steps.Step();
  *status = done.status();
  return done.ok() && !done.value();
}

void SetTrace(Napi::Object& report, const RoutingTrace& trace, size_t n_used) {
  const size_t n_token = trace.layers.empty() ? 0 : trace.layers.front().size() / n_used;
  report.Set("trace", ToJs(report.Env(), trace.layers, n_token));
  if (trace.depth == 0) return;
  report.Set("guesses", ToJs(report.Env(), trace.guesses, n_token));
  report.Set("nextRanked", ToJs(report.Env(), trace.next_ranked, n_token));
}

struct SyncJob {
  bool begun = false;
  std::vector<int32_t> tokens;
  SyncOptions options;
  std::optional<GenerationOptions> generation;
  RoutingTrace trace;
  Status status;
  SyncReport report;
};

// An earlier generation ends, whether or not another one begins.
Status BeginSync(SessionState& state, SyncJob& job) {
  state.generation.reset();
  if (job.generation) {
    Result<std::unique_ptr<Generation>> generation =
        Generation::Create(*state.session, std::move(*job.generation));
    if (!generation.ok()) return generation.status();
    state.generation = std::move(generation).value();
  }
  return state.session->BeginSync(job.tokens, job.options);
}

}  // namespace

Napi::Function SessionObject::Define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&SessionObject::Sync>("sync"), InstanceMethod<&SessionObject::Next>("next"),
       InstanceMethod<&SessionObject::Logits>("logits"),
       InstanceMethod<&SessionObject::KeptTokens>("keptTokens"),
       InstanceMethod<&SessionObject::Keys>("keys"), InstanceMethod<&SessionObject::Adopt>("adopt"),
       InstanceMethod<&SessionObject::Cancel>("cancel"),
       InstanceMethod<&SessionObject::Close>("close")});
}

SessionObject::SessionObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SessionObject>(info),
      hold_(*info[0].As<Napi::External<std::shared_ptr<EngineHold>>>().Data()),
      state_(std::make_shared<SessionState>()) {
  Result<std::unique_ptr<Session>> session = hold_->engine()->NewSession();
  if (!session.ok()) throw ToError(info.Env(), session.status());
  state_->session = std::move(session).value();
  hold_->Adopt(state_);
}

CancelFlag SessionObject::NewFlag() {
  auto flag = std::make_shared<std::atomic<bool>>(false);
  std::erase_if(flags_, [](const auto& other) { return other.expired(); });
  flags_.push_back(flag);
  return flag;
}

Napi::Promise SessionObject::Run(CancelFlag cancel, EngineHold::Work work,
                                 EngineHold::Settle settle) {
  if (state_ == nullptr) {
    const auto deferred = Napi::Promise::Deferred::New(Env());
    deferred.Reject(
        ToError(Env(), Status::BadRequest("the session has been closed; make a new one")).Value());
    return deferred.Promise();
  }
  return hold_->Run(manner_, state_, std::move(cancel), std::move(work), std::move(settle));
}

// sync(tokens: Int32Array,
//      {chunkTokens?, trace?, traceDepth?, generation?, priority?, fewerThreads?, onLogits?,
//       approximate?})
//   -> Promise<{reused, evaluated, trace?, guesses?, nextRanked?} | "cancelled">
Napi::Value SessionObject::Sync(const Napi::CallbackInfo& info) {
  auto job = std::make_shared<SyncJob>();
  job->tokens = ToTokens(info[0]);
  const Napi::Object js = info[1].As<Napi::Object>();
  const CancelFlag cancel = NewFlag();
  job->options.cancelled = cancel.get();
  if (js.Has("chunkTokens")) {
    job->options.n_chunk = js.Get("chunkTokens").As<Napi::Number>().Int64Value();
  }
  if (js.Has("approximate") && js.Get("approximate").ToBoolean()) {
    job->options.head = Head::kApproximate;
  }
  const bool trace = js.Has("trace") && js.Get("trace").ToBoolean();
  if (trace) job->options.trace = &job->trace;
  if (js.Has("traceDepth")) {
    job->trace.depth = js.Get("traceDepth").As<Napi::Number>().Int32Value();
  }
  if (js.Has("generation")) {
    const Napi::Object generation = js.Get("generation").As<Napi::Object>();
    job->generation = ToGenerationOptions(generation);
    if (generation.Has("memory")) {
      const Napi::Object memory = generation.Get("memory").As<Napi::Object>();
      job->generation->memory = MemoryOf(memory.Get("index"));
      job->generation->context = ToTokens(memory.Get("context"));
    }
  }
  // Used on the JavaScript thread alone.
  struct Told {
    std::optional<Napi::Error> error;
  };
  const auto told = std::make_shared<Told>();
  manner_ = {
      .priority = js.Has("priority") ? ToPriority(js.Get("priority")) : JobPriority::kCompletion,
      .fewer_threads = js.Has("fewerThreads") && js.Get("fewerThreads").ToBoolean(),
  };
  if (js.Has("onLogits")) {
    auto callback = std::make_shared<Napi::FunctionReference>(
        Napi::Persistent(js.Get("onLogits").As<Napi::Function>()));
    EngineHold* hold = hold_.get();
    const auto n_waiting = std::make_shared<std::atomic<int>>(0);
    job->options.on_logits = [hold, callback, n_waiting, cancel,
                              told](std::span<const float> logits) {
      // JavaScript may be slower than the engine: what waits for it is bounded.
      while (n_waiting->load() >= kPiecesWaitingMax && !cancel->load()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      auto call = std::make_unique<EngineHold::Call>();
      call->run = [callback, n_waiting, cancel, told,
                   copy = std::vector<float>(logits.begin(), logits.end())](Napi::Env env) {
        --*n_waiting;
        // Those that waited meanwhile are nobody's any more.
        if (told->error) return;
        // What is thrown here would end the process: it is the outcome of the whole.
        try {
          callback->Call({ToFloats(env, copy)});
        } catch (const Napi::Error& error) {
          told->error = error;
          cancel->store(true);
        }
      };
      ++*n_waiting;
      hold->CallBack(std::move(call));
    };
  }
  const int n_used = hold_->engine() != nullptr ? hold_->engine()->spec().n_expert_used : 1;
  SessionState* state = state_.get();
  auto work = [job, state] {
    if (!job->begun) {
      job->begun = true;
      job->status = BeginSync(*state, *job);
      return job->status.ok();
    }
    const bool more = StepOf(*state->session, &job->status);
    if (!more) job->report = state->session->report();
    return more;
  };
  auto settle = [job, trace, n_used, told](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    // References to JavaScript functions end on this thread.
    job->options.on_logits = nullptr;
    if (told->error) return deferred.Reject(told->error->Value());
    Settle(env, deferred, job->status, [&]() -> Napi::Value {
      Napi::Object report = Napi::Object::New(env);
      report.Set("reused", Napi::Number::New(env, static_cast<double>(job->report.n_reused)));
      report.Set("evaluated", Napi::Number::New(env, static_cast<double>(job->report.n_evaluated)));
      if (trace) SetTrace(report, job->trace, static_cast<size_t>(n_used));
      return report;
    });
  };
  return Run(cancel, std::move(work), std::move(settle));
}

// next() -> Promise<{id, forcedLeft, logprob?, allowedLogprob?, watched?} | "cancelled">: the next
// token of the generation that the last sync began (engine/generation.h).
Napi::Value SessionObject::Next(const Napi::CallbackInfo&) {
  struct NextJob {
    bool begun = false;
    Status status;
    GeneratedToken token;
  };
  auto job = std::make_shared<NextJob>();
  SessionState* state = state_.get();
  const CancelFlag cancel = NewFlag();
  auto work = [job, state, cancel] {
    if (state->generation == nullptr) {
      job->status = Status::BadRequest("next() comes after a sync() that began a generation");
      return false;
    }
    if (!job->begun) {
      job->begun = true;
      job->status = state->generation->BeginNext(cancel.get());
      return job->status.ok();
    }
    if (StepOf(*state->generation, &job->status)) return true;
    if (job->status.ok()) job->token = state->generation->token();
    return false;
  };
  auto settle = [job](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    Settle(env, deferred, job->status, [&]() -> Napi::Value { return ToJs(env, job->token); });
  };
  return Run(cancel, std::move(work), std::move(settle));
}

// logits() -> Promise<Float32Array>: after the last evaluated token, by the whole head; empty if
// there is none.
Napi::Value SessionObject::Logits(const Napi::CallbackInfo&) {
  struct LogitsJob {
    std::vector<float> logits;
    Status status;
  };
  auto job = std::make_shared<LogitsJob>();
  SessionState* state = state_.get();
  auto work = [job, state] {
    job->status = state->session->ExactLogits(&job->logits);
    return false;
  };
  auto settle = [job](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    Settle(env, deferred, job->status, [&] { return ToFloats(env, job->logits); });
  };
  return Run(NewFlag(), std::move(work), std::move(settle));
}

// keptTokens() -> Promise<Int32Array>: those of the last prompt whose keys and values there are.
Napi::Value SessionObject::KeptTokens(const Napi::CallbackInfo&) {
  auto tokens = std::make_shared<std::vector<int32_t>>();
  SessionState* state = state_.get();
  auto work = [tokens, state] {
    const std::span<const int32_t> kept = state->session->KeptTokens();
    tokens->assign(kept.begin(), kept.end());
    return false;
  };
  auto settle = [tokens](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    Napi::Int32Array js = Napi::Int32Array::New(env, tokens->size());
    std::copy(tokens->begin(), tokens->end(), js.Data());
    deferred.Resolve(js);
  };
  return Run(NewFlag(), std::move(work), std::move(settle));
}

// keys(begin, end) -> Promise<Uint8Array>: keys and values of these positions of keptTokens().
Napi::Value SessionObject::Keys(const Napi::CallbackInfo& info) {
  struct KeysJob {
    std::vector<std::byte> keys;
    Status status;
  };
  auto job = std::make_shared<KeysJob>();
  SessionState* state = state_.get();
  auto work = [job, state, begin = info[0].As<Napi::Number>().Int64Value(),
               end = info[1].As<Napi::Number>().Int64Value()] {
    Result<std::vector<std::byte>> keys = state->session->CopyKeys(begin, end);
    job->status = keys.status();
    if (keys.ok()) job->keys = std::move(keys).value();
    return false;
  };
  auto settle = [job](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    Settle(env, deferred, job->status, [&] {
      Napi::Uint8Array js = Napi::Uint8Array::New(env, job->keys.size());
      std::memcpy(js.Data(), job->keys.data(), job->keys.size());
      return js;
    });
  };
  return Run(NewFlag(), std::move(work), std::move(settle));
}

// adopt(tokens: Int32Array, keys: Uint8Array) -> Promise<undefined>: goes on with these behind what
// is known, as a session of the same model gave them.
Napi::Value SessionObject::Adopt(const Napi::CallbackInfo& info) {
  struct AdoptJob {
    std::vector<int32_t> tokens;
    std::vector<std::byte> keys;
    Status status;
  };
  auto job = std::make_shared<AdoptJob>();
  job->tokens = ToTokens(info[0]);
  const Napi::Uint8Array keys = info[1].As<Napi::Uint8Array>();
  const auto* data = reinterpret_cast<const std::byte*>(keys.Data());
  job->keys.assign(data, data + keys.ByteLength());
  SessionState* state = state_.get();
  auto work = [job, state] {
    state->generation.reset();
    job->status = state->session->Adopt(job->tokens, job->keys);
    return false;
  };
  auto settle = [job](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    Settle(env, deferred, job->status, [&]() -> Napi::Value { return env.Undefined(); });
  };
  return Run(NewFlag(), std::move(work), std::move(settle));
}

// cancel(): what runs or waits for this session ends as "cancelled". Returns at once.
Napi::Value SessionObject::Cancel(const Napi::CallbackInfo& info) {
  CancelAll();
  return info.Env().Undefined();
}

// close(): cancels, and frees the keys and values: at once, or with the last call under way, whose
// job shares them. Calls from now on are refused.
Napi::Value SessionObject::Close(const Napi::CallbackInfo& info) {
  CancelAll();
  state_.reset();
  return info.Env().Undefined();
}

void SessionObject::CancelAll() {
  for (const auto& weak : flags_) {
    if (const CancelFlag flag = weak.lock()) flag->store(true, std::memory_order_relaxed);
  }
  flags_.clear();
}

}  // namespace hearth::addon
