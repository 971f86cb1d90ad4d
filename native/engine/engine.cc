#include "engine/engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/expert_layout.h"
#include "io/reader.h"
#include "kernels/dispatch.h"
#include "model/resident_weights.h"
#include "transformer/forward.h"

namespace hearth {
namespace {

constexpr int64_t kDefaultContext = 4096;
constexpr int64_t kDefaultChunk = 128;
// If a prompt has to read experts, a chunk's arithmetic should take as long as these reads;
// measured.
constexpr int64_t kDefaultChunkShort = 256;
constexpr int64_t kMaxChunk = 2048;
constexpr int64_t kMaxContext = 1 << 24;  // as of a model
constexpr int kMaxThreads = 256;
constexpr int kMaxSessions = 64;
// Enough reads in flight to keep a solid-state drive busy with pieces of an expert's size: its
// throughput rises with the queue depth up to about 8.
constexpr int kReadThreads = 8;
// Cost of each further token of a small batch relative to the first, measured: with all experts in
// memory attention and head are shared and experts partly; with experts on disk each token waits
// for its own.
constexpr double kDraftTokenCostInMemory = 0.3;
// Weights that stay in the processor's caches are not what a token waits for.
constexpr double kDraftTokenCostInCache = 0.85;
constexpr uint64_t kCacheBytes = 64 << 20;
constexpr double kDraftTokenCostOnDisk = 0.85;

Status CheckOptions(const EngineOptions& o) {
  if (o.n_threads < 0 || o.n_threads > kMaxThreads) {
    return Status::BadRequest("cannot use " + std::to_string(o.n_threads) + " threads; give 1 to " +
                              std::to_string(kMaxThreads));
  }
  if (o.n_chunk < 0 || o.n_chunk > kMaxChunk) {
    return Status::BadRequest("cannot use chunks of " + std::to_string(o.n_chunk) +
                              " tokens; give 1 to " + std::to_string(kMaxChunk));
  }
  if (o.n_session < 1 || o.n_session > kMaxSessions) {
    return Status::BadRequest("cannot plan for " + std::to_string(o.n_session) +
                              " sessions; give 1 to " + std::to_string(kMaxSessions));
  }
  if (o.n_ctx < 0 || o.n_ctx > kMaxContext) {
    return Status::BadRequest("cannot use a context of " + std::to_string(o.n_ctx) +
                              " tokens; give 1 to " + std::to_string(kMaxContext));
  }
  if (o.expert_slots < 0) return Status::BadRequest("cannot use a negative number of expert slots");
  if (o.approximate_head && std::isnan(*o.approximate_head)) {
    return Status::BadRequest("cannot use a threshold of the approximate head that is no number");
  }
  if (o.isa && !IsaAvailable(*o.isa)) {
    return Status::BadRequest(std::string("cannot use instruction set ") + IsaName(*o.isa) +
                              ": this processor offers up to " + IsaName(BestIsa()));
  }
  return Status::Ok();
}

}  // namespace

// In the order of dependence: what is declared later uses what is declared earlier, and ends before
// it.
struct Engine::Parts {
  explicit Parts(ModelSpec s, int n_threads)
      : spec(std::move(s)), store(MakeExpertStore(spec)), pool(n_threads) {}

  ModelSpec spec;
  ExpertStore store;
  ThreadPool pool;
  MemoryPlan plan;
  const Kernels* kernels = nullptr;
  std::unique_ptr<File> file;
  std::unique_ptr<ResidentWeights> weights;
  std::unique_ptr<Reader> reader;
  std::unique_ptr<ExpertCache> cache;
  std::unique_ptr<Transformer> transformer;
  std::shared_ptr<MemoryArbiter> arbiter;
  bool prompt_lookup = true;
  int64_t n_kept = kKeptTokens;
  int n_parked = 0;
  DraftCounts draft_counts;
  std::optional<float> approximate_head;
  HeadCounts head_counts;
  std::unique_ptr<Scheduler> scheduler;  // last, so that its thread ends first
};

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

// Parts end in the reverse order of their declaration: the cache before the reader whose reads
// complete into it.
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::Load(
    ModelSpec spec, EngineOptions options,
    const std::function<void(uint64_t done, uint64_t total)>& progress) {
  RETURN_IF_ERROR(CheckOptions(options));
  Result<std::unique_ptr<File>> file = File::Open(spec.path);
  if (!file.ok()) return file.status();
  // The text side read the header some time ago; the file may have been replaced since.
  if (file.value()->bytes() != spec.file_bytes) {
    return Status::BadModel("cannot use model '" + spec.path +
                            "': its size changed while it was being opened; try again");
  }
  if (file.value()->IsBeingWritten()) {
    return Status::Io("cannot use model '" + spec.path +
                      "': a program is still writing to it; try again when it has finished");
  }
  RETURN_IF_ERROR(CheckSpec(spec));
  if (options.approximate_head) {
    RETURN_IF_ERROR(CheckPredictor(spec));
  } else {
    // It is then neither planned for nor read.
    std::erase_if(spec.tensors, [](const TensorInfo& t) { return t.name == kPredictorName; });
  }

  const int n_threads = options.n_threads > 0 ? options.n_threads : AvailableCpus();
  auto parts = std::make_unique<Parts>(std::move(spec), n_threads);
  Parts& p = *parts;
  p.file = std::move(file).value();
  p.kernels = &KernelsFor(options.isa.value_or(BestIsa()));

  MemoryPlanInput input;
  input.budget_bytes = options.memory_budget_bytes;
  input.process_bytes = options.process_bytes;
  input.slot_bytes = p.store.slot_bytes();
  input.n_slot_forced = options.expert_slots;
  input.n_threads = n_threads;
  input.n_session = options.n_session;
  input.n_draft = options.prompt_lookup ? PromptLookup::kDraftMax : 0;
  input.n_ctx = options.n_ctx > 0 ? options.n_ctx : std::min(p.spec.n_ctx_train, kDefaultContext);
  input.n_kept = options.n_kept;
  input.n_chunk = std::min(options.n_chunk > 0 ? options.n_chunk : kDefaultChunk, input.n_ctx);
  input.n_chunk_short =
      std::min(options.n_chunk > 0 ? options.n_chunk : kDefaultChunkShort, input.n_ctx);
  Result<MemoryPlan> plan = PlanMemory(p.spec, input);
  if (plan.ok() && !plan.value().holds_all() && options.direct_reads) {
    // Data that is read repeatedly should not occupy the page cache as well.
    Result<std::unique_ptr<File>> direct = File::Open(p.spec.path, PageCache::kBypass);
    if (!direct.ok()) return direct.status();
    p.file = std::move(direct).value();
    p.store = MakeExpertStore(p.spec, p.file->alignment());
    input.slot_bytes = p.store.slot_bytes();
    plan = PlanMemory(p.spec, input);
  }
  if (!plan.ok()) return plan.status();
  p.plan = plan.value();

  const uint64_t total = p.plan.dense_bytes;
  Result<std::unique_ptr<ResidentWeights>> weights = ResidentWeights::Load(
      p.spec, *p.file, *p.kernels, p.plan.embedding_on_disk, [&](size_t done) {
        if (progress) progress(done, total);
      });
  if (!weights.ok()) return weights.status();
  p.weights = std::move(weights).value();
  p.reader = MakeFileReader(*p.file, kReadThreads);
  p.scheduler = std::make_unique<Scheduler>();
  if (p.reader == nullptr || !p.scheduler->is_running()) {
    return Status::Memory(
        "cannot start a thread: the system's limit is reached; end other programs");
  }
  const auto repack = [&p](int il, int id, int matrix, std::byte* slot) {
    RepackMatrix(*p.kernels, p.store, il, id, matrix, slot);
  };
  Result<std::unique_ptr<ExpertCache>> cache =
      ExpertCache::Create(p.store, *p.reader,
                          {.n_slot = p.plan.n_slot,
                           .read_ahead = options.read_ahead,
                           .hints = options.hints,
                           .eviction = options.eviction,
                           .n_expert_used = p.spec.n_expert_used,
                           .prepare = repack});
  if (!cache.ok()) return cache.status();
  p.cache = std::move(cache).value();
  Result<std::unique_ptr<Transformer>> transformer =
      Transformer::Create(p.spec, *p.weights, p.store, *p.cache, *p.reader, *p.kernels, p.pool,
                          p.plan.n_chunk, p.plan.n_ctx);
  if (!transformer.ok()) return transformer.status();
  p.transformer = std::move(transformer).value();
  RETURN_IF_ERROR(p.transformer->Resize(p.plan.RoomFor(1)));
  p.arbiter = std::make_shared<MemoryArbiter>(p.plan, *p.cache, *p.transformer);
  p.prompt_lookup = options.prompt_lookup;
  p.n_kept = options.n_kept;
  p.n_parked = options.n_parked;
  p.approximate_head = options.approximate_head;
  return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

const ModelSpec& Engine::spec() const { return parts_->spec; }
const MemoryPlan& Engine::plan() const { return parts_->plan; }
const char* Engine::isa() const { return parts_->kernels->name; }
const Kernels& Engine::kernels() const { return *parts_->kernels; }
int Engine::n_threads() const { return parts_->pool.size(); }
void Engine::UseFewerThreads(bool fewer) {
  const int n = parts_->pool.size();
  parts_->pool.Use(fewer ? std::max(n / 2, 1) : n);
}
EngineStats Engine::stats() const {
  return EngineStats{.experts = parts_->cache->stats(),
                     .n_thread_used = parts_->pool.n_used(),
                     .n_slot = parts_->cache->n_slot(),
                     .bytes_read = parts_->reader->bytes_read() + parts_->plan.dense_bytes,
                     .n_drafted = parts_->draft_counts.drafted,
                     .n_accepted = parts_->draft_counts.accepted,
                     .n_approximated = parts_->head_counts.positions,
                     .n_candidate = parts_->head_counts.candidates,
                     .n_audited = parts_->head_counts.audited,
                     .n_missed = parts_->head_counts.missed};
}
void Engine::TrimIdle() {
  const auto trim = [this] {
    parts_->arbiter->Trim();
    return false;
  };
  parts_->scheduler->Post({.priority = JobPriority::kPrefill, .session = this, .step = trim});
}

std::vector<ExpertId> Engine::HotExperts() const { return parts_->arbiter->HotExperts(); }

void Engine::Preload(std::span<const ExpertId> experts) { parts_->cache->Preload(experts); }

Scheduler& Engine::scheduler() { return *parts_->scheduler; }

double DraftTokenCost(const MemoryPlan& plan) {
  if (plan.n_slot < plan.n_slot_all) return kDraftTokenCostOnDisk;
  const uint64_t bytes = plan.dense_bytes + static_cast<uint64_t>(plan.n_slot) * plan.slot_bytes;
  return bytes <= kCacheBytes ? kDraftTokenCostInCache : kDraftTokenCostInMemory;
}

Result<std::unique_ptr<Session>> Engine::NewSession() {
  const MemoryPlan& plan = parts_->plan;
  SessionOptions options;
  options.n_ctx = plan.n_ctx;
  options.n_kept = parts_->n_kept;
  options.n_parked = parts_->n_parked;
  options.prompt_lookup = parts_->prompt_lookup;
  options.arbiter = parts_->arbiter;
  options.pages = plan.shares() ? Pages::kSmall : Pages::kHuge;
  options.draft_token_cost = DraftTokenCost(plan);
  options.draft_counts = &parts_->draft_counts;
  options.approximate_head = parts_->approximate_head;
  options.head_counts = &parts_->head_counts;
  return Session::Create(parts_->spec, *parts_->transformer, options);
}

}  // namespace hearth
