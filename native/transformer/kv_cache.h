// Keys and values of one session, as half floats: every earlier position in global layers; in
// windowed ones the first positions, and a ring of what follows them (docs/adr/0016).
#ifndef HEARTH_TRANSFORMER_KV_CACHE_H_
#define HEARTH_TRANSFORMER_KV_CACHE_H_

#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "model/model_spec.h"

namespace hearth {

// A copy of positions [begin, end) of all layers.
struct KvSlice {
  int64_t begin = 0;
  int64_t end = 0;
  AlignedBuffer data;  // [n_layer, k and v, n_head_kv, end - begin, head_dim] halves
};

// Used by one thread at a time (workers write disjoint heads).
class KvCache {
 public:
  // Of windowed layers.
  struct Windows {
    // Positions from the first on that are kept as long as the session: it may rewind to any of
    // them.
    int64_t n_kept = 0;
    // Positions that the ring behind them keeps beyond its window: at least the longest chunk,
    // which is written before it is attended to; any excess lets a session rewind.
    int64_t n_slack = 0;
  };

  // n_ctx: positions that a session may reach. kMemory if refused. With small pages it takes memory
  // as positions are written.
  static Result<KvCache> Create(const ModelSpec& spec, int64_t n_ctx, Windows windows,
                                Pages pages = Pages::kHuge);
  static size_t BytesFor(const ModelSpec& spec, int64_t n_ctx, Windows windows);

  int64_t n_ctx() const { return n_ctx_; }
  size_t bytes() const { return storage_.bytes(); }

  // Memory that the first n positions take, with small pages.
  size_t BytesUpTo(int64_t n) const;

  // Gives back the memory of all positions from n on, of which none is needed any more.
  void ReleaseFrom(int64_t n);

  // Positions that layer il can hold.
  int64_t capacity(int il) const { return layers_[static_cast<size_t>(il)].capacity; }

  // Where position pos of layer il lies, and how many positions from it on lie one behind the
  // other.
  int64_t SlotOf(int il, int64_t pos) const {
    const Layer& layer = layers_[static_cast<size_t>(il)];
    return pos < layer.n_kept
               ? pos
               : layer.n_kept + (pos - layer.n_kept) % (layer.capacity - layer.n_kept);
  }
  int64_t RunAt(int il, int64_t pos) const {
    const Layer& layer = layers_[static_cast<size_t>(il)];
    return (pos < layer.n_kept ? layer.n_kept : layer.capacity) - SlotOf(il, pos);
  }

  // [capacity, head_dim] halves of one key/value head.
  uint16_t* K(int il, int head_kv) const {
    return HeadAt(layers_[static_cast<size_t>(il)].k, il, head_kv);
  }
  uint16_t* V(int il, int head_kv) const {
    return HeadAt(layers_[static_cast<size_t>(il)].v, il, head_kv);
  }

  // Records that positions up to `end` (exclusive) have been or are about to be written.
  void NoteWritten(int64_t end);

  // Records that positions from n on are no longer needed: they will be written anew.
  void NoteRewound(int64_t n);

  // True if, with positions [0, n) kept, a query at position n finds all keys that its windows
  // reach.
  bool CanRewindTo(int64_t n) const;

  // Forgets everything.
  void Clear();

  // Positions from the first on that every layer keeps as long as the session.
  int64_t n_kept() const;

  // What n positions hold, in the order of a slice.
  size_t BytesOf(int64_t n) const;

  // Of a slice of n positions, whole pages.
  size_t SliceBytes(int64_t n) const;

  // Positions below n_kept() that have been written. kMemory.
  Result<KvSlice> CopyOf(int64_t begin, int64_t end) const;

  // Writes positions [begin, end) of the slice, and notes that they have been.
  void Restore(const KvSlice& slice, int64_t begin, int64_t end);

 private:
  struct Layer {
    uint16_t* k = nullptr;
    uint16_t* v = nullptr;
    int64_t capacity = 0;
    int64_t n_kept = 0;  // slots in front of the ring
    int64_t window = 0;
    int64_t oldest = 0;  // positions of the ring below this have been overwritten
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
