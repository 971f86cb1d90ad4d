// Kernels for NEON with dot products and 8-bit matrix multiplication (ARMv8.6: Neoverse N2 and V1,
// Apple M2 and later): several tokens are multiplied two at a time, with half the instructions. The
// bits are ref.cc's.
#include "kernels/neon.h"
#include "kernels/neon_products.h"

namespace hearth {

constinit const Kernels kNeonI8mmKernels = neon::TableOf("neon-i8mm", MatmulQ<TwoTokens>);

}  // namespace hearth
