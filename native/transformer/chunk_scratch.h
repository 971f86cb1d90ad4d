// The activations of one chunk, as seen by the code that decides how much memory they get.
#ifndef HEARTH_TRANSFORMER_CHUNK_SCRATCH_H_
#define HEARTH_TRANSFORMER_CHUNK_SCRATCH_H_

#include <cstdint>

#include "base/status.h"

namespace hearth {

class ChunkScratch {
 public:
  virtual ~ChunkScratch() = default;

  // The longest chunk, in tokens, that there is memory for.
  virtual int64_t n_token_room() const = 0;

  // Shrinks or grows the memory, n_token >= 1. Passes in progress stay valid if their chunks fit.
  // kMemory: there is less room than requested.
  virtual Status Resize(int64_t n_token) = 0;
};

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_CHUNK_SCRATCH_H_
