#include "kernels/dispatch.h"

namespace hearth {

// isa_tables.inc is HEARTH_ISA(Avx2) and so on, a line each, as CMakeLists.txt has compiled them.
#define HEARTH_ISA(name) extern const Kernels k##name##Kernels;
#include "kernels/isa_tables.inc"
#undef HEARTH_ISA

namespace {

struct Table {
  Isa isa;
  const Kernels* kernels;
};

constexpr Table kTables[] = {
    {Isa::kRef, &kRefKernels},
#define HEARTH_ISA(name) {Isa::k##name, &k##name##Kernels},
#include "kernels/isa_tables.inc"
#undef HEARTH_ISA
};

}  // namespace

const Kernels& KernelsFor(Isa isa) {
  Table best = kTables[0];
  for (const Table& table : kTables) {
    if (table.isa > best.isa && table.isa <= isa && IsaAvailable(table.isa)) best = table;
  }
  return *best.kernels;
}

bool IsaCompiled(Isa isa) {
  for (const Table& table : kTables) {
    if (table.isa == isa) return true;
  }
  return false;
}

}  // namespace hearth
