#include "kernels/avx2_kernels.h"

namespace hearth {

constinit const Kernels kAvx2Kernels = TableOf("avx2");

}  // namespace hearth
