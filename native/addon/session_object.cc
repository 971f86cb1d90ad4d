#include "addon/session_object.h"

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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

struct SyncJob {
  std::vector<int32_t> tokens;
  SyncOptions options;
  RoutingTrace trace;
  Status status;
  SyncReport report;
};

}  // namespace

Napi::Function SessionObject::Define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&SessionObject::Sync>("sync"), InstanceMethod<&SessionObject::Next>("next"),
       InstanceMethod<&SessionObject::Logits>("logits"),
       InstanceMethod<&SessionObject::Cancel>("cancel")});
}

SessionObject::SessionObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SessionObject>(info),
      hold_(*info[0].As<Napi::External<std::shared_ptr<EngineHold>>>().Data()),
      state_(std::make_shared<SessionState>()) {
  Result<std::unique_ptr<Session>> session = hold_->engine()->NewSession();
  if (!session.ok()) throw ToError(info.Env(), session.status());
  state_->session = std::move(session).value();
}

CancelFlag SessionObject::NewFlag() {
  auto flag = std::make_shared<std::atomic<bool>>(false);
  std::erase_if(flags_, [](const auto& other) { return other.expired(); });
  flags_.push_back(flag);
  return flag;
}

// sync(tokens: Int32Array, {chunkTokens?, trace?, sampler?, banned?, priority?, onLogits?})
//   -> Promise<{reused, evaluated, trace?} | "cancelled">
Napi::Value SessionObject::Sync(const Napi::CallbackInfo& info) {
  auto job = std::make_shared<SyncJob>();
  job->tokens = ToTokens(info[0]);
  const Napi::Object js = info[1].As<Napi::Object>();
  const CancelFlag cancel = NewFlag();
  job->options.cancelled = cancel.get();
  if (js.Has("chunkTokens")) {
    job->options.n_chunk = js.Get("chunkTokens").As<Napi::Number>().Int64Value();
  }
  const bool trace = js.Has("trace") && js.Get("trace").ToBoolean();
  if (trace) job->options.trace = &job->trace;
  std::optional<Sampler> sampler;
  if (js.Has("sampler")) {
    sampler.emplace(ToSamplerOptions(js.Get("sampler").As<Napi::Object>()),
                    ToTokens(js.Get("banned")));
  }
  priority_ = js.Has("priority") && js.Get("priority").ToString().Utf8Value() == "chat"
                  ? JobPriority::kChat
                  : JobPriority::kCompletion;
  if (js.Has("onLogits")) {
    auto callback = std::make_shared<Napi::FunctionReference>(
        Napi::Persistent(js.Get("onLogits").As<Napi::Function>()));
    EngineHold* hold = hold_.get();
    const auto n_waiting = std::make_shared<std::atomic<int>>(0);
    job->options.on_logits = [hold, callback, n_waiting, cancel](std::span<const float> logits) {
      // JavaScript may be slower than the engine: what waits for it is bounded.
      while (n_waiting->load() >= kPiecesWaitingMax && !cancel->load()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      ++*n_waiting;
      hold->CallBack([callback, n_waiting,
                      copy = std::vector<float>(logits.begin(), logits.end())](Napi::Env env) {
        --*n_waiting;
        callback->Call({ToFloats(env, copy)});
      });
    };
  }
  const int n_used = hold_->engine() != nullptr ? hold_->engine()->spec().n_expert_used : 1;
  SessionState* state = state_.get();
  auto work = [job, state, next_sampler = std::move(sampler)] {
    state->unevaluated.reset();
    if (next_sampler) state->sampler = next_sampler;
    Result<SyncReport> result = state->session->Sync(job->tokens, job->options);
    job->status = result.ok() ? Status::Ok() : result.status();
    if (result.ok()) job->report = result.value();
  };
  auto settle = [job, keep = state_, trace, n_used](Napi::Env env,
                                                    const Napi::Promise::Deferred& deferred) {
    Settle(env, deferred, job->status, [&]() -> Napi::Value {
      Napi::Object report = Napi::Object::New(env);
      report.Set("reused", Napi::Number::New(env, static_cast<double>(job->report.n_reused)));
      report.Set("evaluated", Napi::Number::New(env, static_cast<double>(job->report.n_evaluated)));
      if (trace) report.Set("trace", ToJs(env, job->trace, n_used));
      return report;
    });
    // References to JavaScript functions end on this thread.
    job->options.on_logits = nullptr;
  };
  return hold_->Run(priority_, cancel, std::move(work), std::move(settle));
}

// next() -> Promise<number | "cancelled">: the next token by the sampler given to sync. The token
// is evaluated by the call after this one, so that its text can be shown while that runs, and never
// is if nobody asks for more.
Napi::Value SessionObject::Next(const Napi::CallbackInfo&) {
  struct NextJob {
    Status status;
    int32_t token = -1;
  };
  auto job = std::make_shared<NextJob>();
  SessionState* state = state_.get();
  const CancelFlag cancel = NewFlag();
  auto work = [job, state, cancel] {
    if (state->unevaluated) {
      job->status = state->session->Append(*state->unevaluated, cancel.get());
      if (!job->status.ok()) return;
      state->unevaluated.reset();
    }
    const std::span<const float> logits = state->session->logits();
    if (logits.empty() || !state->sampler) {
      job->status = Status::BadRequest("next() comes after a sync() with a sampler");
      return;
    }
    job->token = state->sampler->Sample(logits);
    if (job->token < 0) {
      job->status = Status::Numeric("cannot choose a token: no token of the vocabulary is allowed");
      return;
    }
    state->unevaluated = job->token;
  };
  auto settle = [job, keep = state_](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    Settle(env, deferred, job->status,
           [&]() -> Napi::Value { return Napi::Number::New(env, job->token); });
  };
  return hold_->Run(priority_, cancel, std::move(work), std::move(settle));
}

// logits() -> Promise<Float32Array>: after the last evaluated token; empty if there is none.
Napi::Value SessionObject::Logits(const Napi::CallbackInfo&) {
  auto copy = std::make_shared<std::vector<float>>();
  SessionState* state = state_.get();
  auto work = [copy, state] {
    const std::span<const float> logits = state->session->logits();
    copy->assign(logits.begin(), logits.end());
  };
  auto settle = [copy, keep = state_](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    deferred.Resolve(ToFloats(env, *copy));
  };
  return hold_->Run(priority_, NewFlag(), std::move(work), std::move(settle));
}

// cancel(): what runs or waits for this session ends as "cancelled". Returns at once.
Napi::Value SessionObject::Cancel(const Napi::CallbackInfo& info) {
  for (const auto& weak : flags_) {
    if (const CancelFlag flag = weak.lock()) flag->store(true, std::memory_order_relaxed);
  }
  flags_.clear();
  return info.Env().Undefined();
}

}  // namespace hearth::addon
