#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "io/reader.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace hearth {
namespace {

// No system call is asked for more at once: Linux stops at 2^31 - 4096 bytes, macOS refuses 2^31,
// Windows takes 32 bits.
constexpr size_t kChunkBytesMax = size_t{1} << 30;

// Without the page cache a device's own blocks are read, of 512 or 4096 bytes everywhere.
constexpr size_t kDirectAlignment = 4096;
// What is not padded is read through a buffer of at most so many bytes.
constexpr size_t kBounceBytesMax = size_t{4} << 20;

Status OpenFailed(const std::string& path, const std::string& why) {
  return Status::Io("cannot open '" + path + "': " + why);
}

Status ReadFailed(const std::string& path, const ReadRange& range, const std::string& why) {
  return Status::Io("cannot read " + std::to_string(range.bytes) + " bytes at offset " +
                    std::to_string(range.offset) + " of '" + path + "': " + why);
}

Status EndsEarly(const std::string& path, const ReadRange& range, uint64_t file_bytes) {
  return ReadFailed(path, range,
                    "the file ends after " + std::to_string(file_bytes) +
                        " bytes; it was truncated or replaced, download it again");
}

// False where the range ends beyond what a signed 64-bit file offset can name.
bool OffsetsFit(const ReadRange& range) {
  constexpr uint64_t kOffsetMax = std::numeric_limits<int64_t>::max();
  return range.offset <= kOffsetMax && range.bytes <= kOffsetMax - range.offset;
}

uint64_t RoundDown(uint64_t n, uint64_t alignment) { return n & ~(alignment - 1); }
uint64_t RoundUp(uint64_t n, uint64_t alignment) { return RoundDown(n + alignment - 1, alignment); }

struct AlignedDelete {
  void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t{kDirectAlignment}); }
};
using BounceBuffer = std::unique_ptr<std::byte, AlignedDelete>;

// Null where there is no memory: threads that read have nobody to throw at.
BounceBuffer NewBounceBuffer(size_t bytes) {
  return BounceBuffer(static_cast<std::byte*>(
      ::operator new(bytes, std::align_val_t{kDirectAlignment}, std::nothrow)));
}

// A range by whole blocks. read(offset, dest, bytes, needed) fills dest with `bytes` bytes from
// `offset`, of which the file may lack those beyond `needed`; all three are multiples of the
// alignment but `needed`.
template <typename Read>
Status ReadBlocks(const ReadRange& range, size_t alignment, const Read& read) {
  const uint64_t first = RoundDown(range.offset, alignment);
  const uint64_t end = range.offset + range.bytes;
  const auto lead = static_cast<size_t>(range.offset - first);
  if (range.padded) {
    std::byte* dest = range.dest - lead;
    CHECK(reinterpret_cast<uintptr_t>(dest) % alignment == 0, "a padded range lies as in the file");
    return read(first, dest, static_cast<size_t>(RoundUp(end, alignment) - first),
                lead + range.bytes);
  }
  const BounceBuffer bounce = NewBounceBuffer(
      static_cast<size_t>(std::min<uint64_t>(RoundUp(end, alignment) - first, kBounceBytesMax)));
  if (bounce == nullptr)
    return Status::Memory("there is no memory for a read; close other programs");
  for (uint64_t at = range.offset; at < end;) {
    const uint64_t block = RoundDown(at, alignment);
    const uint64_t stop = std::min(end, block + kBounceBytesMax);
    const auto needed = static_cast<size_t>(stop - block);
    RETURN_IF_ERROR(
        read(block, bounce.get(), static_cast<size_t>(RoundUp(stop, alignment) - block), needed));
    std::memcpy(range.dest + (at - range.offset), bounce.get() + (at - block),
                static_cast<size_t>(stop - at));
    at = stop;
  }
  return Status::Ok();
}

#ifdef _WIN32

std::string ErrorText(DWORD error) {
  return std::system_category().message(static_cast<int>(error));
}

std::wstring Utf16(const std::string& utf8) {
  const int utf8_bytes = static_cast<int>(utf8.size());
  const int units = MultiByteToWideChar(CP_UTF8, 0, utf8.data(), utf8_bytes, nullptr, 0);
  std::wstring utf16(static_cast<size_t>(std::max(0, units)), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, utf8.data(), utf8_bytes, utf16.data(), units);
  return utf16;
}

// The handle is opened for overlapped I/O although each Read waits for its own: the system
// serialises the reads of a handle that is not.
class SystemFile : public File {
 public:
  SystemFile(std::string path, HANDLE handle, size_t alignment)
      : path_(std::move(path)), handle_(handle), alignment_(alignment) {}
  ~SystemFile() override { CloseHandle(handle_); }

  // Private to Open: fills bytes_.
  Status ReadSize() {
    LARGE_INTEGER size;
    if (!GetFileSizeEx(handle_, &size)) return OpenFailed(path_, ErrorText(GetLastError()));
    bytes_ = static_cast<uint64_t>(size.QuadPart);
    return Status::Ok();
  }

  Status Read(const ReadRange& range) const override {
    if (!OffsetsFit(range)) return EndsEarly(path_, range, bytes_);
    const HANDLE event = CreateEventW(nullptr, /*manual reset=*/TRUE, FALSE, nullptr);
    if (event == nullptr) return ReadFailed(path_, range, ErrorText(GetLastError()));
    const auto read = [&](uint64_t offset, std::byte* dest, size_t bytes, size_t needed) {
      return ReadAt(range, offset, dest, bytes, needed, event);
    };
    Status status = alignment_ == 1 ? read(range.offset, range.dest, range.bytes, range.bytes)
                                    : ReadBlocks(range, alignment_, read);
    CloseHandle(event);
    return status;
  }

  uint64_t bytes() const override { return bytes_; }
  size_t alignment() const override { return alignment_; }
  const std::string& path() const override { return path_; }

 private:
  // `range` is what the errors name.
  Status ReadAt(const ReadRange& range, uint64_t first, std::byte* dest, size_t bytes,
                size_t needed, HANDLE event) const {
    size_t done = 0;
    while (done < needed) {
      const uint64_t offset = first + done;
      OVERLAPPED overlapped = {};
      overlapped.Offset = static_cast<DWORD>(offset);
      overlapped.OffsetHigh = static_cast<DWORD>(offset >> 32);
      overlapped.hEvent = event;
      const DWORD chunk = static_cast<DWORD>(std::min(bytes - done, kChunkBytesMax));
      DWORD n = 0;
      bool ok = ReadFile(handle_, dest + done, chunk, nullptr, &overlapped) ||
                GetLastError() == ERROR_IO_PENDING;
      if (ok) ok = GetOverlappedResult(handle_, &overlapped, &n, /*wait=*/TRUE);
      const DWORD error = ok ? ERROR_SUCCESS : GetLastError();
      if (error == ERROR_HANDLE_EOF || (ok && n == 0)) return EndsEarly(path_, range, SizeNow());
      if (!ok) return ReadFailed(path_, range, ErrorText(error));
      done += n;
    }
    return Status::Ok();
  }

  uint64_t SizeNow() const {
    LARGE_INTEGER size;
    return GetFileSizeEx(handle_, &size) ? static_cast<uint64_t>(size.QuadPart) : bytes_;
  }

  const std::string path_;
  const HANDLE handle_;
  const size_t alignment_;
  uint64_t bytes_ = 0;
};

#else

static_assert(sizeof(off_t) == 8, "models are larger than 4 GiB");

std::string ErrorText(int error) { return std::generic_category().message(error); }

class SystemFile : public File {
 public:
  SystemFile(std::string path, int fd, size_t alignment)
      : path_(std::move(path)), fd_(fd), alignment_(alignment) {}
  ~SystemFile() override { close(fd_); }

  // Private to Open: fills bytes_.
  Status ReadSize() {
    struct stat info;
    if (fstat(fd_, &info) != 0) return OpenFailed(path_, ErrorText(errno));
    if (!S_ISREG(info.st_mode)) return OpenFailed(path_, "not a regular file");
    bytes_ = static_cast<uint64_t>(info.st_size);
    return Status::Ok();
  }

  Status Read(const ReadRange& range) const override {
    if (!OffsetsFit(range)) return EndsEarly(path_, range, bytes_);
    const auto read = [&](uint64_t offset, std::byte* dest, size_t bytes, size_t needed) {
      return ReadAt(range, offset, dest, bytes, needed);
    };
    return alignment_ == 1 ? read(range.offset, range.dest, range.bytes, range.bytes)
                           : ReadBlocks(range, alignment_, read);
  }

  uint64_t bytes() const override { return bytes_; }
  size_t alignment() const override { return alignment_; }
  const std::string& path() const override { return path_; }

  // A lease for reading is refused while somebody has the file open for writing (fcntl(2)). It is
  // given back at once; who opens it for writing meanwhile has us told by a signal, SIGIO, which
  // would end the process: SIGURG does nothing.
  bool IsBeingWritten() const override {
#ifdef __linux__
    if (fcntl(fd_, F_SETSIG, SIGURG) != 0) return false;
    if (fcntl(fd_, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
    fcntl(fd_, F_SETLEASE, F_UNLCK);
#endif
    return false;
  }

 private:
  // `range` is what the errors name.
  Status ReadAt(const ReadRange& range, uint64_t offset, std::byte* dest, size_t bytes,
                size_t needed) const {
    size_t done = 0;
    while (done < needed) {
      const size_t chunk = std::min(bytes - done, kChunkBytesMax);
      const ssize_t n = pread(fd_, dest + done, chunk, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ReadFailed(path_, range, ErrorText(errno));
      if (n == 0) return EndsEarly(path_, range, SizeNow());
      done += static_cast<size_t>(n);
    }
    return Status::Ok();
  }

  uint64_t SizeNow() const {
    struct stat info;
    return fstat(fd_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : bytes_;
  }

  const std::string path_;
  const int fd_;
  const size_t alignment_;
  uint64_t bytes_ = 0;
};

int OpenForReading(const std::string& path, int flags) {
  int fd = -1;
  do {
    fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// A descriptor that reads past the page cache, or -1 where the file system does not know how; some
// say so only when they read.
int OpenDirect(const std::string& path) {
#ifdef O_DIRECT
  const int fd = OpenForReading(path, O_DIRECT);
  if (fd < 0) return -1;
  const BounceBuffer block = NewBounceBuffer(kDirectAlignment);
  if (block != nullptr && pread(fd, block.get(), kDirectAlignment, 0) >= 0) return fd;
  close(fd);
#else
  (void)path;
#endif
  return -1;
}

#endif

}  // namespace

Result<std::unique_ptr<File>> File::Open(const std::string& path, PageCache page_cache) {
  const bool direct = page_cache == PageCache::kBypass;
#ifdef _WIN32
  const DWORD flags =
      FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OVERLAPPED | (direct ? FILE_FLAG_NO_BUFFERING : 0);
  // Other processes may rename or delete the file meanwhile, as on other systems; none may write to
  // it.
  const HANDLE handle =
      CreateFileW(Utf16(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                  OPEN_EXISTING, flags, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return OpenFailed(path, ErrorText(GetLastError()));
  auto file = std::make_unique<SystemFile>(path, handle, direct ? kDirectAlignment : 1);
#else
  size_t alignment = kDirectAlignment;
  int fd = direct ? OpenDirect(path) : -1;
  if (fd < 0) {
    alignment = 1;
    fd = OpenForReading(path, 0);
  }
  if (fd < 0) return OpenFailed(path, ErrorText(errno));
#ifdef F_NOCACHE
  if (direct) fcntl(fd, F_NOCACHE, 1);  // macOS: advisory, without alignment
#endif
  auto file = std::make_unique<SystemFile>(path, fd, alignment);
#endif
  RETURN_IF_ERROR(file->ReadSize());
  return std::unique_ptr<File>(std::move(file));
}

}  // namespace hearth
