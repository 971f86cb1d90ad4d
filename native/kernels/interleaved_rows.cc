#include "kernels/interleaved_rows.h"

#include <cstring>

namespace hearth {
namespace {

constexpr size_t kPieceBytes = 16;
constexpr size_t kColumnBytes = 4;

}  // namespace

int64_t RepackRows(const Kernels& kernels, TensorType type, int64_t k, int64_t n_row,
                   const void* rows, void* groups, void* scratch) {
  const size_t row_bytes = RowBytes(type, k);
  const size_t group_bytes = RepackScratchBytes(row_bytes);
  const auto n_group = static_cast<size_t>(n_row / kInterleavedRows);
  const auto* from = static_cast<const uint8_t*>(rows);
  auto* to = static_cast<uint8_t*>(groups);
  for (size_t g = 0; g < n_group; ++g) {
    std::memcpy(scratch, from + g * group_bytes, group_bytes);
    kernels.repack_rows(type, k, scratch, to + g * group_bytes);
  }
  const size_t interleaved_bytes = n_group * group_bytes;
  if (from != to) {
    std::memmove(to + interleaved_bytes, from + interleaved_bytes,
                 static_cast<size_t>(n_row) * row_bytes - interleaved_bytes);
  }
  return static_cast<int64_t>(n_group) * kInterleavedRows;
}

void CopyRow(const MatrixView& w, int64_t r, void* row) {
  auto* out = static_cast<uint8_t*>(row);
  const auto* data = static_cast<const uint8_t*>(w.data);
  if (r >= w.n_interleaved) {
    std::memcpy(out, data + static_cast<size_t>(r) * w.row_bytes, w.row_bytes);
    return;
  }
  const BlockParts parts = PartsOf(w.type);
  const auto n_block = static_cast<size_t>(w.k / BlockLength(w.type));
  const auto n_piece = static_cast<size_t>(parts.n_piece);
  const auto n_half = static_cast<size_t>(parts.n_half);
  const auto lane = static_cast<size_t>(r % kInterleavedRows);
  const uint8_t* pieces = data + static_cast<size_t>(r - r % kInterleavedRows) * w.row_bytes;
  const uint8_t* halves = pieces + n_block * n_piece * kPieceBytes * kInterleavedRows;
  for (size_t b = 0; b < n_block; ++b) {
    uint8_t* block = out + b * BlockBytes(w.type);
    for (size_t p = 0; p < n_piece; ++p) {
      const uint8_t* columns = pieces + (b * n_piece + p) * kPieceBytes * kInterleavedRows;
      for (size_t j = 0; j < kPieceBytes / kColumnBytes; ++j) {
        std::memcpy(block + parts.piece_at[p] + j * kColumnBytes,
                    columns + (j * kInterleavedRows + lane) * kColumnBytes, kColumnBytes);
      }
    }
    for (size_t h = 0; h < n_half; ++h) {
      std::memcpy(block + parts.half_at[h],
                  halves + ((b * n_half + h) * kInterleavedRows + lane) * sizeof(uint16_t),
                  sizeof(uint16_t));
    }
  }
}

}  // namespace hearth
