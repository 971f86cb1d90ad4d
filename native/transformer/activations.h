// Rows of activations, as floats and, where a quantised matrix will read them, as 8-bit blocks.
#ifndef HEARTH_TRANSFORMER_ACTIVATIONS_H_
#define HEARTH_TRANSFORMER_ACTIVATIONS_H_

#include <cstdint>
#include <initializer_list>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"

namespace hearth {

// Rows of a matrix, times as many tokens, that a worker takes at a time or more: a multiple of 16,
// so that kernels see whole vector tiles; a core multiplies kGrainBytes of weights in a microsecond
// or two.
inline constexpr int64_t kGrainBytes = 16 << 10;
int64_t RowGrain(size_t row_bytes, int64_t n_token);

// Gives each buffer memory for so many floats, zeroed; kMemory, and all stay as they were.
struct FloatBuffer {
  AlignedBuffer* buffer = nullptr;
  int64_t n_float = 0;
};
Status AllocateFloats(std::initializer_list<FloatBuffer> buffers);

// [n_row_max, width]. Thread-compatible: workers may fill or quantise disjoint rows.
class Activations {
 public:
  // with_q8: also room for the 8-bit form; width is then a multiple of kQ8Block.
  static Result<Activations> Create(int64_t n_row_max, int64_t width, bool with_q8);
  static size_t BytesFor(int64_t n_row_max, int64_t width, bool with_q8);

  int64_t width() const { return width_; }
  float* row(int64_t t) const { return floats_ + t * width_; }

  // Makes the 8-bit form of row t from its floats; nothing to do without with_q8.
  void Quantize(const Kernels& kernels, int64_t t);

  // One form of row t of this becomes that of row `from_t` of `from`, which is as wide.
  void CopyFloats(int64_t t, const Activations& from, int64_t from_t);
  void CopyQ8(int64_t t, const Activations& from, int64_t from_t);

  // y[t*y_stride + r] = w.row(r) . row(t0 + t), r in [row_begin, row_end), t in [0, n_token).
  void MatMul(const Kernels& kernels, const MatrixView& w, int64_t row_begin, int64_t row_end,
              int64_t t0, int64_t n_token, float* y, int64_t y_stride) const;

  // y[i] = w.row(rows[i]) . row(t); w is quantised, without interleaved rows.
  void MatMulRows(const Kernels& kernels, const MatrixView& w, const int32_t* rows, int64_t n_row,
                  int64_t t, float* y) const;

 private:
  int64_t width_ = 0;
  bool with_q8_ = false;
  AlignedBuffer storage_;
  float* floats_ = nullptr;     // [n_row_max, width]
  float* scales_ = nullptr;     // [n_row_max, width/32]
  int32_t* offsets_ = nullptr;  // [n_row_max, width/32]
  int8_t* quants_ = nullptr;    // [n_row_max, width]
};

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_ACTIVATIONS_H_
