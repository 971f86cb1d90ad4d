#include "transformer/activations.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace hearth {

int64_t RowGrain(size_t row_bytes, int64_t n_token) {
  constexpr int64_t kTile = 16;
  const int64_t rows = kGrainBytes / (static_cast<int64_t>(row_bytes) * n_token);
  return std::max(kTile, rows / kTile * kTile);
}

Status AllocateFloats(std::initializer_list<FloatBuffer> buffers) {
  std::vector<AlignedBuffer> memory;
  for (const FloatBuffer& b : buffers) {
    Result<AlignedBuffer> floats =
        AlignedBuffer::Allocate(static_cast<size_t>(b.n_float) * sizeof(float));
    if (!floats.ok()) return floats.status();
    memory.push_back(std::move(floats).value());
  }
  auto next = memory.begin();
  for (const FloatBuffer& b : buffers) *b.buffer = std::move(*next++);
  return Status::Ok();
}

size_t Activations::BytesFor(int64_t n_row_max, int64_t width, bool with_q8) {
  const auto elements = static_cast<size_t>(n_row_max * width);
  const size_t floats = elements * sizeof(float);
  const size_t blocks = elements / kQ8Block;
  return floats + (with_q8 ? elements + blocks * (sizeof(float) + sizeof(int32_t)) : 0);
}

Result<Activations> Activations::Create(int64_t n_row_max, int64_t width, bool with_q8) {
  CHECK(!with_q8 || width % kQ8Block == 0, "8-bit activations come in whole blocks");
  Activations a;
  a.width_ = width;
  a.with_q8_ = with_q8;
  Result<AlignedBuffer> storage = AlignedBuffer::Allocate(BytesFor(n_row_max, width, with_q8));
  if (!storage.ok()) return storage.status();
  a.storage_ = std::move(storage).value();
  a.floats_ = a.storage_.As<float>();
  if (with_q8) {
    a.scales_ = a.floats_ + n_row_max * width;
    a.offsets_ = reinterpret_cast<int32_t*>(a.scales_ + n_row_max * (width / kQ8Block));
    a.quants_ = reinterpret_cast<int8_t*>(a.offsets_ + n_row_max * (width / kQ8Block));
  }
  return a;
}

void Activations::Quantize(const Kernels& kernels, int64_t t) {
  if (!with_q8_) return;
  const int64_t n_block = width_ / kQ8Block;
  kernels.quantize_q8(row(t), width_, quants_ + t * width_, scales_ + t * n_block,
                      offsets_ + t * n_block);
}

void Activations::CopyFloats(int64_t t, const Activations& from, int64_t from_t) {
  CHECK(width_ == from.width_, "rows differ in width");
  std::memcpy(row(t), from.row(from_t), static_cast<size_t>(width_) * sizeof(float));
}

void Activations::CopyQ8(int64_t t, const Activations& from, int64_t from_t) {
  CHECK(width_ == from.width_ && from.with_q8_ && with_q8_, "a row lacks its 8-bit form");
  const auto width = static_cast<size_t>(width_);
  const size_t n_block = width / kQ8Block;
  const auto at = [&](auto* base, int64_t i, size_t n) {
    return base + static_cast<size_t>(i) * n;
  };
  std::memcpy(at(quants_, t, width), at(from.quants_, from_t, width), width);
  std::memcpy(at(scales_, t, n_block), at(from.scales_, from_t, n_block), n_block * sizeof(float));
  std::memcpy(at(offsets_, t, n_block), at(from.offsets_, from_t, n_block),
              n_block * sizeof(int32_t));
}

void Activations::MatMul(const Kernels& kernels, const MatrixView& w, int64_t row_begin,
                         int64_t row_end, int64_t t0, int64_t n_token, float* y,
                         int64_t y_stride) const {
  DCHECK(w.k == width_, "matrix and activations disagree on the width");
  if (IsQuantized(w.type)) {
    CHECK(with_q8_, "a quantised matrix reads 8-bit activations");
    const int64_t n_block = width_ / kQ8Block;
    const Q8Rows rows{quants_ + t0 * width_, scales_ + t0 * n_block, offsets_ + t0 * n_block,
                      width_};
    kernels.matmul_q(w, row_begin, row_end, rows, n_token, y, y_stride);
  } else {
    kernels.matmul_f(w, row_begin, row_end, row(t0), width_, n_token, y, y_stride);
  }
}

void Activations::MatMulRows(const Kernels& kernels, const MatrixView& w, const int32_t* rows,
                             int64_t n_row, int64_t t, float* y) const {
  CHECK(with_q8_ && w.k == width_ && w.n_interleaved == 0,
        "rows are picked from a quantised matrix");
  const int64_t n_block = width_ / kQ8Block;
  const Q8Rows x{quants_ + t * width_, scales_ + t * n_block, offsets_ + t * n_block, width_};
  kernels.matmul_rows(w, rows, n_row, x, y);
}

}  // namespace hearth
