// Kernels for NEON with dot products and 8-bit matrix multiplication (ARMv8.6: Neoverse N2 and V1,
// Apple M2 and later): several tokens are multiplied two at a time, with half the instructions.
#include "kernels/neon-inl.h"
#include "kernels/neon_products-inl.h"

namespace hearth {

extern constinit const Kernels kNeonI8mmKernels =
    TableOf<Neon, NeonProduct<TwoTokens>>("neon-i8mm");

}  // namespace hearth
