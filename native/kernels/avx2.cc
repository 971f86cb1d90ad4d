#include "kernels/avx2-inl.h"

namespace hearth {

extern constinit const Kernels kAvx2Kernels = TableOf<Avx2>("avx2");

}  // namespace hearth
