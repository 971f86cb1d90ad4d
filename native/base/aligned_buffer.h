// A fixed block of zeroed memory, aligned for the widest vector loads, freed on destruction.
// Movable, not copyable.
#ifndef HEARTH_BASE_ALIGNED_BUFFER_H_
#define HEARTH_BASE_ALIGNED_BUFFER_H_

#include <cstddef>
#include <utility>

#include "base/status.h"

namespace hearth {

// Cache line of every processor we target, and the width of an AVX-512 register.
inline constexpr size_t kCacheLineBytes = 64;

// Buffers of at least this size ask for huge pages where the system has them.
inline constexpr size_t kHugePageBytes = size_t{2} << 20;

// Of a buffer that is at least kHugePageBytes. Small ones are committed and released one by one:
// for buffers that grow.
enum class Pages { kHuge, kSmall };

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~AlignedBuffer();

  // Page-aligned, zeroed on first touch: untouched pages cost address space, not memory. kMemory
  // when refused.
  static Result<AlignedBuffer> Allocate(size_t bytes, Pages pages = Pages::kHuge);

  // Gives the memory of the whole pages within [begin, end) bytes back; what they held is lost, and
  // touching them takes memory again. Returns without effect where the system refuses.
  void Release(size_t begin, size_t end) const;

  // Bytes of the pages that Release can give back one by one.
  static size_t PageBytes();

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  template <typename T>
  T* As() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace hearth

#endif  // HEARTH_BASE_ALIGNED_BUFFER_H_
