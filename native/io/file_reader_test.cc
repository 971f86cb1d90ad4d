#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/testing.h"
#include "io/reader.h"

namespace hearth {
namespace {

using Bytes = std::vector<std::byte>;

// What the test files hold: a function of the offset whose period is a prime, so that no shifted
// read looks right.
std::byte ByteAt(uint64_t offset) { return static_cast<std::byte>(offset * 7 % 251); }

bool HoldsFileBytes(const Bytes& bytes, uint64_t offset) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != ByteAt(offset + i)) return false;
  }
  return true;
}

// A file in the temporary directory that disappears with this object. Empty at first.
class TempFile {
 public:
  TempFile()
      : path_((std::filesystem::temp_directory_path() /
               ("hearth_file_reader_test_" + std::to_string(std::random_device()())))
                  .string()) {
    std::ofstream(path_, std::ios::binary);
  }
  ~TempFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  // Writes ByteAt(offset) over [offset, offset + bytes); the file grows as needed.
  void Write(uint64_t offset, size_t bytes) const {
    std::string content(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i) content[i] = static_cast<char>(ByteAt(offset + i));
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(content.data(), static_cast<std::streamsize>(bytes));
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// Counts calls of `done` and keeps their outcomes; Wait blocks until n have come.
class Outcomes {
 public:
  std::function<void(Status)> Recorder(std::string name = "") {
    return [this, name = std::move(name)](Status status) {
      std::lock_guard lock(mutex_);
      names_.push_back(name);
      statuses_.push_back(std::move(status));
      changed_.notify_all();
    };
  }
  void Wait(size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return names_.size() >= n; });
  }
  // In the order of completion.
  std::vector<std::string> names() {
    std::lock_guard lock(mutex_);
    return names_;
  }
  std::vector<Status> statuses() {
    std::lock_guard lock(mutex_);
    return statuses_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> names_;
  std::vector<Status> statuses_;
};

// A file in which every read waits at a gate until it is opened; then it fills dest with ByteAt and
// notes the offset. Reads at `bad_offset` fail.
class GatedFile : public File {
 public:
  Status Read(const ReadRange& range) const override {
    std::unique_lock lock(mutex_);
    ++n_waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    --n_waiting_;
    if (delay.count() > 0) std::this_thread::sleep_for(delay);
    order_.push_back(range.offset);
    if (range.offset == bad_offset) return Status::Io("bad block");
    for (size_t i = 0; i < range.bytes; ++i) range.dest[i] = ByteAt(range.offset + i);
    return Status::Ok();
  }
  uint64_t bytes() const override { return 1 << 20; }
  const std::string& path() const override { return path_; }

  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void WaitForReaders(int n) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_waiting_ >= n; });
  }
  std::vector<uint64_t> order() const {
    std::lock_guard lock(mutex_);
    return order_;
  }

  uint64_t bad_offset = UINT64_MAX;
  std::chrono::milliseconds delay{0};  // of every read after the gate

 private:
  const std::string path_ = "gated";
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable int n_waiting_ = 0;
  mutable std::vector<uint64_t> order_;
  bool open_ = false;
};

std::unique_ptr<File> OpenOrDie(const std::string& path) {
  Result<std::unique_ptr<File>> file = File::Open(path);
  CHECK(file.ok(), file.status().message().c_str());
  return std::move(file).value();
}

TEST(File, ReadsAnyRange) {
  const TempFile temp;
  temp.Write(0, 100000);
  const std::unique_ptr<File> file = OpenOrDie(temp.path());
  EXPECT_EQ(file->bytes(), 100000u);
  EXPECT_EQ(file->path(), temp.path());
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const uint64_t offset = random() % 100001;
    Bytes bytes(random() % (100001 - offset));
    const Status status = file->Read({offset, bytes.size(), bytes.data()});
    EXPECT_TRUE(status.ok());
    EXPECT_TRUE(HoldsFileBytes(bytes, offset));
  }
}

// Where the file system has no reads past its page cache, this tests what happens then.
TEST(File, ReadsAnyRangePastThePageCache) {
  const TempFile temp;
  constexpr size_t kFileBytes = 100000;
  temp.Write(0, kFileBytes);
  Result<std::unique_ptr<File>> opened = File::Open(temp.path(), PageCache::kBypass);
  ASSERT_TRUE(opened.ok());
  const File& file = *opened.value();
  EXPECT_EQ(file.bytes(), kFileBytes);
  const size_t alignment = file.alignment();
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const uint64_t offset = random() % (kFileBytes + 1);
    const size_t n = random() % (kFileBytes + 1 - offset);
    Bytes bytes(n);
    EXPECT_TRUE(file.Read({offset, n, bytes.data()}).ok());
    EXPECT_TRUE(HoldsFileBytes(bytes, offset));
    // In place, whole blocks around it.
    Result<AlignedBuffer> room = AlignedBuffer::Allocate(kFileBytes + 2 * alignment);
    ASSERT_TRUE(room.ok());
    std::byte* dest = room.value().data() + offset % alignment;
    EXPECT_TRUE(file.Read({offset, n, dest, true}).ok());
    EXPECT_TRUE(HoldsFileBytes(Bytes(dest, dest + n), offset));
  }
  Bytes bytes(600);
  const Status beyond = file.Read({kFileBytes - 500, 600, bytes.data()});
  EXPECT_TRUE(beyond.code() == StatusCode::kIo);
  EXPECT_TRUE(beyond.message().find("ends after 100000 bytes") != std::string::npos);
}

#ifndef _WIN32  // where this file would not be sparse
TEST(File, ReadsBeyondFourGibibytes) {
  const TempFile temp;
  const uint64_t offset = (uint64_t{5} << 30) + 12345;
  temp.Write(offset, 5000);
  const std::unique_ptr<File> file = OpenOrDie(temp.path());
  EXPECT_EQ(file->bytes(), offset + 5000);
  Bytes bytes(5000);
  EXPECT_TRUE(file->Read({offset, bytes.size(), bytes.data()}).ok());
  EXPECT_TRUE(HoldsFileBytes(bytes, offset));
}
#endif

TEST(File, SaysWhereAShortFileEnds) {
  const TempFile temp;
  temp.Write(0, 1000);
  const std::unique_ptr<File> file = OpenOrDie(temp.path());
  Bytes bytes(600);
  const Status status = file->Read({500, 600, bytes.data()});
  EXPECT_TRUE(status.code() == StatusCode::kIo);
  EXPECT_EQ(
      status.message(),
      "cannot read 600 bytes at offset 500 of '" + temp.path() +
          "': the file ends after 1000 bytes; it was truncated or replaced, download it again");
  EXPECT_TRUE(file->Read({5000, 1, bytes.data()}).code() == StatusCode::kIo);
  const Status beyond_offsets = file->Read({UINT64_MAX - 5, 600, bytes.data()});
  EXPECT_TRUE(beyond_offsets.code() == StatusCode::kIo);
  EXPECT_TRUE(beyond_offsets.message().find("ends after 1000 bytes") != std::string::npos);
  EXPECT_TRUE(file->Read({1000, 0, bytes.data()}).ok());
}

#ifndef _WIN32  // where an open file cannot be truncated
TEST(File, SaysWhereATruncatedFileEnds) {
  const TempFile temp;
  temp.Write(0, 1000);
  const std::unique_ptr<File> file = OpenOrDie(temp.path());
  std::filesystem::resize_file(temp.path(), 300);
  Bytes bytes(600);
  const Status status = file->Read({0, 600, bytes.data()});
  EXPECT_TRUE(status.code() == StatusCode::kIo);
  EXPECT_TRUE(status.message().find("ends after 300 bytes") != std::string::npos);
}
#endif

TEST(File, SaysWhatCannotBeOpened) {
  const Result<std::unique_ptr<File>> missing = File::Open("no/such/model.gguf");
  EXPECT_TRUE(missing.status().code() == StatusCode::kIo);
  EXPECT_EQ(missing.status().message().find("cannot open 'no/such/model.gguf': "), 0u);
  EXPECT_TRUE(missing.status().message().size() > 40);
  const std::string folder = std::filesystem::temp_directory_path().string();
  EXPECT_TRUE(File::Open(folder).status().code() == StatusCode::kIo);
}

#ifdef __linux__
TEST(File, TellsWhetherSomebodyWritesToIt) {
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("hearth-written-" + std::to_string(std::random_device{}())))
                               .string();
  std::ofstream writer(path, std::ios::binary);
  writer << "half of a file" << std::flush;
  const std::unique_ptr<File> file = std::move(File::Open(path)).value();
  EXPECT_TRUE(file->IsBeingWritten());
  writer.close();
  EXPECT_TRUE(!file->IsBeingWritten());
  // Readers do not count, nor does having asked.
  const std::ifstream reader(path, std::ios::binary);
  EXPECT_TRUE(!file->IsBeingWritten());
  std::filesystem::remove(path);
}
#endif

TEST(FileReader, ReadsManyJobsOnManyThreads) {
  constexpr size_t kFileBytes = 300000;
  const TempFile temp;
  temp.Write(0, kFileBytes);
  const std::unique_ptr<File> file = OpenOrDie(temp.path());
  for (const int n_threads : {1, 2, 5}) {
    const std::unique_ptr<Reader> reader = MakeFileReader(*file, n_threads);
    std::mt19937 random(static_cast<uint32_t>(n_threads));
    Outcomes outcomes;
    uint64_t bytes_total = 0;
    struct Piece {
      uint64_t offset;
      Bytes bytes;
    };
    std::vector<Piece> pieces;
    constexpr int kJobs = 200;
    for (int i = 0; i < kJobs * 3; ++i) {
      const uint64_t offset = random() % kFileBytes;
      const size_t bytes = random() % std::min<uint64_t>(5000, kFileBytes - offset);
      pieces.push_back({offset, Bytes(bytes)});
      bytes_total += bytes;
    }
    for (size_t i = 0; i < pieces.size(); i += 3) {
      ReadRange ranges[3];
      for (size_t k = 0; k < 3; ++k) {
        Piece& piece = pieces[i + k];
        ranges[k] = {piece.offset, piece.bytes.size(), piece.bytes.data()};
      }
      const bool demand = random() % 2 == 0;
      reader->Submit(ranges, demand ? ReadPriority::kDemand : ReadPriority::kSpeculative,
                     outcomes.Recorder());
      if (random() % 4 == 0) reader->Promote(ranges[0].dest);
    }
    outcomes.Wait(kJobs);
    for (const Status& status : outcomes.statuses()) EXPECT_TRUE(status.ok());
    for (const Piece& piece : pieces) EXPECT_TRUE(HoldsFileBytes(piece.bytes, piece.offset));
    EXPECT_EQ(reader->bytes_read(), bytes_total);
  }
}

// Submits a job of `n_ranges` reads of one byte at offset, offset + 1, ...
void SubmitBytes(Reader& reader, uint64_t offset, Bytes& dest, size_t n_ranges,
                 ReadPriority priority, std::function<void(Status)> done) {
  std::vector<ReadRange> ranges;
  for (size_t i = 0; i < n_ranges; ++i) {
    ranges.push_back({offset + i, 1, dest.data() + offset + i});
  }
  reader.Submit(ranges, priority, std::move(done));
}

TEST(FileReader, TakesBackWhatHasNotBegun) {
  GatedFile file;
  Bytes dest(20);
  Outcomes outcomes;
  const std::unique_ptr<Reader> reader = MakeFileReader(file, 1);
  SubmitBytes(*reader, 0, dest, 2, ReadPriority::kDemand, outcomes.Recorder());
  file.WaitForReaders(1);
  SubmitBytes(*reader, 5, dest, 2, ReadPriority::kSpeculative, outcomes.Recorder());
  SubmitBytes(*reader, 10, dest, 1, ReadPriority::kSpeculative, outcomes.Recorder());
  EXPECT_FALSE(reader->Withdraw(&dest[0]));  // a demand
  EXPECT_FALSE(reader->Withdraw(&dest[6]));  // not a job's first range
  EXPECT_TRUE(reader->Withdraw(&dest[5]));
  EXPECT_FALSE(reader->Withdraw(&dest[5]));
  file.Open();
  outcomes.Wait(2);
  EXPECT_TRUE(file.order() == (std::vector<uint64_t>{0, 1, 10}));
}

TEST(FileReader, DemandOvertakesSpeculationAndPromotedJobsJoinIt) {
  GatedFile file;
  Bytes dest(100);
  Outcomes outcomes;
  const std::unique_ptr<Reader> reader = MakeFileReader(file, 1);
  const auto submit = [&](uint64_t offset, ReadPriority priority) {
    SubmitBytes(*reader, offset, dest, 1, priority, outcomes.Recorder(std::to_string(offset)));
  };
  submit(1, ReadPriority::kSpeculative);
  file.WaitForReaders(1);  // the only thread is at the gate; everything else queues
  submit(2, ReadPriority::kSpeculative);
  submit(3, ReadPriority::kSpeculative);
  submit(4, ReadPriority::kSpeculative);
  submit(5, ReadPriority::kDemand);
  submit(6, ReadPriority::kDemand);
  reader->Promote(&dest[3]);
  reader->Promote(&dest[1]);   // runs already
  reader->Promote(&dest[6]);   // is a demand already
  reader->Promote(&dest[99]);  // unknown
  submit(7, ReadPriority::kDemand);
  file.Open();
  outcomes.Wait(7);
  const std::vector<uint64_t> expected = {1, 5, 6, 3, 7, 2, 4};
  EXPECT_TRUE(file.order() == expected);
  EXPECT_EQ(reader->bytes_read(), 7u);
}

TEST(FileReader, PromotesTheRestOfAHalfReadJob) {
  GatedFile file;
  Bytes dest(100);
  Outcomes outcomes;
  const std::unique_ptr<Reader> reader = MakeFileReader(file, 1);
  SubmitBytes(*reader, 10, dest, 3, ReadPriority::kSpeculative, outcomes.Recorder());
  file.WaitForReaders(1);
  SubmitBytes(*reader, 20, dest, 2, ReadPriority::kSpeculative, outcomes.Recorder());
  SubmitBytes(*reader, 30, dest, 2, ReadPriority::kDemand, outcomes.Recorder());
  SubmitBytes(*reader, 40, dest, 1, ReadPriority::kSpeculative, outcomes.Recorder());
  reader->Promote(&dest[40]);
  reader->Promote(&dest[10]);
  file.Open();
  outcomes.Wait(4);
  const std::vector<uint64_t> expected = {10, 30, 31, 40, 11, 12, 20, 21};
  EXPECT_TRUE(file.order() == expected);
}

TEST(FileReader, SpreadsAJobOverItsThreads) {
  GatedFile file;
  Bytes dest(100);
  Outcomes outcomes;
  const std::unique_ptr<Reader> reader = MakeFileReader(file, 3);
  SubmitBytes(*reader, 0, dest, 3, ReadPriority::kDemand, outcomes.Recorder());
  file.WaitForReaders(3);
  EXPECT_TRUE(outcomes.names().empty());
  file.Open();
  outcomes.Wait(1);
  for (uint64_t i = 0; i < 3; ++i) EXPECT_TRUE(dest[i] == ByteAt(i));
}

TEST(FileReader, TellsOfEachRangeThatArrivedBeforeTheJobIsDone) {
  GatedFile file;
  file.bad_offset = 101;
  Bytes dest(110);
  Outcomes outcomes;
  const std::unique_ptr<Reader> reader = MakeFileReader(file, 2);
  std::mutex mutex;
  std::vector<uint64_t> arrived;
  const auto submit = [&](uint64_t offset) {
    std::vector<ReadRange> ranges;
    for (uint64_t at = offset; at < offset + 3; ++at) {
      ranges.push_back({at, 1, dest.data() + at});
      ranges.back().arrived = [&, at] {
        std::lock_guard lock(mutex);
        EXPECT_TRUE(dest[at] == ByteAt(at));
        arrived.push_back(at);
      };
    }
    reader->Submit(
        ranges, ReadPriority::kDemand, [&, offset, done = outcomes.Recorder()](Status s) {
          {
            std::lock_guard lock(mutex);
            const auto n = std::count_if(arrived.begin(), arrived.end(), [&](uint64_t at) {
              return at >= offset && at < offset + 3;
            });
            EXPECT_EQ(n == 3, s.ok());
          }
          done(std::move(s));
        });
  };
  file.Open();
  submit(0);
  submit(100);
  outcomes.Wait(2);
  std::lock_guard lock(mutex);
  EXPECT_EQ(std::count(arrived.begin(), arrived.end(), uint64_t{101}), 0);
  for (uint64_t at = 0; at < 3; ++at) EXPECT_EQ(std::count(arrived.begin(), arrived.end(), at), 1);
}

TEST(FileReader, AFailureEndsItsJobOnly) {
  for (const int n_threads : {1, 3}) {
    GatedFile file;
    file.bad_offset = 10;
    file.Open();
    Bytes dest(100);
    Outcomes outcomes;
    const std::unique_ptr<Reader> reader = MakeFileReader(file, n_threads);
    SubmitBytes(*reader, 10, dest, 3, ReadPriority::kDemand, outcomes.Recorder("bad"));
    SubmitBytes(*reader, 20, dest, 3, ReadPriority::kDemand, outcomes.Recorder("good"));
    outcomes.Wait(2);
    const std::vector<std::string> names = outcomes.names();
    const std::vector<Status> statuses = outcomes.statuses();
    ASSERT_EQ(names.size(), 2u);
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(statuses[i].ok(), names[i] == "good");
      EXPECT_EQ(statuses[i].message(), names[i] == "good" ? "" : "bad block");
    }
  }
}

TEST(FileReader, DestructionCancelsWhatWaits) {
  GatedFile file;
  file.delay = std::chrono::milliseconds(1);
  Bytes dest(100);
  Outcomes outcomes;
  std::unique_ptr<Reader> reader = MakeFileReader(file, 1);
  // Two seconds of reads: the destructor begins long before their end, however busy the machine is.
  for (int i = 0; i < 1000; ++i) {
    const auto priority = i % 2 == 0 ? ReadPriority::kDemand : ReadPriority::kSpeculative;
    SubmitBytes(*reader, 10, dest, 2, priority, outcomes.Recorder());
  }
  file.WaitForReaders(1);
  file.Open();
  reader.reset();
  const std::vector<Status> statuses = outcomes.statuses();
  ASSERT_EQ(statuses.size(), 1000u);
  const auto first_cancelled = std::find_if(statuses.begin(), statuses.end(),
                                            [](const Status& status) { return !status.ok(); });
  EXPECT_TRUE(first_cancelled != statuses.end());
  for (auto it = first_cancelled; it != statuses.end(); ++it) {
    EXPECT_TRUE(it->code() == StatusCode::kCancelled);
  }
}

TEST(FileReader, DoneMaySubmitAndRunsOnAnotherThread) {
  GatedFile file;
  file.Open();
  Bytes dest(100);
  Outcomes outcomes;
  const std::unique_ptr<Reader> reader = MakeFileReader(file, 1);
  std::atomic<bool> on_caller = false;
  const std::thread::id caller = std::this_thread::get_id();
  SubmitBytes(*reader, 0, dest, 1, ReadPriority::kDemand, [&](Status) {
    on_caller = std::this_thread::get_id() == caller;
    reader->Promote(&dest[0]);
    SubmitBytes(*reader, 1, dest, 1, ReadPriority::kDemand, outcomes.Recorder());
  });
  outcomes.Wait(1);
  EXPECT_FALSE(on_caller.load());
  EXPECT_EQ(file.order().size(), 2u);
}

#ifndef _WIN32  // where clock() is not processor time
TEST(FileReader, IdleThreadsUseNoProcessor) {
  GatedFile file;
  const std::unique_ptr<Reader> reader = MakeFileReader(file, 4);
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds, 0.05);
}
#endif

}  // namespace
}  // namespace hearth
