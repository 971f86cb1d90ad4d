// The output head for the tokens that a small predictor thinks possible: a token is a candidate if
// its score W2 . (W1 . h) is above a threshold, h being the normed residual. Candidates get their
// logits, the same bits as from the whole head, and all others -infinity. So most of the head's
// rows are never read. The predictor comes with the model: SmallThinker's authors trained it.
#ifndef HEARTH_TRANSFORMER_APPROXIMATE_HEAD_H_
#define HEARTH_TRANSFORMER_APPROXIMATE_HEAD_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "model/resident_weights.h"
#include "transformer/activations.h"

namespace hearth {

// Of all sessions of an engine, from its start on. Thread-safe.
struct HeadCounts {
  // The first position and every 32nd after it are evaluated by the whole head too.
  static constexpr uint64_t kAuditPeriod = 32;

  std::atomic<uint64_t> positions{0};   // whose logits were approximated
  std::atomic<uint64_t> candidates{0};  // of all positions together
  std::atomic<uint64_t> audited{0};     // positions
  std::atomic<uint64_t> missed{0};      // of those audited: the likeliest token was no candidate
};

// Used by one thread at a time; what it refers to must outlive it.
class ApproximateHead {
 public:
  // For weights with a predictor. kMemory.
  static Result<std::unique_ptr<ApproximateHead>> Create(const ModelSpec& spec,
                                                         const ResidentWeights& weights,
                                                         const Kernels& kernels, ThreadPool& pool);
  static size_t BytesFor(const ModelSpec& spec);

  // logits [n_vocab] of row t. Gives the number of candidates; 0 if there is none, or if the logit
  // of one is not finite: the whole head must be used then, and reports the error.
  int64_t Run(const Activations& normed, int64_t t, float threshold, float* logits);

  // [n_vocab] of memory that is free between two runs.
  float* scratch() { return scores_.As<float>(); }

 private:
  ApproximateHead(const ModelSpec& spec, const ResidentWeights& weights, const Kernels& kernels,
                  ThreadPool& pool)
      : n_vocab_(spec.n_vocab), weights_(weights), kernels_(kernels), pool_(pool) {}

  void MultiplyRows(const Activations& normed, int64_t t, const int32_t* rows, int64_t n, float* y,
                    float* logits);

  const int64_t n_vocab_;
  const ResidentWeights& weights_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  Activations hidden_;    // W1 . h: width kPredictorWidth
  AlignedBuffer scores_;  // [n_vocab], then the logits of a range's candidates at its beginning
  AlignedBuffer rows_;    // [n_vocab]: the candidates of a range at its beginning, rising
};

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_APPROXIMATE_HEAD_H_
