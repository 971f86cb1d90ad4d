#include "base/file_lock.h"

#if defined(_WIN32)

namespace hearth {

Result<bool> LockFile(const std::string& path) {
  return Status::Io("cannot lock '" + path + "': not made for Windows");
}

}  // namespace hearth

#else

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

namespace hearth {

Result<bool> LockFile(const std::string& path) {
  // Not inherited: a child that outlives us would keep the lock.
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Status::Io("cannot open lock '" + path + "': " + strerror(errno));
  // Never closed when taken: the lock is the open file's.
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
  const int reason = errno;
  close(fd);
  if (reason == EWOULDBLOCK) return false;
  return Status::Io("cannot lock '" + path + "': " + strerror(reason));
}

}  // namespace hearth

#endif
