// Takes the network away from this process, for good.
#ifndef HEARTH_BASE_NO_NETWORK_H_
#define HEARTH_BASE_NO_NETWORK_H_

namespace hearth {

enum class NetworkAccess {
  kDenied,  // every way to a socket but AF_UNIX fails with EACCES, on all threads and in children:
            // socket() and socketpair() of this and of other ABIs, rings of io_uring, descriptors
            // of other processes
  kUnsupported,  // not Linux on x86-64 or aarch64, or a kernel that refuses filters: nothing has
                 // changed
};

// Cannot be undone. A safety net against what our own code or a package might do some day, not a
// sandbox: another process that does have a network may pass a socket over a local one.
NetworkAccess DenyNetwork();

}  // namespace hearth

#endif  // HEARTH_BASE_NO_NETWORK_H_
