#include "base/cpu.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#if defined(__x86_64__) || defined(_M_X64)
#define HEARTH_X86 1
#ifdef _MSC_VER
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#ifdef __linux__
#include <sched.h>
#endif

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace hearth {
namespace {

constexpr int kOsxsave = 27;  // bit of leaf 1's ecx

bool Bit(uint64_t value, int bit) { return ((value >> bit) & 1) != 0; }

#ifdef HEARTH_X86

struct CpuidRegisters {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

CpuidRegisters Cpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidRegisters r;
#ifdef _MSC_VER
  int regs[4];
  __cpuidex(regs, static_cast<int>(leaf), static_cast<int>(subleaf));
  r.eax = static_cast<uint32_t>(regs[0]);
  r.ebx = static_cast<uint32_t>(regs[1]);
  r.ecx = static_cast<uint32_t>(regs[2]);
  r.edx = static_cast<uint32_t>(regs[3]);
#else
  __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
#endif
  return r;
}

// XCR0: which register files the operating system saves. Call only where cpuid says OSXSAVE.
uint64_t EnabledRegisterState() {
#ifdef _MSC_VER
  return _xgetbv(0);
#else
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

CpuFacts Ask() {
  CpuFacts facts;
  facts.max_leaf = Cpuid(0, 0).eax;
  facts.leaf1_ecx = Cpuid(1, 0).ecx;
  if (facts.max_leaf >= 7) {
    const CpuidRegisters leaf7 = Cpuid(7, 0);
    facts.leaf7_ebx = leaf7.ebx;
    facts.leaf7_ecx = leaf7.ecx;
    if (leaf7.eax >= 1) facts.leaf7_1_eax = Cpuid(7, 1).eax;  // its highest subleaf
  }
  // Asking where the operating system has not enabled xgetbv is an illegal instruction.
  if (Bit(facts.leaf1_ecx, kOsxsave)) facts.xcr0 = EnabledRegisterState();
  return facts;
}

Isa Detect() { return BestIsaFor(Ask()); }

#elif defined(__aarch64__) && defined(__linux__)

Isa Detect() {
  constexpr int kAsimdDp = 20;  // of AT_HWCAP: the numbers of asm/hwcap.h
  constexpr int kI8mm = 13;     // of AT_HWCAP2
  ArmFacts facts;
  facts.dot_prod = Bit(getauxval(AT_HWCAP), kAsimdDp);
  facts.i8mm = Bit(getauxval(AT_HWCAP2), kI8mm);
  return BestIsaFor(facts);
}

#elif defined(__aarch64__) && defined(__APPLE__)

// Unknown to the system is absent from the processor.
bool SystemSays(const char* name) {
  int value = 0;
  size_t bytes = sizeof value;
  return sysctlbyname(name, &value, &bytes, nullptr, 0) == 0 && value != 0;
}

Isa Detect() {
  ArmFacts facts;
  facts.dot_prod = SystemSays("hw.optional.arm.FEAT_DotProd");
  facts.i8mm = SystemSays("hw.optional.arm.FEAT_I8MM");
  return BestIsaFor(facts);
}

#else

Isa Detect() { return Isa::kRef; }

#endif

bool HasAvx2(const CpuFacts& cpu) {
  if (cpu.max_leaf < 7 || !Bit(cpu.leaf1_ecx, kOsxsave)) return false;
  const bool ymm_saved = (cpu.xcr0 & 0x6) == 0x6;  // XMM and YMM
  return ymm_saved && Bit(cpu.leaf1_ecx, 28) /* avx */ && Bit(cpu.leaf1_ecx, 12) /* fma */ &&
         Bit(cpu.leaf1_ecx, 29) /* f16c */ && Bit(cpu.leaf7_ebx, 5) /* avx2 */;
}

bool IsNeon(Isa isa) { return isa == Isa::kNeonDotprod || isa == Isa::kNeonI8mm; }

#ifdef __linux__
// The first number in a file of /sys; -1 where there is none.
int FirstNumberIn(const char* format, int cpu) {
  char path[128];
  std::snprintf(path, sizeof path, format, cpu);
  std::FILE* file = std::fopen(path, "r");
  if (file == nullptr) return -1;
  int number = -1;
  if (std::fscanf(file, "%d", &number) != 1) number = -1;
  std::fclose(file);
  return number;
}

LogicalCpu DescribeCpu(int cpu) {
  LogicalCpu described;
  // A list such as "0,4" or "0-1": the lowest one names the core.
  const int sibling =
      FirstNumberIn("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
  described.core = sibling >= 0 ? sibling : cpu;
  // Kernels know it of ARM's cores and of Intel's hybrid ones; the highest clock tells as well.
  int capacity = FirstNumberIn("/sys/devices/system/cpu/cpu%d/cpu_capacity", cpu);
  if (capacity < 0)
    capacity = FirstNumberIn("/sys/devices/system/cpu/cpu%d/cpufreq/cpuinfo_max_freq", cpu);
  described.capacity = std::max(capacity, 0);
  return described;
}

std::optional<std::string> ReadSystemFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}
#endif

constexpr int kCgroupDepthMax = 64;

// "QUOTA PERIOD" in microseconds; "max" or -1 is no limit, and then 0 is returned.
int CpusOf(const std::string& text) {
  long long quota = 0;
  long long period = 0;
  if (std::sscanf(text.c_str(), "%lld %lld", &quota, &period) != 2) return 0;
  if (quota <= 0 || period <= 0 || quota > period * INT16_MAX) return 0;
  return static_cast<int>(std::max<long long>(1, (quota + period - 1) / period));
}

// Of one group, in a hierarchy of version 2 ("cpu.max") or 1.
int CpusOfGroup(const ReadText& read, const std::string& folder) {
  if (const auto max = read(folder + "/cpu.max")) return CpusOf(*max);
  const auto quota = read(folder + "/cpu.cfs_quota_us");
  const auto period = read(folder + "/cpu.cfs_period_us");
  return quota && period ? CpusOf(*quota + " " + *period) : 0;
}

// The least quota of a group and those around it, 0 where there is none.
int LeastCpusAlong(const ReadText& read, const std::string& root, std::string group) {
  int least = 0;
  for (int depth = 0; depth < kCgroupDepthMax; ++depth) {
    while (!group.empty() && group.back() == '/') group.pop_back();
    const int cpus = CpusOfGroup(read, root + group);
    if (cpus > 0 && (least == 0 || cpus < least)) least = cpus;
    if (group.empty()) break;
    group.erase(std::min(group.rfind('/'), group.size() - 1));
  }
  return least;
}

bool NamesCpuController(std::string_view controllers) {
  while (!controllers.empty()) {
    const size_t end = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, end) == "cpu") return true;
    controllers.remove_prefix(std::min(end + 1, controllers.size()));
  }
  return false;
}

}  // namespace

bool HasAvxVnni(const CpuFacts& cpu) { return HasAvx2(cpu) && Bit(cpu.leaf7_1_eax, 4); }

Isa BestIsaFor(const CpuFacts& cpu) {
  if (!HasAvx2(cpu)) return Isa::kRef;
  const bool zmm_saved = (cpu.xcr0 & 0xe6) == 0xe6;  // and opmask, ZMM 0-15 upper halves, ZMM 16-31
  const bool avx512 = zmm_saved && Bit(cpu.leaf7_ebx, 16) /* f */ &&
                      Bit(cpu.leaf7_ebx, 17) /* dq */ && Bit(cpu.leaf7_ebx, 30) /* bw */ &&
                      Bit(cpu.leaf7_ebx, 31) /* vl */ && Bit(cpu.leaf7_ecx, 11) /* vnni */;
  if (avx512) return Isa::kAvx512Vnni;
  return HasAvxVnni(cpu) ? Isa::kAvxVnni : Isa::kAvx2;
}

Isa BestIsaFor(const ArmFacts& cpu) {
  if (!cpu.dot_prod) return Isa::kRef;
  return cpu.i8mm ? Isa::kNeonI8mm : Isa::kNeonDotprod;
}

Isa BestIsa() {
  static const Isa best = Detect();
  return best;
}

bool IsaAvailable(Isa isa) {
#ifdef HEARTH_X86
  static const bool has_avx_vnni = HasAvxVnni(Ask());
  if (isa == Isa::kAvxVnni) return has_avx_vnni;
#endif
  return isa == Isa::kRef || (isa <= BestIsa() && IsNeon(isa) == IsNeon(BestIsa()));
}

bool IsaOfThisArchitecture(Isa isa) {
  if (isa == Isa::kRef) return true;
#if defined(HEARTH_X86)
  return !IsNeon(isa);
#elif defined(__aarch64__)
  return IsNeon(isa);
#else
  return false;
#endif
}

const char* IsaName(Isa isa) { return kIsas[static_cast<int>(isa)].name; }

std::optional<Isa> IsaFromName(std::string_view name) {
  for (const IsaRow& row : kIsas) {
    if (name == row.name) return row.isa;
  }
  return std::nullopt;
}

int CgroupCpuQuota(const ReadText& read) {
  const std::string root = "/sys/fs/cgroup";
  const std::string groups = read("/proc/self/cgroup").value_or("");
  int least = 0;
  const auto look = [&](const std::string& hierarchy, const std::string& group) {
    const int cpus = LeastCpusAlong(read, hierarchy, group);
    if (cpus > 0 && (least == 0 || cpus < least)) least = cpus;
  };
  for (size_t at = 0; at < groups.size();) {
    const size_t end = std::min(groups.find('\n', at), groups.size());
    const std::string line = groups.substr(at, end - at);  // "0::/a.slice/b" or "4:cpu,cpuacct:/a"
    at = end + 1;
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      look(root, group);
      look(root + "/unified", group);  // where both versions are mounted
    } else if (NamesCpuController(controllers)) {
      look(root + "/cpu", group);  // often a link to the next
      look(root + "/" + controllers, group);
    }
  }
  return least;
}

int CountFastCores(std::span<const LogicalCpu> cpus) {
  int fastest = 0;
  for (const LogicalCpu& cpu : cpus) fastest = std::max(fastest, cpu.capacity);
  std::set<int> cores;
  for (const LogicalCpu& cpu : cpus) {
    // Cores of one kind differ by a little, two kinds by a third or more.
    if (cpu.capacity * 4 >= fastest * 3) cores.insert(cpu.core);
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
}

int AvailableCpus() {
  int cpus = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    std::vector<LogicalCpu> allowed;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) allowed.push_back(DescribeCpu(cpu));
    }
    cpus = CountFastCores(allowed);
  }
  if (const int quota = CgroupCpuQuota(ReadSystemFile); quota > 0) cpus = std::min(cpus, quota);
#elif defined(__aarch64__) && defined(__APPLE__)
  int32_t fast = 0;
  size_t bytes = sizeof fast;
  if (sysctlbyname("hw.perflevel0.physicalcpu", &fast, &bytes, nullptr, 0) == 0 && fast > 0)
    cpus = fast;
#endif
  return cpus;
}

}  // namespace hearth
