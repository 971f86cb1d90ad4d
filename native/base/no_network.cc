#include "base/no_network.h"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hearth {
namespace {

#if defined(__x86_64__)
constexpr unsigned kArch = AUDIT_ARCH_X86_64;
// System calls of the x32 ABI: other numbers for the same calls, under the same architecture.
constexpr unsigned kForeignCalls = 0x40000000;
#else
constexpr unsigned kArch = AUDIT_ARCH_AARCH64;
constexpr unsigned kForeignCalls = 0x80000000;  // there are none; no call has such a number
#endif

// The same on both. A ring's operations include socket and connect, and no filter sees them; a
// descriptor of another process may be a socket.
constexpr unsigned kIoUringSetup = 425;
constexpr unsigned kPidfdGetfd = 438;

constexpr unsigned kRefuse = SECCOMP_RET_ERRNO | EACCES;

constexpr sock_filter Load(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset));
}

// Jumps are relative: so many instructions to skip.
constexpr sock_filter IfEqual(unsigned value, unsigned char then_skip, unsigned char else_skip) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then_skip, else_skip);
}

constexpr sock_filter Return(unsigned verdict) { return BPF_STMT(BPF_RET | BPF_K, verdict); }

}  // namespace

NetworkAccess DenyNetwork() {
  // Both supported architectures are little-endian: the low half of the first argument, the domain,
  // comes first.
  sock_filter program[] = {
      Load(offsetof(seccomp_data, arch)),
      IfEqual(kArch, 1, 0),
      Return(kRefuse),  // another architecture's calls (i386's socketcall) would pass under other
                        // numbers
      Load(offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kForeignCalls, 0, 1),
      Return(kRefuse),
      IfEqual(kIoUringSetup, 0, 1),
      Return(kRefuse),
      IfEqual(kPidfdGetfd, 0, 1),
      Return(kRefuse),
      IfEqual(__NR_socket, 2, 0),
      IfEqual(__NR_socketpair, 1, 0),
      Return(SECCOMP_RET_ALLOW),
      Load(offsetof(seccomp_data, args)),
      IfEqual(AF_UNIX, 0, 1),
      Return(SECCOMP_RET_ALLOW),
      Return(kRefuse),
  };
  const sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};
  // A filter without privileges asks for the promise that no child gains any.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return NetworkAccess::kUnsupported;
  // On all threads, or on none: Node has started some already.
  const long failed =
      syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
  return failed == 0 ? NetworkAccess::kDenied : NetworkAccess::kUnsupported;
}

}  // namespace hearth

#else

namespace hearth {

NetworkAccess DenyNetwork() { return NetworkAccess::kUnsupported; }

}  // namespace hearth

#endif
