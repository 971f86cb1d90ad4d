#define HEARTH_AVX_VNNI
#include "kernels/avx2_kernels.h"

namespace hearth {

constinit const Kernels kAvxVnniKernels = TableOf("avxvnni");

}  // namespace hearth
