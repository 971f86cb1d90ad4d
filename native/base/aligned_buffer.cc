#include "base/aligned_buffer.h"

#include <string>

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace hearth {

Result<AlignedBuffer> AlignedBuffer::Allocate(size_t bytes) {
  AlignedBuffer buffer;
  if (bytes == 0) return buffer;
#ifdef _WIN32
  void* data = VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  const bool failed = data == nullptr;
#else
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const bool failed = data == MAP_FAILED;
#endif
  if (failed) {
    return Status::Memory("cannot allocate " + std::to_string(bytes) +
                          " bytes of memory; close other programs or lower the memory budget");
  }
#ifdef __linux__
  // Weights are read all over: with pages of 2 MiB that costs few translations. A wish that the
  // system may refuse.
  if (bytes >= kHugePageBytes) madvise(data, bytes, MADV_HUGEPAGE);
#endif
  buffer.data_ = static_cast<std::byte*>(data);
  buffer.bytes_ = bytes;
  return buffer;
}

AlignedBuffer::~AlignedBuffer() {
  if (data_ == nullptr) return;
#ifdef _WIN32
  VirtualFree(data_, 0, MEM_RELEASE);
#else
  munmap(data_, bytes_);
#endif
}

}  // namespace hearth
