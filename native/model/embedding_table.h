// The embedding of each token: in memory with the other weights, or looked up on disk, where it
// costs a budget next to nothing: a token needs a single row.
#ifndef HEARTH_MODEL_EMBEDDING_TABLE_H_
#define HEARTH_MODEL_EMBEDDING_TABLE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "io/reader.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "model/resident_weights.h"

namespace hearth {

// Used by one thread at a time. What it refers to must outlive it.
class EmbeddingTable {
 public:
  // Reads rows from `reader` where `weights` hold none.
  EmbeddingTable(const ModelSpec& spec, const ResidentWeights& weights, const Kernels& kernels,
                 Reader& reader);

  // Bytes of the rows kept in memory once they were read; 0 where the weights hold all.
  static size_t BytesFor(const ModelSpec& spec, bool on_disk);

  // x = [tokens, n_embd]. kIo.
  Status Lookup(std::span<const int32_t> tokens, float* x);

 private:
  Status ReadMissing(std::span<const int32_t> tokens);
  std::byte* RowAt(int32_t token);

  const ModelSpec& spec_;
  const MatrixView& table_;
  const Kernels& kernels_;
  Reader& reader_;
  const TensorInfo& tensor_;
  const size_t row_bytes_;
  // Rows read before, token t at t % kept_.size(); -1 where there is none.
  std::vector<int32_t> kept_;
  std::vector<std::byte> rows_;
  std::vector<std::byte> row_;  // one row of a table in memory
};

}  // namespace hearth

#endif  // HEARTH_MODEL_EMBEDDING_TABLE_H_
