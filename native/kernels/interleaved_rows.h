// Interleaved rows ("repacked", as llama.cpp calls it): groups of 16 rows, one row a lane of a
// vector register, as a matrix product reads them. GGUF rows are as many streams as there are
// lanes, and must be transposed to be used; a group is one stream, and a register's worth of it is
// what an instruction takes.
//
// A group of 16 rows of n blocks takes the bytes of the 16 rows:
//   pieces: for each block, for each of its 16-byte pieces (BlockParts), 256 bytes: four columns of
//           64, column j holding bytes 4j..4j+3 of row 0, of row 1, ... of row 15;
//   halves: for each block, for each of its half floats, 32 bytes: that of row 0, ... of row 15.
// Nothing is rounded or dropped: the rows can be had back.
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
// the same place or lies a little before it; n_row % kInterleavedRows rows at the end stay rows.
// Gives MatrixView::n_interleaved.
int64_t RepackRows(const Kernels& kernels, TensorType type, int64_t k, int64_t n_row,
                   const void* rows, void* groups, void* scratch);

// Copies row r of a matrix as GGUF has it: w.row_bytes bytes.
void CopyRow(const MatrixView& w, int64_t r, void* row);

}  // namespace hearth

#endif  // HEARTH_KERNELS_INTERLEAVED_ROWS_H_
