// The table of kernels of an ISA.
#ifndef HEARTH_KERNELS_DISPATCH_H_
#define HEARTH_KERNELS_DISPATCH_H_

#include "base/cpu.h"
#include "kernels/kernels.h"

namespace hearth {

// Where `isa` is not compiled in or does not run here, the next lower one is given; ref always
// exists.
const Kernels& KernelsFor(Isa isa);

// True where this build has a table of `isa`, whether or not it runs here.
bool IsaCompiled(Isa isa);

}  // namespace hearth

#endif  // HEARTH_KERNELS_DISPATCH_H_
