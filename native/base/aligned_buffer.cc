#include "base/aligned_buffer.h"

#include <string>

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace hearth {

Result<AlignedBuffer> AlignedBuffer::Allocate(size_t bytes, Pages pages) {
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
  // Weights are read all over: with pages of 2 MiB that costs few translations. Advisory: the
  // system may refuse.
  if (bytes >= kHugePageBytes)
    madvise(data, bytes, pages == Pages::kHuge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#else
  (void)pages;
#endif
  buffer.data_ = static_cast<std::byte*>(data);
  buffer.bytes_ = bytes;
  return buffer;
}

size_t AlignedBuffer::PageBytes() {
#ifdef _WIN32
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  static const size_t kBytes = info.dwPageSize;
#else
  static const size_t kBytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
#endif
  return kBytes;
}

void AlignedBuffer::Release(size_t begin, size_t end) const {
  const size_t page = PageBytes();
  begin = (begin + page - 1) / page * page;
  end = end == bytes_ ? (end + page - 1) / page * page : end / page * page;
  if (begin >= end) return;
#ifdef _WIN32
  if (VirtualFree(data_ + begin, end - begin, MEM_DECOMMIT))
    VirtualAlloc(data_ + begin, end - begin, MEM_COMMIT, PAGE_READWRITE);
#else
  madvise(data_ + begin, end - begin, MADV_DONTNEED);
#endif
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
