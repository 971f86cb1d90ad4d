#include "kernels/neon-inl.h"
#include "kernels/neon_products-inl.h"

namespace hearth {

extern constinit const Kernels kNeonDotprodKernels =
    TableOf<Neon, NeonProduct<OneToken>>("neon-dotprod");

}  // namespace hearth
