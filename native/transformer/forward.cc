#include "transformer/forward.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "kernels/interleaved_rows.h"
#include "transformer/router.h"

namespace hearth {
namespace {

// A row of scores a thread and query head of a key/value head.
int64_t ScoreFloats(const ModelSpec& spec, int n_threads, int64_t n_ctx_max) {
  return n_threads * (spec.n_head / spec.n_head_kv) * n_ctx_max;
}

constexpr int64_t kRouterGrain = 4;  // experts: a tile of the kernels
constexpr int64_t kRowsGrain = 4;    // tokens, where little is done with each
constexpr const char* kHeadName = "the output head";

// Activations that a quantised matrix reads need their 8-bit form.
bool NormedQ8(const ModelSpec& spec) {
  const TensorInfo* output = spec.Find("output.weight");
  const TensorInfo* head = output != nullptr ? output : spec.Find("token_embd.weight");
  const TensorInfo* predictor = spec.Find(kPredictorName);
  return IsQuantized(head->type) || (predictor != nullptr && IsQuantized(predictor->type)) ||
         spec.AnyQuantized({"attn_q", "attn_k", "attn_v", "ffn_gate_exps", "ffn_up_exps"});
}

bool AttendedQ8(const ModelSpec& spec) { return spec.AnyQuantized({"attn_output"}); }

}  // namespace

size_t Pass::BytesFor(const ModelSpec& spec, int64_t n_token_max) {
  return static_cast<size_t>(n_token_max * spec.n_embd) * sizeof(float) +
         RopeTables::BytesFor(spec, n_token_max);
}

Result<Pass> Pass::Create(const ModelSpec& spec, int64_t n_token_max) {
  Pass pass(spec);
  Result<AlignedBuffer> residual =
      AlignedBuffer::Allocate(static_cast<size_t>(n_token_max * spec.n_embd) * sizeof(float));
  if (!residual.ok()) return residual.status();
  pass.residual_ = std::move(residual).value();
  return pass;
}

size_t Transformer::BytesFor(const ModelSpec& spec, int n_threads, int64_t n_token,
                             int64_t n_ctx_max) {
  const int64_t per_token = spec.n_embd + spec.n_q() + 2 * spec.n_kv() + spec.n_expert;
  const bool approximates = spec.Find(kPredictorName) != nullptr;
  return Moe::BytesFor(spec, n_threads, n_token) +
         (approximates ? ApproximateHead::BytesFor(spec) : 0) +
         Activations::BytesFor(n_token, spec.n_embd, NormedQ8(spec)) +
         Activations::BytesFor(n_token, spec.n_q(), AttendedQ8(spec)) +
         static_cast<size_t>(n_token * per_token + ScoreFloats(spec, n_threads, n_ctx_max)) *
             sizeof(float);
}

Result<std::unique_ptr<Transformer>> Transformer::Create(const ModelSpec& spec,
                                                         const ResidentWeights& weights,
                                                         const ExpertStore& store,
                                                         ExpertCache& cache, Reader& reader,
                                                         const Kernels& kernels, ThreadPool& pool,
                                                         int64_t n_token_max, int64_t n_ctx_max) {
  std::unique_ptr<Transformer> t(
      new Transformer(spec, weights, cache, reader, kernels, pool, n_token_max));
  Result<std::unique_ptr<Moe>> moe = Moe::Create(spec, store, kernels, pool);
  if (!moe.ok()) return moe.status();
  t->moe_ = std::move(moe).value();
  if (spec.Find(kPredictorName) != nullptr) {
    Result<std::unique_ptr<ApproximateHead>> head =
        ApproximateHead::Create(spec, weights, kernels, pool);
    if (!head.ok()) return head.status();
    t->approximate_head_ = std::move(head).value();
  }
  RETURN_IF_ERROR(AllocateFloats({{&t->scores_, ScoreFloats(spec, pool.size(), n_ctx_max)}}));
  RETURN_IF_ERROR(t->Resize(n_token_max));
  return t;
}

Status Transformer::Resize(int64_t n_token) {
  CHECK(n_token >= 1 && n_token <= n_token_max_, "room for no chunk that there is");
  // Whatever fails below, all buffers have room for this.
  n_token_room_ = std::min(n_token_room_, n_token);
  Result<Activations> normed = Activations::Create(n_token, spec_.n_embd, NormedQ8(spec_));
  if (!normed.ok()) return normed.status();
  Result<Activations> attended = Activations::Create(n_token, spec_.n_q(), AttendedQ8(spec_));
  if (!attended.ok()) return attended.status();
  // New buffers take no memory before they are touched, and by then the old ones are freed.
  RETURN_IF_ERROR(moe_->Resize(n_token));
  RETURN_IF_ERROR(AllocateFloats({{&branch_, n_token * spec_.n_embd},
                                  {&q_, n_token * spec_.n_q()},
                                  {&k_, n_token * spec_.n_kv()},
                                  {&v_, n_token * spec_.n_kv()},
                                  {&router_logits_, n_token * spec_.n_expert}}));
  normed_ = std::move(normed).value();
  attended_ = std::move(attended).value();
  n_token_room_ = n_token;
  return Status::Ok();
}

Status Transformer::Begin(const ForwardRequest& request, KvCache& kv, Pass& pass) {
  pass.chunk_ = ChunkSpan{request.pos0, static_cast<int64_t>(request.tokens.size())};
  CHECK(pass.chunk_.n_token >= 1 && pass.chunk_.n_token <= n_token_room_,
        "the caller cuts chunks and makes room");
  pass.il_ = spec_.n_layer;  // none to go on with if this fails
  RETURN_IF_ERROR(embedding_.Lookup(request.tokens, pass.residual_.As<float>()));
  pass.il_ = 0;
  pass.cancelled_ = request.cancelled;
  pass.n_token_next_ = request.n_token_next;
  pass.trace_ = request.trace;
  kv.NoteWritten(request.pos0 + pass.chunk_.n_token);
  pass.ropes_.SetPositions(request.pos0, pass.chunk_.n_token);
  if (pass.trace_ == nullptr) return Status::Ok();
  const auto n_layer = static_cast<size_t>(spec_.n_layer);
  pass.trace_->layers.resize(n_layer);
  pass.trace_->guesses.resize(n_layer);
  pass.trace_->next_ranked.resize(n_layer);
  TraceGuesses(0, pass.residual_.As<float>(), pass.chunk_.n_token, pass.trace_);
  return Status::Ok();
}

// One block, as the spec describes it. Where the router reads the residual, experts are asked for
// before attention and read while it computes; otherwise attention has to come first.
Status Transformer::Layer(KvCache& kv, Pass& pass) {
  static const std::atomic<bool> kNever{false};
  const std::atomic<bool>& cancelled = pass.cancelled_ != nullptr ? *pass.cancelled_ : kNever;
  if (cancelled.load(std::memory_order_relaxed)) return Status::Cancelled();
  CHECK(pass.n_layer_left() > 0, "the pass has been through all layers");
  const int il = pass.il_;
  const int64_t n_token = pass.chunk_.n_token;
  float* x = pass.residual_.As<float>();
  float* branch = branch_.As<float>();

  std::optional<ExpertBatch> batch;
  const bool routes_early = spec_.block.router_input == RouterInput::kResidual;
  if (routes_early) {
    batch.emplace(FetchExperts(il, x, pass));
  } else {
    HintThisLayer(il, x, n_token);
  }

  Norm(x, weights_.layer(il).attn_norm, n_token);
  Attention(il, pass, kv);
  AddBranch(n_token, x);
  if (routes_early) Foresee(il, x, pass);

  Norm(x, weights_.layer(il).ffn_norm, n_token);
  if (!routes_early) {
    batch.emplace(FetchExperts(il, normed_.row(0), pass));
    Foresee(il, x, pass);
  }
  RETURN_IF_ERROR(moe_->Run(il, routing_, normed_, *batch, cancelled, branch));
  AddBranch(n_token, x);
  ++pass.il_;
  return CheckFinite(x, n_token * spec_.n_embd, "layer " + std::to_string(il));
}

// Routes the chunk by x [n_token, n_embd], into routing_, and asks for its experts.
ExpertBatch Transformer::FetchExperts(int il, const float* x, const Pass& pass) {
  const int64_t n_token = pass.chunk_.n_token;
  Route(il, x, n_token, &routing_);
  if (pass.trace_ != nullptr) TraceChoice(il, n_token, pass.trace_);
  const std::vector<int> experts = routing_.Experts(spec_.n_expert);
  // Of a prompt's tokens, only the last ones would predict what comes next.
  const std::vector<int32_t> behind =
      n_token == 1 && !HoldsAll() ? NextRanked(0) : std::vector<int32_t>();
  return cache_.Fetch({il, experts, routing_.ids, static_cast<int>(n_token),
                       static_cast<int>(pass.n_token_next_), behind});
}

// x: the residual before this layer's experts have run.
void Transformer::Foresee(int il, const float* x, const Pass& pass) {
  HintNextLayer(il, x, pass.chunk_.n_token);
  if (pass.trace_ != nullptr) TraceGuesses(il + 1, x, pass.chunk_.n_token, pass.trace_);
}

Status Transformer::Logits(const Pass& pass, int64_t n, float* logits) {
  NormLast(pass, n);
  Head(0, n, logits);
  return CheckFinite(logits, n * spec_.n_vocab, kHeadName);
}

// One position after the other: several together would read more rows than each of them needs, and
// a position's logits must not depend on the others of its batch.
Status Transformer::ApproximateLogits(const Pass& pass, int64_t n, float threshold,
                                      HeadCounts& counts, float* logits) {
  CHECK(approximate_head_ != nullptr, "the weights have no predictor");
  NormLast(pass, n);
  for (int64_t t = 0; t < n; ++t, logits += spec_.n_vocab) {
    const int64_t n_candidate = approximate_head_->Run(normed_, t, threshold, logits);
    if (n_candidate == 0) {
      Head(t, 1, logits);
      RETURN_IF_ERROR(CheckFinite(logits, spec_.n_vocab, kHeadName));
    }
    counts.candidates += static_cast<uint64_t>(n_candidate > 0 ? n_candidate : spec_.n_vocab);
    if (counts.positions++ % HeadCounts::kAuditPeriod != 0) continue;
    float* all = approximate_head_->scratch();
    Head(t, 1, all);
    ++counts.audited;
    if (std::isinf(logits[kernels_.argmax(all, spec_.n_vocab)])) ++counts.missed;
  }
  return Status::Ok();
}

// normed_ = the last n tokens of a chunk as the head reads them.
void Transformer::NormLast(const Pass& pass, int64_t n) {
  CHECK(pass.n_layer_left() == 0, "logits come after the last layer");
  CHECK(n <= n_token_room_, "logits of more tokens than there is room for");
  const float* x = pass.residual_.As<float>() + (pass.chunk_.n_token - n) * spec_.n_embd;
  Norm(x, weights_.output_norm(), n);
}

// logits [n, n_vocab] = head . normed_ from row t0 on
void Transformer::Head(int64_t t0, int64_t n, float* logits) {
  pool_.ParallelFor(
      spec_.n_vocab, RowGrain(weights_.head().row_bytes, n), [&](int64_t begin, int64_t end, int) {
        normed_.MatMul(kernels_, weights_.head(), begin, end, t0, n, logits, spec_.n_vocab);
      });
}

// normed_ = rms_norm(x), x [n_token, n_embd]
void Transformer::Norm(const float* x, const float* weight, int64_t n_token) {
  pool_.ParallelFor(n_token, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      kernels_.rms_norm(x + t * spec_.n_embd, weight, spec_.n_embd, spec_.rms_eps, normed_.row(t));
      normed_.Quantize(kernels_, t);
    }
  });
}

// x += branch_
void Transformer::AddBranch(int64_t n_token, float* x) {
  const int64_t n_embd = spec_.n_embd;
  pool_.ParallelFor(n_token, kRowsGrain, [&](int64_t begin, int64_t end, int) {
    kernels_.add(branch_.As<float>() + begin * n_embd, (end - begin) * n_embd, x + begin * n_embd);
  });
}

void Transformer::Route(int il, const float* x, int64_t n_token, Routing* routing) {
  const int n_expert = spec_.n_expert;
  const int n_used = spec_.n_expert_used;
  routing->n_token = n_token;
  routing->n_used = n_used;
  routing->ids.resize(static_cast<size_t>(n_token * n_used));
  routing->gates.resize(static_cast<size_t>(n_token * n_used));
  float* logits = router_logits_.As<float>();
  const MatrixView& router = weights_.layer(il).router;
  if (n_token == 1) {
    pool_.ParallelFor(n_expert, kRouterGrain, [&](int64_t begin, int64_t end, int) {
      kernels_.matmul_f(router, begin, end, x, spec_.n_embd, 1, logits, n_expert);
    });
    RouteToken(logits, n_expert, n_used, spec_.block.gating, routing->ids.data(),
               routing->gates.data());
    return;
  }
  pool_.ParallelFor(n_token, 4, [&](int64_t begin, int64_t end, int) {
    kernels_.matmul_f(router, 0, n_expert, x + begin * spec_.n_embd, spec_.n_embd, end - begin,
                      logits + begin * n_expert, n_expert);
    for (int64_t t = begin; t < end; ++t) {
      const auto at = static_cast<size_t>(t * n_used);
      RouteToken(logits + t * n_expert, n_expert, n_used, spec_.block.gating, &routing->ids[at],
                 &routing->gates[at]);
    }
  });
}

// branch_ = attn_output . attention(normed_)
void Transformer::Attention(int il, const Pass& pass, KvCache& kv) {
  const LayerWeights& w = weights_.layer(il);
  const int64_t n_token = pass.chunk_.n_token;
  float* q = q_.As<float>();
  float* k = k_.As<float>();
  float* v = v_.As<float>();
  const struct {
    const MatrixView& matrix;
    float* y;
    int64_t n_row;
  } kProjections[] = {
      {w.attn_q, q, spec_.n_q()}, {w.attn_k, k, spec_.n_kv()}, {w.attn_v, v, spec_.n_kv()}};
  // One region over the rows of all three.
  const int64_t qkv_grain = RowGrain(w.attn_q.row_bytes, n_token);
  pool_.ParallelFor(spec_.n_q() + 2 * spec_.n_kv(), qkv_grain,
                    [&](int64_t begin, int64_t end, int) {
                      int64_t first = 0;  // row of the three where this one begins
                      for (const auto& p : kProjections) {
                        const int64_t from = std::max(begin - first, int64_t{0});
                        const int64_t to = std::min(end - first, p.n_row);
                        if (from < to)
                          normed_.MatMul(kernels_, p.matrix, from, to, 0, n_token, p.y, p.n_row);
                        first += p.n_row;
                      }
                    });
  const RopeTable* rope = pass.ropes_.of(il);
  StoreKeysAndValues(kernels_, pool_, spec_, il, pass.chunk_, {w.attn_k_norm, rope}, k, v, kv);
  Attend(kernels_, pool_, spec_, il, pass.chunk_, {w.attn_q_norm, rope}, q, kv, scores_.As<float>(),
         attended_.row(0));
  pool_.ParallelFor(n_token, kRowsGrain, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) attended_.Quantize(kernels_, t);
  });
  const int64_t grain = RowGrain(w.attn_output.row_bytes, n_token);
  pool_.ParallelFor(spec_.n_embd, grain, [&](int64_t begin, int64_t end, int) {
    attended_.MatMul(kernels_, w.attn_output, begin, end, 0, n_token, branch_.As<float>(),
                     spec_.n_embd);
  });
}

// What the router of layer il would read if x [n_token, n_embd] were the residual there: the
// layer's own norm of it, in branch_, where routers read what experts read.
const float* Transformer::RouterInput(int il, const float* x, int64_t n_token) {
  if (spec_.block.router_input == RouterInput::kResidual) return x;
  const float* weight = weights_.layer(il).ffn_norm;
  const int64_t n_embd = spec_.n_embd;
  float* normed = branch_.As<float>();
  pool_.ParallelFor(n_token, kRowsGrain, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t)
      kernels_.rms_norm(x + t * n_embd, weight, n_embd, spec_.rms_eps, normed + t * n_embd);
  });
  return normed;
}

// The router of the next layer, applied to the current residual, is a good predictor of what that
// layer will choose. The lower half of one token's hint is wrong too often to be read, and a hint
// for the layer after the next costs more than it saves (docs/adr/0010). A prompt's tokens need
// most experts of a layer.
void Transformer::HintNextLayer(int il, const float* x, int64_t n_token) {
  Hint(il + 1, x, n_token, n_token == 1 ? (spec_.n_expert_used + 1) / 2 : spec_.n_expert);
}

// A router that comes after attention is asked once more where its layer begins: what the experts
// of the layer before have added is known by then, so more of its choice is read, while attention
// computes (docs/adr/0022). The first layer follows no experts.
void Transformer::HintThisLayer(int il, const float* x, int64_t n_token) {
  if (il > 0 && n_token == 1) Hint(il, x, n_token, (3 * spec_.n_expert_used + 3) / 4);
}

// Only a hint: it starts reads and changes no result.
void Transformer::Hint(int il, const float* x, int64_t n_token, int n_read) {
  if (il == spec_.n_layer || HoldsAll()) return;
  Route(il, RouterInput(il, x, n_token), n_token, &guess_);
  cache_.Hint(il, guess_.ByPopularity(spec_.n_expert), n_read);
}

bool Transformer::HoldsAll() const { return cache_.n_slot() >= spec_.n_layer * spec_.n_expert; }

// The experts that rank next after those of token t, up to as many again. To be called right after
// Route, whose logits it uses.
std::vector<int32_t> Transformer::NextRanked(int64_t t) const {
  const int n_ranked = std::min(2 * spec_.n_expert_used, spec_.n_expert);
  std::vector<int32_t> ids(static_cast<size_t>(n_ranked));
  std::vector<float> gates(static_cast<size_t>(n_ranked));
  RouteToken(router_logits_.As<float>() + t * spec_.n_expert, spec_.n_expert, n_ranked,
             spec_.block.gating, ids.data(), gates.data());
  ids.erase(ids.begin(), ids.begin() + spec_.n_expert_used);
  return ids;
}

// To be called right after Route, whose logits and choice it uses.
void Transformer::TraceChoice(int il, int64_t n_token, RoutingTrace* trace) {
  const auto at = static_cast<size_t>(il);
  auto& chosen = trace->layers[at];
  chosen.insert(chosen.end(), routing_.ids.begin(), routing_.ids.end());
  if (trace->depth == 0) return;
  for (int64_t t = 0; t < n_token; ++t) {
    const std::vector<int32_t> ids = NextRanked(t);
    trace->next_ranked[at].insert(trace->next_ranked[at].end(), ids.begin(), ids.end());
  }
}

// What can be predicted of layers `il` and on before layer il - 1 has run its experts.
void Transformer::TraceGuesses(int il, const float* x, int64_t n_token, RoutingTrace* trace) {
  const int end = std::min(il + trace->depth, spec_.n_layer);
  if (il >= end) return;
  std::vector<Routing> guesses(static_cast<size_t>(end - il));
  for (int i = il; i < end; ++i)
    Route(i, RouterInput(i, x, n_token), n_token, &guesses[static_cast<size_t>(i - il)]);
  auto& all = trace->guesses[static_cast<size_t>(il)];
  for (int64_t t = 0; t < n_token; ++t) {
    for (const Routing& guess : guesses) {
      const auto first = guess.ids.begin() + t * guess.n_used;
      all.insert(all.end(), first, first + guess.n_used);
    }
  }
}

Status Transformer::CheckFinite(const float* values, int64_t n, const std::string& where) const {
  if (kernels_.all_finite(values, n)) return Status::Ok();
  return Status::Numeric(
      "cannot evaluate model '" + spec_.path + "': " + where +
      " gave a value that is not a finite number; the file is damaged, download it "
      "again");
}

}  // namespace hearth
