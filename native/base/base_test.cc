#include <atomic>
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

TEST(Cpu, NamesRoundTrip) {
  for (Isa isa : {Isa::kRef, Isa::kAvx2, Isa::kAvx512Vnni}) {
    EXPECT_TRUE(IsaFromName(IsaName(isa)) == isa);
  }
  EXPECT_FALSE(IsaFromName("amx").has_value());
  EXPECT_TRUE(IsaAvailable(Isa::kRef));
  EXPECT_GE(AvailableCpus(), 1);
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
