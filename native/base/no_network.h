// Takes the network away from this process, for good.
#ifndef HEARTH_BASE_NO_NETWORK_H_
#define HEARTH_BASE_NO_NETWORK_H_

namespace hearth {

enum class NetworkAccess {
  kDenied,  // socket() fails with EACCES for everything but AF_UNIX, on all threads and in children
  kUnsupported,  // not Linux on x86-64 or aarch64, or a kernel that refuses filters: nothing has
                 // changed
};

// Cannot be undone. A safety net against what our own code or a package might do some day, not a
// sandbox: native code in this process has other ways (io_uring, a socket passed by another
// process).
NetworkAccess DenyNetwork();

}  // namespace hearth

#endif  // HEARTH_BASE_NO_NETWORK_H_
