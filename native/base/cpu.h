// What this processor and its operating system allow us to execute.
#ifndef HEARTH_BASE_CPU_H_
#define HEARTH_BASE_CPU_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace hearth {

// Instruction sets that kernels exist for; those of one architecture in rising order of preference.
// The list: a new one has a value here, a row below and its test in cpu.cc. TypeScript's twin is
// ISAS in src/protocol/engineOptions.ts.
enum class Isa { kRef, kAvx2, kAvxVnni, kAvx512Vnni, kNeonDotprod, kNeonI8mm };

struct IsaRow {
  Isa isa;
  const char* name;
  const char* needs;  // of the processor
};
inline constexpr IsaRow kIsas[] = {
    {Isa::kRef, "ref", "nothing"},
    {Isa::kAvx2, "avx2", "AVX2, FMA and F16C"},
    {Isa::kAvxVnni, "avxvnni", "AVX2 and AVX-VNNI"},
    {Isa::kAvx512Vnni, "avx512vnni", "AVX-512 F, BW, DQ, VL and VNNI"},
    {Isa::kNeonDotprod, "neon-dotprod", "NEON with FEAT_DotProd"},
    {Isa::kNeonI8mm, "neon-i8mm", "NEON with FEAT_DotProd and FEAT_I8MM"},
};

// What an x86-64 processor says of itself (cpuid leaves) and what its operating system saves
// (xcr0).
struct CpuFacts {
  uint32_t max_leaf = 0;
  uint32_t leaf1_ecx = 0;
  uint32_t leaf7_ebx = 0;
  uint32_t leaf7_ecx = 0;
  uint32_t leaf7_1_eax = 0;
  uint64_t xcr0 = 0;
};
Isa BestIsaFor(const CpuFacts& cpu);
// Processors with AVX-512 may have it or not.
bool HasAvxVnni(const CpuFacts& cpu);

// What an AArch64 system says of its processor: Arm's names of the features.
struct ArmFacts {
  bool dot_prod = false;
  bool i8mm = false;
};
Isa BestIsaFor(const ArmFacts& cpu);

// The best ISA of this machine. On x86-64, asks cpuid what the processor has AND xgetbv what the
// operating system saves on a context switch; AMX is never asked for, so that processors which list
// it and refuse it do not matter. On AArch64, asks Linux or macOS.
Isa BestIsa();

// True where code of `isa` runs here.
bool IsaAvailable(Isa isa);
// True where some processor of this architecture runs it.
bool IsaOfThisArchitecture(Isa isa);

// A name of kIsas.
const char* IsaName(Isa isa);
std::optional<Isa> IsaFromName(std::string_view name);

// Tells the processor that this thread spins: the other hardware thread of the core runs faster,
// and less power is used.
inline void PauseSpinning() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
  __asm__ volatile("yield");
#endif
}

// A logical processor as its system describes it.
struct LogicalCpu {
  int core = 0;      // the same for the hardware threads of a core
  int capacity = 0;  // relative speed, 0 if unknown
};

// Cores that arithmetic gains from: one per physical core, and only the fast ones of a hybrid
// processor. The others would wait for a slow core, and a second hardware thread adds no memory
// port.
int CountFastCores(std::span<const LogicalCpu> cpus);

// The content of a file of the system, unset where there is none. Tests have another machine.
using ReadText = std::function<std::optional<std::string>(const std::string& path)>;

// Processors that the CPU quota of this process's control group or of one around it allows, rounded
// up; 0 where there is none. Version 2 (systemd's CPUQuota, Kubernetes) and version 1. Sources:
// cgroups(7), the kernel's Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst.
int CgroupCpuQuota(const ReadText& read);

// The number of threads worth starting: the fast cores among those that this process may run on, no
// more than its cgroup's CPU quota, at least 1.
int AvailableCpus();

}  // namespace hearth

#endif  // HEARTH_BASE_CPU_H_
