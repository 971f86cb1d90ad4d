// What concerns the whole process is tried out in children.
#include "base/file_lock.h"
#include "base/no_network.h"
#include "base/testing.h"

#if !defined(_WIN32)

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace hearth {
namespace {

// The exit code of work(), run in a child; -1 if a signal ended it.
template <typename Work>
int InChild(const Work& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool Refused(int domain) {
  const int fd = socket(domain, SOCK_STREAM, 0);
  const bool refused = fd < 0 && errno == EACCES;
  if (fd >= 0) close(fd);
  return refused;
}

constexpr int kSkipped = 99;

TEST(DenyNetwork, LeavesLocalSocketsOnly) {
  const int code = InChild([] {
    if (DenyNetwork() == NetworkAccess::kUnsupported) return kSkipped;
    if (!Refused(AF_INET)) return 1;
    if (!Refused(AF_INET6)) return 2;
    if (Refused(AF_UNIX)) return 3;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 4;
    if (write(pair[0], "x", 1) != 1) return 5;
    return 0;
  });
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
  EXPECT_EQ(code, 0);
#else
  EXPECT_EQ(code, kSkipped);
#endif
}

#if defined(__linux__)
TEST(DenyNetwork, LeavesEveryOtherFamilyOut) {
  EXPECT_EQ(InChild([] {
              if (DenyNetwork() == NetworkAccess::kUnsupported) return kSkipped;
              // AF_PACKET, AF_NETLINK, AF_VSOCK, AF_BLUETOOTH
              for (int domain : {17, 16, 40, 31}) {
                if (!Refused(domain)) return domain;
              }
              return 0;
            }),
            0);
}
#endif

#if defined(__linux__)
// Whether a raw system call is refused by the filter, whatever its arguments would do without.
bool CallRefused(long number, long a, long b, long c) {
  errno = 0;
  return syscall(number, a, b, c) == -1 && errno == EACCES;
}

TEST(DenyNetwork, LeavesNoOtherWayToASocket) {
  EXPECT_EQ(InChild([] {
              if (DenyNetwork() == NetworkAccess::kUnsupported) return kSkipped;
              alignas(8) char params[120] = {};  // struct io_uring_params
              if (!CallRefused(425, 8, reinterpret_cast<long>(params), 0)) return 1;
              if (!CallRefused(438, getpid(), 0, 0)) return 2;  // pidfd_getfd
#if defined(__x86_64__)
              constexpr long kX32 = 0x40000000;
              if (!CallRefused(kX32 | SYS_socket, AF_INET, SOCK_STREAM, 0)) return 3;
              if (!CallRefused(kX32 | SYS_socketpair, AF_INET, SOCK_STREAM, 0)) return 4;
#endif
              // The upper half of an argument does not hide a family.
              if (!CallRefused(SYS_socket, AF_INET | long{1} << 32, SOCK_STREAM, 0)) return 5;
              int raw[2];
              errno = 0;
              if (socketpair(AF_INET, SOCK_STREAM, 0, raw) != -1 || errno != EACCES) return 6;
              return 0;
            }),
            0);
}

#if defined(__x86_64__)
// The i386 table has socket() and socketcall(), under other numbers.
long CallOfI386(long number, long a, long b, long c) {
  long result = number;
  __asm__ volatile("int $0x80"
                   : "+a"(result)
                   : "b"(a), "c"(b), "d"(c)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}

TEST(DenyNetwork, RefusesCallsOfI386) {
  const int without = InChild([] { return CallOfI386(20, 0, 0, 0) > 0 ? 0 : 1; });  // getpid
  if (without != 0) return;  // this kernel has no such calls
  EXPECT_EQ(InChild([] {
              if (DenyNetwork() == NetworkAccess::kUnsupported) return kSkipped;
              if (CallOfI386(359, AF_INET, SOCK_STREAM, 0) != -EACCES) return 1;  // socket
              if (CallOfI386(102, 1, 0, 0) != -EACCES) return 2;                  // socketcall
              return 0;
            }),
            0);
}
#endif
#endif

TEST(LockFile, IsHeldByOneProcessUntilItEnds) {
  char folder[] = "/tmp/hearth-lock-XXXXXX";
  ASSERT_TRUE(mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/lock";
  int to_child[2];
  int from_child[2];
  ASSERT_TRUE(pipe(to_child) == 0 && pipe(from_child) == 0);
  const pid_t holder = fork();
  if (holder == 0) {
    close(to_child[1]);
    Result<bool> locked = LockFile(path);
    const char answer = locked.ok() && locked.value() ? 'y' : 'n';
    if (write(from_child[1], &answer, 1) != 1) _exit(1);
    char wait;
    // Until the parent closes its end.
    while (read(to_child[0], &wait, 1) > 0) {
    }
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(from_child[0], &answer, 1), ssize_t{1});
  EXPECT_EQ(answer, 'y');
  const auto locks = [&] {
    return InChild([&] {
      Result<bool> locked = LockFile(path);
      return locked.ok() && locked.value() ? 1 : 0;
    });
  };
  EXPECT_EQ(locks(), 0);
  close(to_child[1]);
  waitpid(holder, nullptr, 0);
  EXPECT_EQ(locks(), 1);
  EXPECT_EQ(locks(), 1);
  unlink(path.c_str());
  rmdir(folder);
}

TEST(LockFile, SaysWhatIsWrong) {
  const Result<bool> locked = LockFile("/no/such/folder/lock");
  ASSERT_TRUE(!locked.ok());
  EXPECT_TRUE(locked.status().code() == StatusCode::kIo);
}

}  // namespace
}  // namespace hearth

#endif
