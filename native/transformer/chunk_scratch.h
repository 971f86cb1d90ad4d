// The activations of one chunk, as seen by who decides how much memory they may have.
#ifndef HEARTH_TRANSFORMER_CHUNK_SCRATCH_H_
#define HEARTH_TRANSFORMER_CHUNK_SCRATCH_H_

#include <cstdint>

#include "base/status.h"

namespace hearth {

class ChunkScratch {
 public:
  virtual ~ChunkScratch() = default;

  // Memory is there for chunks of up to so many tokens.
  virtual int64_t n_token_room() const = 0;

  // Gives memory back, or takes it, n_token >= 1. Passes under way stay good if their chunks have
  // room. kMemory: there is less room than asked for.
  virtual Status Resize(int64_t n_token) = 0;
};

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_CHUNK_SCRATCH_H_
