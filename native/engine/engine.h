// All that frontends see of the native side: load a model, make sessions, run work on the decode
// thread.
#ifndef HEARTH_ENGINE_ENGINE_H_
#define HEARTH_ENGINE_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/status.h"
#include "engine/memory_plan.h"
#include "engine/sampler.h"
#include "engine/scheduler.h"
#include "engine/session.h"
#include "experts/expert_cache.h"
#include "model/model_spec.h"

namespace hearth {

struct EngineOptions {
  int n_threads = 0;                 // 0: the cores that this process may use
  uint64_t memory_budget_bytes = 0;  // of the whole process; 0: no limit
  uint64_t process_bytes = 0;        // what the process takes besides this engine
  int expert_slots = 0;              // > 0: overrides what the budget buys (tests and measurements)
  std::optional<Isa> isa;            // unset: the best one here
  bool read_ahead = true;            // false: experts are read when they are waited for
  bool hints = true;                 // false: only what a layer has asked for is read
  // For tests. False: experts that do not all fit are read through the page cache, as on a file
  // system without direct I/O.
  bool direct_reads = true;
  Eviction eviction = Eviction::kReuseDistance;
  int64_t n_ctx = 0;                          // 0: the model's, at most 4096
  int64_t n_chunk = 0;                        // tokens of a prefill chunk; 0: 128, or 256
                                              // where experts do not all fit
  int n_session = 1;                          // sessions that the budget has to hold
  int64_t n_kept = kKeptTokens;               // for tests; see SessionOptions
  int n_parked = ParkedPrompts::kPromptsMax;  // for tests; see SessionOptions
  bool prompt_lookup = true;  // for tests; draft what repeats the timeline; changes no token
  // Draw from the tokens whose predicted score is above this; unset: from all (ApproximateHead).
  std::optional<float> approximate_head;
};

struct EngineStats {
  ExpertCacheStats experts;
  int n_thread_used = 0;    // see UseFewerThreads
  int n_slot = 0;           // in use or free now
  uint64_t bytes_read = 0;  // from the model file since the start
  uint64_t n_drafted = 0;   // see DraftCounts
  uint64_t n_accepted = 0;
  uint64_t n_approximated = 0;  // positions; see HeadCounts
  uint64_t n_candidate = 0;
  uint64_t n_audited = 0;
  uint64_t n_missed = 0;
};

// The weights, the expert cache and the decode thread of one model. Thread-safe unless stated
// otherwise; sessions are used on the decode thread.
class Engine {
 public:
  // Checks the spec, plans the memory and reads the dense weights; experts are read as they are
  // needed. `progress` is called on this thread with the bytes read and their total. kBadModel,
  // kBadRequest, kMemory, kIo.
  static Result<std::unique_ptr<Engine>> Load(
      ModelSpec spec, EngineOptions options,
      const std::function<void(uint64_t done, uint64_t total)>& progress);
  ~Engine();

  const ModelSpec& spec() const;
  const MemoryPlan& plan() const;
  const char* isa() const;
  const Kernels& kernels() const;
  int n_threads() const;
  // Half of them where power is short, at least one. For the steps that follow, on the decode
  // thread: results do not depend on it.
  void UseFewerThreads(bool fewer);
  EngineStats stats() const;

  Result<std::unique_ptr<Session>> NewSession();

  // Returns the experts' memory to the system until the next request, which reads the hottest again
  // in the background. Runs on the decode thread when it is idle. Any thread.
  void TrimIdle();

  // The experts worth their memory, the most valuable first: for Preload in a later engine. Any
  // thread.
  std::vector<ExpertId> HotExperts() const;

  // Reads `experts` (that the model has) in order while nothing more urgent is read and slots are
  // free. Any thread.
  void Preload(std::span<const ExpertId> experts);

  // The decode thread. Jobs that are still waiting when the engine ends never run.
  Scheduler& scheduler();

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_ENGINE_H_
