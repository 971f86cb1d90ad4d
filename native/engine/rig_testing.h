// For tests only: what an Engine is made of, over a reader that disturbs.
#ifndef HEARTH_ENGINE_RIG_TESTING_H_
#define HEARTH_ENGINE_RIG_TESTING_H_

#include <functional>
#include <memory>
#include <utility>

#include "engine/expert_layout.h"
#include "engine/model_testing.h"
#include "engine/session.h"
#include "kernels/dispatch.h"

namespace hearth {

// A transformer over a reader of our choice, as Engine builds it over a file.
struct Rig {
  Rig(const ModelSpec& spec, int n_slot, int n_threads, uint32_t seed, double failure_share,
      std::function<void(int)> on_read = nullptr)
      : store(MakeExpertStore(spec)), pool(n_threads) {
    const Kernels& kernels = KernelsFor(BestIsa());
    file = std::move(File::Open(spec.path)).value();
    weights = std::move(ResidentWeights::Load(spec, *file, kernels, false, nullptr)).value();
    reader = std::make_unique<DisturbingReader>(*file, seed, failure_share, std::move(on_read));
    const auto prepare = [this, &kernels](int il, int id, int matrix, std::byte* slot) {
      RepackMatrix(kernels, store, il, id, matrix, slot);
    };
    cache =
        std::move(ExpertCache::Create(store, *reader,
                                      {.n_slot = n_slot, .n_expert_used = 2, .prepare = prepare}))
            .value();
    transformer = std::move(Transformer::Create(spec, *weights, store, *cache, *reader, kernels,
                                                pool, 16, 256))
                      .value();
    session = NewSession(spec);
  }

  std::unique_ptr<Session> NewSession(const ModelSpec& spec, SessionOptions options = {}) {
    options.n_ctx = 256;
    return std::move(Session::Create(spec, *transformer, options)).value();
  }

  ExpertStore store;
  ThreadPool pool;
  std::unique_ptr<File> file;
  std::unique_ptr<ResidentWeights> weights;
  std::unique_ptr<Reader> reader;
  std::unique_ptr<ExpertCache> cache;
  std::unique_ptr<Transformer> transformer;
  std::unique_ptr<Session> session;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_RIG_TESTING_H_
