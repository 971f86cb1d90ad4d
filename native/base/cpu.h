// What this processor and its operating system allow us to execute.
#ifndef HEARTH_BASE_CPU_H_
#define HEARTH_BASE_CPU_H_

#include <optional>
#include <string_view>

namespace hearth {

// Instruction sets that kernels exist for, in rising order of preference.
enum class Isa { kRef = 0, kAvx2 = 1, kAvx512Vnni = 2 };

// The best ISA of this machine. Asks cpuid what the processor has AND xgetbv what the operating system saves on a
// context switch; AMX is never asked for, so that processors which list it and refuse it do not matter.
Isa BestIsa();

// True where code of `isa` runs here.
bool IsaAvailable(Isa isa);

// "ref", "avx2", "avx512vnni".
const char* IsaName(Isa isa);
std::optional<Isa> IsaFromName(std::string_view name);

// Cores that this process may run on: affinity mask and cgroup CPU quota, at least 1.
int AvailableCpus();

}  // namespace hearth

#endif  // HEARTH_BASE_CPU_H_
