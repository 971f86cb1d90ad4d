#include "kernels/dispatch.h"

#ifdef HEARTH_NEON_KERNELS
#include "kernels/neon.h"
#endif

namespace hearth {

const Kernels& KernelsFor(Isa isa) {
#ifdef HEARTH_X86_KERNELS
  if (isa >= Isa::kAvx512Vnni && IsaAvailable(Isa::kAvx512Vnni)) return kAvx512VnniKernels;
#ifdef HEARTH_AVX_VNNI_KERNELS
  if (isa >= Isa::kAvxVnni && IsaAvailable(Isa::kAvxVnni)) return kAvxVnniKernels;
#endif
  if (isa >= Isa::kAvx2 && IsaAvailable(Isa::kAvx2)) return kAvx2Kernels;
#endif
#ifdef HEARTH_NEON_KERNELS
  if (isa >= Isa::kNeonI8mm && IsaAvailable(Isa::kNeonI8mm)) return kNeonI8mmKernels;
  if (isa >= Isa::kNeonDotprod && IsaAvailable(Isa::kNeonDotprod)) return kNeonDotprodKernels;
#endif
  static_cast<void>(isa);
  return kRefKernels;
}

}  // namespace hearth
