// Reads ranges of one file into given memory, several at once, by priority. Knows nothing of what
// the bytes mean.
#ifndef HEARTH_IO_READER_H_
#define HEARTH_IO_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"

namespace hearth {

struct ReadRange {
  uint64_t offset = 0;  // bytes from the start of the file
  size_t bytes = 0;
  std::byte* dest = nullptr;
  // The caller owns the memory around dest too, out to where the file's alignment() says the range
  // begins and ends, nothing else accesses it meanwhile, and dest is congruent with `offset` modulo
  // the alignment: the range is then read directly into dest.
  bool padded = false;
  // Called once the range has been read, on the thread that has read it, holding no lock of the
  // reader's; perhaps while other ranges of its job are being read, but before the job's `done`.
  std::function<void()> arrived = nullptr;
};

// A computation waits for a demand read; a speculative read may never be used and always yields to
// demand reads.
enum class ReadPriority { kDemand, kSpeculative };

// Thread-safe. An interface so that tests can delay, shuffle and fail reads.
class Reader {
 public:
  virtual ~Reader() = default;

  // Reads all ranges (at least one; in any order, perhaps several at once), then calls done(status)
  // exactly once, on any thread but the caller's, holding no lock of the reader's. kIo names the
  // file, the range and the system's reason; a short read is an error, and the first error abandons
  // the rest of its job. dest memory must live until then.
  virtual void Submit(std::span<const ReadRange> ranges, ReadPriority priority,
                      std::function<void(Status)> done) = 0;

  // Moves a job's pending ranges to demand priority, behind the pending demands. No effect on
  // unknown jobs and those whose last range is being read. The job is named by the dest of its
  // first range.
  virtual void Promote(const std::byte* first_dest) = 0;

  // Cancels a speculative job none of whose ranges has begun: returns true, and its `done` is never
  // called. Returns false and changes nothing if there is no such job. Named as above.
  virtual bool Withdraw(const std::byte* first_dest) = 0;

  // Bytes of the ranges that were read since the start.
  virtual uint64_t bytes_read() const = 0;
};

// Whether data read from a file also stays in the system's page cache: a second copy that a budget
// would have to count.
enum class PageCache { kUse, kBypass };

// Blocking read of one range on the caller's thread; for what is loaded at start.
// Errors: kIo as above.
class File {
 public:
  // kIo when it cannot be opened for reading. A file system without direct I/O uses its page cache.
  static Result<std::unique_ptr<File>> Open(const std::string& path,
                                            PageCache page_cache = PageCache::kUse);
  virtual ~File() = default;
  virtual Status Read(
      const ReadRange& range) const = 0;  // thread-safe, does not move a file position
  virtual uint64_t bytes() const = 0;     // size of the file
  // Offsets, lengths and addresses that the system takes are multiples of this, a power of two; a
  // range that is unaligned goes through an internal buffer unless it is `padded`. 1: no
  // restriction.
  virtual size_t alignment() const { return 1; }
  virtual const std::string& path() const = 0;
  // True where some process has the file open for writing, as far as the system tells: Linux, of
  // files of one's own, does. Windows refuses to open such a file.
  virtual bool IsBeingWritten() const { return false; }
};

// A pool of n_threads >= 1 threads that use `file` (which must outlive it). Destruction drops
// pending jobs (their done is called with kCancelled) and joins. As many threads as the system
// grants; nullptr if it grants none.
std::unique_ptr<Reader> MakeFileReader(const File& file, int n_threads);

}  // namespace hearth

#endif  // HEARTH_IO_READER_H_
