// Reading ahead in software, for the x86 kernels. The processor's own prefetcher ends at each page
// of 4 KiB, and what it is asked for by instructions waits in the first cache's few buffers: so
// memory is asked far ahead for the second cache, and that shortly before use for the first.
// Distances are measured (docs/adr/0008).
#ifndef HEARTH_KERNELS_X86_PREFETCH_H_
#define HEARTH_KERNELS_X86_PREFETCH_H_

#include <immintrin.h>
#include <stddef.h>

#include "kernels/inline.h"

namespace hearth {
namespace {

constexpr size_t kCacheLineBytes = 64;
constexpr size_t kFarBytes = 16384;
constexpr size_t kNearBytes = 2048;

// What follows after [p, p + bytes), which is read now, in order. Past the end of memory it does
// nothing.
HEARTH_INLINE void PrefetchStream(const void* p, size_t bytes) {
  const char* at = static_cast<const char*>(p);
  for (size_t i = 0; i < bytes; i += kCacheLineBytes) {
    _mm_prefetch(at + i + kFarBytes, _MM_HINT_T1);
    _mm_prefetch(at + i + kNearBytes, _MM_HINT_T0);
  }
}

// [p, p + bytes) itself.
HEARTH_INLINE void PrefetchRange(const void* p, size_t bytes) {
  const char* at = static_cast<const char*>(p);
  for (size_t i = 0; i < bytes; i += kCacheLineBytes) _mm_prefetch(at + i, _MM_HINT_T0);
}

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_X86_PREFETCH_H_
