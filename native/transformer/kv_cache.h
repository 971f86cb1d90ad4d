// Keys and values of one session, as half floats: every earlier position in global layers, a ring
// in windowed ones.
#ifndef HEARTH_TRANSFORMER_KV_CACHE_H_
#define HEARTH_TRANSFORMER_KV_CACHE_H_

#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "model/model_spec.h"

namespace hearth {

// Used by one thread at a time (workers write disjoint heads).
class KvCache {
 public:
  // n_ctx: positions that a session may reach. n_slack: positions a ring keeps beyond its window:
  // at least the longest chunk, which is written before it is attended to; any excess lets a
  // session rewind. kMemory if refused. With small pages it takes memory as positions are written.
  static Result<KvCache> Create(const ModelSpec& spec, int64_t n_ctx, int64_t n_slack,
                                Pages pages = Pages::kHuge);
  static size_t BytesFor(const ModelSpec& spec, int64_t n_ctx, int64_t n_slack);

  int64_t n_ctx() const { return n_ctx_; }
  size_t bytes() const { return storage_.bytes(); }

  // Memory that the first n positions take, with small pages.
  size_t BytesUpTo(int64_t n) const;

  // Gives back the memory of all positions from n on, of which none is needed any more.
  void ReleaseFrom(int64_t n);

  // Positions that layer il can hold; position p lies at p % capacity(il).
  int64_t capacity(int il) const { return layers_[static_cast<size_t>(il)].capacity; }

  // [capacity, head_dim] halves of one key/value head.
  uint16_t* K(int il, int head_kv) const {
    return HeadAt(layers_[static_cast<size_t>(il)].k, il, head_kv);
  }
  uint16_t* V(int il, int head_kv) const {
    return HeadAt(layers_[static_cast<size_t>(il)].v, il, head_kv);
  }

  // Records that positions up to `end` (exclusive) have been or are about to be written.
  void NoteWritten(int64_t end);

  // True if, with positions [0, n) kept, a query at position n finds all keys that its windows
  // reach.
  bool CanRewindTo(int64_t n) const;

  // Forgets everything.
  void Clear();

 private:
  struct Layer {
    uint16_t* k = nullptr;
    uint16_t* v = nullptr;
    int64_t capacity = 0;
    int64_t window = 0;
    int64_t oldest = 0;  // positions below this have been overwritten
  };

  uint16_t* HeadAt(uint16_t* base, int il, int head_kv) const {
    return base + head_kv * layers_[static_cast<size_t>(il)].capacity * head_dim_;
  }

  int64_t n_ctx_ = 0;
  int64_t head_dim_ = 0;
  int n_head_kv_ = 0;
  std::vector<Layer> layers_;
  AlignedBuffer storage_;
};

}  // namespace hearth

#endif  // HEARTH_TRANSFORMER_KV_CACHE_H_
