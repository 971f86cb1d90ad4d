#include "transformer/kv_cache.h"

#include <algorithm>

namespace hearth {
namespace {

int64_t CapacityOf(const LayerSpec& layer, int64_t n_ctx, int64_t n_slack) {
  return layer.window == 0 ? n_ctx : std::min(n_ctx, layer.window + n_slack);
}

}  // namespace

size_t KvCache::BytesFor(const ModelSpec& spec, int64_t n_ctx, int64_t n_slack) {
  size_t bytes = 0;
  for (const LayerSpec& layer : spec.layers) {
    bytes +=
        2 * sizeof(uint16_t) * static_cast<size_t>(CapacityOf(layer, n_ctx, n_slack) * spec.n_kv());
  }
  return bytes;
}

Result<KvCache> KvCache::Create(const ModelSpec& spec, int64_t n_ctx, int64_t n_slack) {
  KvCache cache;
  cache.n_ctx_ = n_ctx;
  cache.head_dim_ = spec.head_dim;
  Result<AlignedBuffer> storage = AlignedBuffer::Allocate(BytesFor(spec, n_ctx, n_slack));
  if (!storage.ok()) return storage.status();
  cache.storage_ = std::move(storage).value();
  uint16_t* place = cache.storage_.As<uint16_t>();
  for (const LayerSpec& layer : spec.layers) {
    const int64_t capacity = CapacityOf(layer, n_ctx, n_slack);
    const int64_t halves = capacity * spec.n_kv();
    cache.layers_.push_back(Layer{place, place + halves, capacity, layer.window, 0});
    place += 2 * halves;
  }
  return cache;
}

void KvCache::NoteWritten(int64_t end) {
  CHECK(end <= n_ctx_, "a position beyond the context was written");
  for (Layer& layer : layers_) layer.oldest = std::max(layer.oldest, end - layer.capacity);
}

bool KvCache::CanRewindTo(int64_t n) const {
  return std::all_of(layers_.begin(), layers_.end(), [n](const Layer& layer) {
    const int64_t first_key = layer.window == 0 ? 0 : std::max<int64_t>(0, n - layer.window + 1);
    return first_key >= layer.oldest;
  });
}

void KvCache::Clear() {
  for (Layer& layer : layers_) layer.oldest = 0;
}

}  // namespace hearth
