// Kernels of emulated instruction sets, so that the bodies of all of them are tested wherever the
// tests run: with the lanes and tiles of AVX-512 (16), of AVX2 (8) and of NEON (4). What they do
// not show is that an ISA's own primitives do what the emulated ones do: only a processor that has
// it can.
#ifndef HEARTH_KERNELS_EMULATED_TESTING_H_
#define HEARTH_KERNELS_EMULATED_TESTING_H_

#include <vector>

#include "kernels/kernels.h"

namespace hearth::testing {

std::vector<const Kernels*> EmulatedTables();

}  // namespace hearth::testing

#endif  // HEARTH_KERNELS_EMULATED_TESTING_H_
