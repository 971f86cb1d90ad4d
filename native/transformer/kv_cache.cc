#include "transformer/kv_cache.h"

#include <algorithm>
#include <cstddef>

namespace hearth {
namespace {

int64_t CapacityOf(const AttentionSpec& layer, int64_t n_ctx, KvCache::Windows windows) {
  return layer.window == 0 ? n_ctx
                           : std::min(n_ctx, windows.n_kept + layer.window + windows.n_slack);
}

}  // namespace

size_t KvCache::BytesFor(const ModelSpec& spec, int64_t n_ctx, Windows windows) {
  size_t bytes = 0;
  for (const AttentionSpec& layer : spec.block.attention) {
    bytes +=
        2 * sizeof(uint16_t) * static_cast<size_t>(CapacityOf(layer, n_ctx, windows) * spec.n_kv());
  }
  return bytes;
}

Result<KvCache> KvCache::Create(const ModelSpec& spec, int64_t n_ctx, Windows windows,
                                Pages pages) {
  KvCache cache;
  cache.n_ctx_ = n_ctx;
  cache.head_dim_ = spec.head_dim;
  cache.n_head_kv_ = spec.n_head_kv;
  Result<AlignedBuffer> storage = AlignedBuffer::Allocate(BytesFor(spec, n_ctx, windows), pages);
  if (!storage.ok()) return storage.status();
  cache.storage_ = std::move(storage).value();
  uint16_t* next = cache.storage_.As<uint16_t>();
  for (const AttentionSpec& layer : spec.block.attention) {
    const int64_t capacity = CapacityOf(layer, n_ctx, windows);
    const int64_t halves = capacity * spec.n_kv();
    // Where all positions fit there is no ring.
    const int64_t n_kept = capacity == n_ctx ? n_ctx : windows.n_kept;
    cache.layers_.push_back(Layer{next, next + halves, capacity, n_kept, layer.window, n_kept});
    next += 2 * halves;
  }
  return cache;
}

size_t KvCache::BytesUpTo(int64_t n) const {
  const size_t page = AlignedBuffer::PageBytes();
  size_t bytes = 0;
  for (const Layer& layer : layers_) {
    const auto row = static_cast<size_t>(head_dim_) * sizeof(uint16_t);
    const size_t head = static_cast<size_t>(layer.capacity) * row;
    const size_t used = static_cast<size_t>(std::min(n, layer.capacity)) * row;
    // A head may begin within a page that the one before it has begun, or not.
    const size_t slop = head % page == 0 ? page - 1 : 2 * page - 2;
    bytes += 2 * static_cast<size_t>(n_head_kv_) *
             (used == 0 ? 0 : std::min(head, (used + slop) / page * page));
  }
  return std::min(bytes, storage_.bytes());
}

void KvCache::ReleaseFrom(int64_t n) {
  const auto row = static_cast<size_t>(head_dim_) * sizeof(uint16_t);
  for (size_t il = 0; il < layers_.size(); ++il) {
    const Layer& layer = layers_[il];
    if (n >= layer.capacity) continue;
    for (int h = 0; h < n_head_kv_; ++h) {
      for (const uint16_t* head : {K(static_cast<int>(il), h), V(static_cast<int>(il), h)}) {
        const auto begin =
            static_cast<size_t>(reinterpret_cast<const std::byte*>(head) - storage_.data());
        storage_.Release(begin + static_cast<size_t>(n) * row,
                         begin + static_cast<size_t>(layer.capacity) * row);
      }
    }
  }
}

void KvCache::NoteWritten(int64_t end) {
  CHECK(end <= n_ctx_, "a position beyond the context was written");
  for (Layer& layer : layers_) {
    const int64_t n_ring = layer.capacity - layer.n_kept;
    if (n_ring > 0) layer.oldest = std::max(layer.oldest, end - n_ring);
  }
}

void KvCache::NoteRewound(int64_t n) {
  for (Layer& layer : layers_) {
    if (n <= layer.n_kept) layer.oldest = layer.n_kept;
  }
}

bool KvCache::CanRewindTo(int64_t n) const {
  return std::all_of(layers_.begin(), layers_.end(), [n](const Layer& layer) {
    const int64_t first_key = std::max(layer.n_kept, n - layer.window + 1);
    return (layer.n_kept > 0 && n <= layer.n_kept) || first_key >= layer.oldest;
  });
}

void KvCache::Clear() { NoteRewound(0); }

int64_t KvCache::n_kept() const {
  int64_t n = n_ctx_;
  for (const Layer& layer : layers_) n = std::min(n, layer.n_kept);
  return n;
}

size_t KvCache::BytesOf(int64_t n) const {
  return 2 * sizeof(uint16_t) * layers_.size() * static_cast<size_t>(n_head_kv_ * n * head_dim_);
}

size_t KvCache::SliceBytes(int64_t n) const {
  const size_t page = AlignedBuffer::PageBytes();
  return (BytesOf(n) + page - 1) / page * page;
}

Result<KvSlice> KvCache::CopyOf(int64_t begin, int64_t end) const {
  CHECK(0 <= begin && begin < end && end <= n_kept(), "positions that are not kept");
  Result<AlignedBuffer> data = AlignedBuffer::Allocate(SliceBytes(end - begin), Pages::kSmall);
  if (!data.ok()) return data.status();
  KvSlice slice{begin, end, std::move(data).value()};
  uint16_t* to = slice.data.As<uint16_t>();
  const int64_t n_half = (end - begin) * head_dim_;
  for (int il = 0; il < static_cast<int>(layers_.size()); ++il) {
    for (int h = 0; h < 2 * n_head_kv_; ++h) {
      const uint16_t* head = h < n_head_kv_ ? K(il, h) : V(il, h - n_head_kv_);
      to = std::copy_n(head + begin * head_dim_, n_half, to);
    }
  }
  return slice;
}

void KvCache::Restore(const KvSlice& slice, int64_t begin, int64_t end) {
  CHECK(slice.begin <= begin && begin < end && end <= slice.end, "positions outside of the slice");
  const uint16_t* from = slice.data.As<uint16_t>() + (begin - slice.begin) * head_dim_;
  for (int il = 0; il < static_cast<int>(layers_.size()); ++il) {
    for (int h = 0; h < 2 * n_head_kv_; ++h) {
      uint16_t* head = h < n_head_kv_ ? K(il, h) : V(il, h - n_head_kv_);
      std::copy_n(from, (end - begin) * head_dim_, head + begin * head_dim_);
      from += (slice.end - slice.begin) * head_dim_;
    }
  }
  NoteWritten(end);
}

}  // namespace hearth
