#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "io/reader.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace hearth {
namespace {

// No system call is asked for more at once: Linux stops at 2^31 - 4096 bytes, macOS refuses 2^31,
// Windows takes 32 bits.
constexpr size_t kChunkBytesMax = size_t{1} << 30;

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
  SystemFile(std::string path, HANDLE handle) : path_(std::move(path)), handle_(handle) {}
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
    Status status = ReadWithEvent(range, event);
    CloseHandle(event);
    return status;
  }

  uint64_t bytes() const override { return bytes_; }
  const std::string& path() const override { return path_; }

 private:
  Status ReadWithEvent(const ReadRange& range, HANDLE event) const {
    size_t done = 0;
    while (done < range.bytes) {
      const uint64_t offset = range.offset + done;
      OVERLAPPED overlapped = {};
      overlapped.Offset = static_cast<DWORD>(offset);
      overlapped.OffsetHigh = static_cast<DWORD>(offset >> 32);
      overlapped.hEvent = event;
      const DWORD chunk = static_cast<DWORD>(std::min(range.bytes - done, kChunkBytesMax));
      DWORD n = 0;
      bool ok = ReadFile(handle_, range.dest + done, chunk, nullptr, &overlapped) ||
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
  uint64_t bytes_ = 0;
};

#else

static_assert(sizeof(off_t) == 8, "models are larger than 4 GiB");

std::string ErrorText(int error) { return std::generic_category().message(error); }

class SystemFile : public File {
 public:
  SystemFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
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
    size_t done = 0;
    while (done < range.bytes) {
      const size_t chunk = std::min(range.bytes - done, kChunkBytesMax);
      const ssize_t n =
          pread(fd_, range.dest + done, chunk, static_cast<off_t>(range.offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ReadFailed(path_, range, ErrorText(errno));
      if (n == 0) return EndsEarly(path_, range, SizeNow());
      done += static_cast<size_t>(n);
    }
    return Status::Ok();
  }

  uint64_t bytes() const override { return bytes_; }
  const std::string& path() const override { return path_; }

 private:
  uint64_t SizeNow() const {
    struct stat info;
    return fstat(fd_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : bytes_;
  }

  const std::string path_;
  const int fd_;
  uint64_t bytes_ = 0;
};

#endif

}  // namespace

Result<std::unique_ptr<File>> File::Open(const std::string& path) {
#ifdef _WIN32
  // Others may rename or delete the file meanwhile, as they can elsewhere; nobody may write to it.
  const HANDLE handle =
      CreateFileW(Utf16(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                  OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OVERLAPPED, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return OpenFailed(path, ErrorText(GetLastError()));
  auto file = std::make_unique<SystemFile>(path, handle);
#else
  int fd = -1;
  do {
    fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return OpenFailed(path, ErrorText(errno));
  auto file = std::make_unique<SystemFile>(path, fd);
#endif
  RETURN_IF_ERROR(file->ReadSize());
  return std::unique_ptr<File>(std::move(file));
}

}  // namespace hearth
