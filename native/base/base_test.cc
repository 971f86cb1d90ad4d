#include <atomic>
#include <chrono>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/cpu.h"
#include "base/status.h"
#include "base/testing.h"
#include "base/thread_pool.h"

namespace hearth {
namespace {

TEST(ThreadPool, CoversEveryItemOnce) {
  for (int n_threads : {1, 2, 3, 8}) {
    ThreadPool pool(n_threads);
    for (int64_t count : {0, 1, 5, 16, 17, 1000}) {
      for (int64_t grain : {1, 4, 16}) {
        std::vector<std::atomic<int>> touched(static_cast<size_t>(count));
        pool.ParallelFor(count, grain, [&](int64_t begin, int64_t end, int worker) {
          EXPECT_TRUE(worker >= 0 && worker < n_threads);
          EXPECT_EQ(begin % grain, 0);
          for (int64_t i = begin; i < end; ++i) touched[static_cast<size_t>(i)]++;
        });
        for (const auto& t : touched) EXPECT_EQ(t.load(), 1);
      }
    }
  }
}

TEST(ThreadPool, SurvivesManyShortRegions) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum = 0;
  for (int i = 0; i < 2000; ++i) {
    pool.ParallelFor(3, 1, [&](int64_t begin, int64_t end, int) { sum += end - begin; });
  }
  EXPECT_EQ(sum.load(), 6000);
}

TEST(ThreadPool, WakesWhoSleptAndSleepsWhoIsIdle) {
  ThreadPool pool(3);
  for (int round = 0; round < 5; ++round) {
    // Longer than a worker spins.
    std::this_thread::sleep_for(3 * ThreadPool::kSpin);
    std::atomic<int> n_worker = 0;
    std::vector<std::atomic<int>> seen(3);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    // Until another worker has taken a piece: it has been woken.
    while (n_worker < 2 && std::chrono::steady_clock::now() < until) {
      pool.ParallelFor(64, 1, [&](int64_t, int64_t, int worker) {
        if (seen[static_cast<size_t>(worker)]++ == 0) ++n_worker;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      });
    }
    EXPECT_GE(n_worker.load(), 2);
  }
}

TEST(ThreadPool, UsesSoManyThreadsAndAllOfThemAgain) {
  ThreadPool pool(4);
  EXPECT_EQ(pool.n_used(), 4);
  // The highest worker that took a piece in any of some regions; stops early at `enough`.
  const auto highest_worker = [&](int n_region, int enough) {
    std::atomic<int> highest = 0;
    std::atomic<int64_t> sum = 0;
    for (int i = 0; i < n_region && highest < enough; ++i) {
      sum = 0;
      pool.ParallelFor(64, 1, [&](int64_t begin, int64_t end, int worker) {
        int seen = highest;
        while (worker > seen && !highest.compare_exchange_weak(seen, worker)) {
        }
        sum += end - begin;
        std::this_thread::sleep_for(std::chrono::microseconds(20));
      });
      EXPECT_EQ(sum.load(), 64);
    }
    return highest.load();
  };
  for (int round = 0; round < 3; ++round) {
    for (const int n : {2, 1, 3}) {
      pool.Use(n);
      EXPECT_EQ(pool.n_used(), n);
      EXPECT_LT(highest_worker(50, 4), n);
      // Long enough that all sleep.
      std::this_thread::sleep_for(3 * ThreadPool::kSpin);
      EXPECT_LT(highest_worker(50, 4), n);
    }
    pool.Use(99);
    EXPECT_EQ(pool.n_used(), 4);
    EXPECT_EQ(highest_worker(20'000, 3), 3);
  }
  // A pool may end while some of its threads are not used.
  pool.Use(2);
}

TEST(ThreadPool, EndsARegionOneOfWhoseBodiesHadNoMemory) {
  for (int n_threads : {1, 3}) {
    ThreadPool pool(n_threads);
    for (int64_t round = 0; round < 50; ++round) {
      // On the stack of the caller: no thread may use it any more once the region has ended.
      std::atomic<int64_t> n = 0;
      bool thrown = false;
      try {
        pool.ParallelFor(64, 1, [&](int64_t begin, int64_t end, int) {
          n += end - begin;
          std::this_thread::sleep_for(std::chrono::microseconds(5));
          if (begin <= round && round < end) throw std::bad_alloc();
        });
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      EXPECT_TRUE(thrown);
      EXPECT_EQ(n.load(), 64);
    }
    std::atomic<int64_t> n = 0;
    pool.ParallelFor(64, 1, [&](int64_t begin, int64_t end, int) { n += end - begin; });
    EXPECT_EQ(n.load(), 64);
  }
}

// A worker that lost its core in the middle of a piece is waited for, and then left out for a
// while.
TEST(ThreadPool, WorksAloneAfterALongWait) {
  ThreadPool pool(2);
  const auto others_share = [&](std::chrono::microseconds slow) {
    std::atomic<int> by_others = 0;
    pool.ParallelFor(64, 1, [&](int64_t begin, int64_t end, int worker) {
      if (worker > 0) by_others += static_cast<int>(end - begin);
      std::this_thread::sleep_for(worker > 0 ? slow : std::chrono::microseconds(20));
    });
    return by_others.load();
  };
  const auto long_wait = 40 * ThreadPool::kPatience;
  int n_alone = 0;
  for (int i = 0; i < 200 && n_alone == 0; ++i) {
    if (others_share(long_wait) == 0) continue;  // it was not there at all
    if (others_share(std::chrono::microseconds(20)) == 0) ++n_alone;
  }
  EXPECT_EQ(n_alone, 1);
  // Not for ever.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  int shared = 0;
  while (shared == 0 && std::chrono::steady_clock::now() < until) {
    shared = others_share(std::chrono::microseconds(20));
  }
  EXPECT_GT(shared, 0);
}

TEST(Cpu, NamesRoundTrip) {
  for (const IsaRow& row : kIsas) {
    EXPECT_TRUE(IsaFromName(IsaName(row.isa)) == row.isa);
    // Rows stand where their value says.
    EXPECT_EQ(std::string(IsaName(row.isa)), std::string(row.name));
    if (IsaAvailable(row.isa)) EXPECT_TRUE(IsaOfThisArchitecture(row.isa));
  }
  EXPECT_FALSE(IsaFromName("amx").has_value());
  EXPECT_TRUE(IsaAvailable(Isa::kRef));
  EXPECT_GE(AvailableCpus(), 1);
}

int QuotaIn(const std::map<std::string, std::string>& files) {
  return CgroupCpuQuota([&](const std::string& path) {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  });
}

// systemd's CPUQuota stands at the service, or at a slice around it; the root has no such file.
TEST(CgroupCpuQuota, IsTheLeastOfTheGroupAndThoseAroundIt) {
  std::map<std::string, std::string> files = {
      {"/proc/self/cgroup", "0::/user.slice/app.slice/code.scope\n"},
      {"/sys/fs/cgroup/user.slice/app.slice/code.scope/cpu.max", "max 100000\n"},
      {"/sys/fs/cgroup/user.slice/app.slice/cpu.max", "250000 100000\n"},
  };
  EXPECT_EQ(QuotaIn(files), 3);
  files["/sys/fs/cgroup/user.slice/cpu.max"] = "50000 100000\n";
  EXPECT_EQ(QuotaIn(files), 1);
  files["/sys/fs/cgroup/user.slice/app.slice/code.scope/cpu.max"] = "800000 100000\n";
  EXPECT_EQ(QuotaIn(files), 1);
}

TEST(CgroupCpuQuota, IsReadInAContainer) {
  EXPECT_EQ(QuotaIn({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "150000 100000"}}),
            2);
}

TEST(CgroupCpuQuota, IsReadInVersion1) {
  std::map<std::string, std::string> files = {
      {"/proc/self/cgroup", "12:memory:/x\n4:cpu,cpuacct:/docker/abc\n3:cpuset:/\n0::/system\n"},
      {"/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "400000\n"},
      {"/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us", "100000\n"},
  };
  EXPECT_EQ(QuotaIn(files), 4);
  files["/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"] = "100000\n";
  files["/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us"] = "50000\n";
  EXPECT_EQ(QuotaIn(files), 2);
  files["/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us"] = "-1\n";
  EXPECT_EQ(QuotaIn(files), 2);
}

TEST(CgroupCpuQuota, IsNoneWhereNothingSaysOne) {
  EXPECT_EQ(QuotaIn({}), 0);
  EXPECT_EQ(QuotaIn({{"/proc/self/cgroup", "nonsense\n:\n0::\n9:cpuset:/a"}}), 0);
  EXPECT_EQ(QuotaIn({{"/proc/self/cgroup", "0::/"}, {"/sys/fs/cgroup/cpu.max", "max 100000"}}), 0);
  EXPECT_EQ(QuotaIn({{"/proc/self/cgroup", "0::/"}, {"/sys/fs/cgroup/cpu.max", "1e9 0"}}), 0);
}

TEST(Cpu, CountsCoresThatArithmeticGainsFrom) {
  const auto count = [](std::vector<LogicalCpu> cpus) { return CountFastCores(cpus); };
  EXPECT_EQ(count({}), 1);
  EXPECT_EQ(count({{0, 0}, {1, 0}, {2, 0}}), 3);          // nothing is known of them
  EXPECT_EQ(count({{0, 0}, {0, 0}, {1, 0}, {1, 0}}), 2);  // two threads a core
  EXPECT_EQ(count({{0, 5400}, {0, 5400}, {1, 5600}, {2, 4000}, {3, 4000}}), 2);  // two kinds
  EXPECT_EQ(count({{0, 462}, {1, 462}, {2, 1024}, {3, 1024}, {4, 1024}}), 3);
  EXPECT_EQ(count({{2, 4000}, {3, 4000}}), 2);  // only slow ones are allowed
}

TEST(Cpu, TakesWhatProcessorAndSystemBothOffer) {
  CpuFacts cpu;
  cpu.max_leaf = 7;
  cpu.leaf1_ecx = 1u << 27 | 1u << 28 | 1u << 12 | 1u << 29;
  cpu.leaf7_ebx = 1u << 5 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  cpu.leaf7_ecx = 1u << 11;
  cpu.xcr0 = 0xe7;
  EXPECT_TRUE(BestIsaFor(cpu) == Isa::kAvx512Vnni);
  const auto without = [&](auto change) {
    CpuFacts other = cpu;
    change(other);
    return BestIsaFor(other);
  };
  // No AVX2, no FMA, no half floats, or a system that does not save the registers: the reference.
  EXPECT_TRUE(without([](CpuFacts& c) { c.leaf7_ebx &= ~(1u << 5); }) == Isa::kRef);
  EXPECT_TRUE(without([](CpuFacts& c) { c.leaf1_ecx &= ~(1u << 12); }) == Isa::kRef);
  EXPECT_TRUE(without([](CpuFacts& c) { c.leaf1_ecx &= ~(1u << 29); }) == Isa::kRef);
  EXPECT_TRUE(without([](CpuFacts& c) { c.leaf1_ecx &= ~(1u << 27); }) == Isa::kRef);
  EXPECT_TRUE(without([](CpuFacts& c) { c.xcr0 = 0x3; }) == Isa::kRef);
  EXPECT_TRUE(without([](CpuFacts& c) { c.max_leaf = 6; }) == Isa::kRef);
  // AVX-512 that is incomplete, or that the system does not save.
  EXPECT_TRUE(without([](CpuFacts& c) { c.leaf7_ecx = 0; }) == Isa::kAvx2);
  EXPECT_TRUE(without([](CpuFacts& c) { c.leaf7_ebx &= ~(1u << 31); }) == Isa::kAvx2);
  EXPECT_TRUE(without([](CpuFacts& c) { c.xcr0 = 0x7; }) == Isa::kAvx2);
  // AVX-VNNI where there is no AVX-512; with it, it may still be missing.
  EXPECT_FALSE(HasAvxVnni(cpu));
  cpu.leaf7_1_eax = 1u << 4;
  EXPECT_TRUE(HasAvxVnni(cpu));
  EXPECT_TRUE(BestIsaFor(cpu) == Isa::kAvx512Vnni);
  EXPECT_TRUE(without([](CpuFacts& c) { c.leaf7_ecx = 0; }) == Isa::kAvxVnni);
  EXPECT_TRUE(without([](CpuFacts& c) { c.xcr0 = 0x3; }) == Isa::kRef);
}

TEST(Cpu, TakesTheBestOfNeon) {
  EXPECT_TRUE(BestIsaFor(ArmFacts{.dot_prod = true, .i8mm = true}) == Isa::kNeonI8mm);
  EXPECT_TRUE(BestIsaFor(ArmFacts{.dot_prod = true, .i8mm = false}) == Isa::kNeonDotprod);
  EXPECT_TRUE(BestIsaFor(ArmFacts{.dot_prod = false, .i8mm = true}) == Isa::kRef);
  EXPECT_TRUE(BestIsaFor(ArmFacts{}) == Isa::kRef);
}

TEST(AlignedBuffer, IsZeroedAndAligned) {
  Result<AlignedBuffer> buffer = AlignedBuffer::Allocate(100000);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.value().data()) % kCacheLineBytes, 0u);
  for (size_t i = 0; i < 100000; ++i) EXPECT_TRUE(buffer.value().data()[i] == std::byte{0});
}

TEST(AlignedBuffer, ReportsWhatCannotBeHad) {
  const Result<AlignedBuffer> buffer = AlignedBuffer::Allocate(size_t{1} << 60);
  EXPECT_FALSE(buffer.ok());
  EXPECT_TRUE(buffer.status().code() == StatusCode::kMemory);
}

Status FailsWith(StatusCode code) {
  RETURN_IF_ERROR(Status(code, "because"));
  return Status::Ok();
}

TEST(Status, PassesFailuresOn) {
  EXPECT_TRUE(FailsWith(StatusCode::kIo).code() == StatusCode::kIo);
  EXPECT_EQ(FailsWith(StatusCode::kIo).message(), "because");
  EXPECT_TRUE(FailsWith(StatusCode::kOk).ok());
}

}  // namespace
}  // namespace hearth
