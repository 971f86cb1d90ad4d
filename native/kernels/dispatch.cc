#include "kernels/dispatch.h"

namespace hearth {

const Kernels& KernelsFor(Isa isa) {
#ifdef HEARTH_X86_KERNELS
  if (isa >= Isa::kAvx512Vnni && IsaAvailable(Isa::kAvx512Vnni)) return kAvx512VnniKernels;
  if (isa >= Isa::kAvx2 && IsaAvailable(Isa::kAvx2)) return kAvx2Kernels;
#else
  static_cast<void>(isa);
#endif
  return kRefKernels;
}

}  // namespace hearth
