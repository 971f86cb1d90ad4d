// Interleaved rows ("repacked" in llama.cpp): groups of 16 rows, one row per lane of a vector
// register, in the order in which a matrix product reads them. Rows in GGUF layout are one memory
// stream per lane and must be transposed before use; a group is a single stream, and a register
// loaded from it is an operand as it is.
//
// 16 interleaved rows of n blocks take as many bytes as the 16 rows:
//   pieces: for each block, for each of its 16-byte pieces (BlockParts), 256 bytes: four columns of
//           64, column j holding bytes 4j..4j+3 of row 0, of row 1, ... of row 15;
//   halves: for each block, for each of its half floats, 32 bytes: that of row 0, ... of row 15.
// Lossless: CopyRow restores the rows.
#ifndef HEARTH_KERNELS_INTERLEAVED_ROWS_H_
#define HEARTH_KERNELS_INTERLEAVED_ROWS_H_

#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

namespace hearth {

// Bytes of `scratch` for RepackRows.
inline size_t RepackScratchBytes(size_t row_bytes) {
  return static_cast<size_t>(kInterleavedRows) * row_bytes;
}

// Repacks the rows of a quantised matrix into interleaved groups, from `rows` to `groups`, which is
// the same address or a slightly lower one; the last n_row % kInterleavedRows rows keep the GGUF
// layout. Returns MatrixView::n_interleaved.
int64_t RepackRows(const Kernels& kernels, TensorType type, int64_t k, int64_t n_row,
                   const void* rows, void* groups, void* scratch);

// Copies row r of a matrix in GGUF layout: w.row_bytes bytes.
void CopyRow(const MatrixView& w, int64_t r, void* row);

}  // namespace hearth

#endif  // HEARTH_KERNELS_INTERLEAVED_ROWS_H_
