#include "transformer/approximate_head.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hearth {
namespace {

// Rows of the vocabulary that a worker takes at a time: some 70 candidates, so that few of the 16
// that kernels multiply at once are missing.
constexpr int64_t kGrain = 1024;

constexpr float kNever = -std::numeric_limits<float>::infinity();

bool IsHiddenQuantized(const ModelSpec& spec) {
  return IsQuantized(spec.Find(kPredictorName)->type);
}

}  // namespace

size_t ApproximateHead::BytesFor(const ModelSpec& spec) {
  return Activations::BytesFor(1, kPredictorWidth, IsHiddenQuantized(spec)) +
         static_cast<size_t>(spec.n_vocab) * (sizeof(float) + sizeof(int32_t));
}

Result<std::unique_ptr<ApproximateHead>> ApproximateHead::Create(const ModelSpec& spec,
                                                                 const ResidentWeights& weights,
                                                                 const Kernels& kernels,
                                                                 ThreadPool& pool) {
  std::unique_ptr<ApproximateHead> head(new ApproximateHead(spec, weights, kernels, pool));
  Result<Activations> hidden = Activations::Create(1, kPredictorWidth, IsHiddenQuantized(spec));
  if (!hidden.ok()) return hidden.status();
  head->hidden_ = std::move(hidden).value();
  const auto n_vocab = static_cast<size_t>(spec.n_vocab);
  Result<AlignedBuffer> scores = AlignedBuffer::Allocate(n_vocab * sizeof(float));
  if (!scores.ok()) return scores.status();
  head->scores_ = std::move(scores).value();
  Result<AlignedBuffer> rows = AlignedBuffer::Allocate(n_vocab * sizeof(int32_t));
  if (!rows.ok()) return rows.status();
  head->rows_ = std::move(rows).value();
  return head;
}

int64_t ApproximateHead::Run(const Activations& normed, int64_t t, float threshold, float* logits) {
  const MatrixView& w1 = weights_.predictor_in();
  const MatrixView& w2 = weights_.predictor_out();
  pool_.ParallelFor(
      kPredictorWidth, RowGrain(w1.row_bytes, 1), [&](int64_t begin, int64_t end, int) {
        normed.MatMul(kernels_, w1, begin, end, t, 1, hidden_.row(0), kPredictorWidth);
      });
  hidden_.Quantize(kernels_, 0);

  std::atomic<int64_t> n_candidate{0};
  std::atomic<bool> all_finite{true};
  pool_.ParallelFor(n_vocab_, kGrain, [&](int64_t begin, int64_t end, int) {
    float* scores = scores_.As<float>();
    int32_t* rows = rows_.As<int32_t>() + begin;
    hidden_.MatMul(kernels_, w2, begin, end, 0, 1, scores, n_vocab_);
    int64_t n = 0;
    for (int64_t r = begin; r < end; ++r) {
      rows[n] = static_cast<int32_t>(r);
      n += scores[r] > threshold ? 1 : 0;
    }
    std::fill(logits + begin, logits + end, kNever);
    // The range's scores have done their work: their memory takes the candidates' logits.
    MultiplyRows(normed, t, rows, n, scores + begin, logits);
    n_candidate += n;
    const auto is_finite = [&](int32_t r) { return std::isfinite(logits[r]); };
    if (!std::all_of(rows, rows + n, is_finite)) all_finite = false;
  });
  return all_finite ? n_candidate.load() : 0;
}

// logits[r] = head.row(r) . row t, for each of n rows. `y` [n] is scratch.
void ApproximateHead::MultiplyRows(const Activations& normed, int64_t t, const int32_t* rows,
                                   int64_t n, float* y, float* logits) {
  const MatrixView& head = weights_.head();
  if (IsQuantized(head.type)) {
    normed.MatMulRows(kernels_, head, rows, n, t, y);
    for (int64_t i = 0; i < n; ++i) logits[rows[i]] = y[i];
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    normed.MatMul(kernels_, head, rows[i], rows[i] + 1, t, 1, logits, n_vocab_);
  }
}

}  // namespace hearth
