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
  // begins and ends, nobody looks at it meanwhile, and dest is congruent with `offset` modulo the
  // alignment: the range is then read straight into place.
  bool padded = false;
  // Called once the range has been read, on the thread that has read it, holding no lock of the
  // reader's; perhaps while other ranges of its job are being read, but before the job's `done`.
  std::function<void()> arrived = nullptr;
};

// A demand read is what a computation waits for; a speculative one may never be used and always
// goes after it.
enum class ReadPriority { kDemand, kSpeculative };

// Thread-safe. An interface so that tests can delay, shuffle and fail reads.
class Reader {
 public:
  virtual ~Reader() = default;

  // Reads all ranges (at least one; in any order, perhaps several at once), then calls done(status)
  // exactly once, on any thread but the caller's, holding no lock of the reader's. kIo names the
  // file, the range and the system's reason; a short read is an error, and the first error gives up
  // the rest of its job. dest memory must live until then.
  virtual void Submit(std::span<const ReadRange> ranges, ReadPriority priority,
                      std::function<void(Status)> done) = 0;

  // Moves what still waits of a job to demand priority, behind the demands that wait. Unknown jobs
  // and those whose last range is being read are left alone. The job is named by the dest of its
  // first range.
  virtual void Promote(const std::byte* first_dest) = 0;

  // Takes back a speculative job of which no range has been begun: true, and its `done` is never
  // called. False, and nothing has changed, if there is none. Named as above.
  virtual bool Withdraw(const std::byte* first_dest) = 0;

  // Bytes of the ranges that were read since the start.
  virtual uint64_t bytes_read() const = 0;
};

// Whether what is read of a file also stays in the system's memory: a second copy that a budget
// would have to count.
enum class PageCache { kUse, kBypass };

// Blocking read of one range on the caller's thread; for what is loaded at start.
// Errors: kIo as above.
class File {
 public:
  // kIo when it cannot be opened for reading. A file system that cannot do without its page cache
  // uses it.
  static Result<std::unique_ptr<File>> Open(const std::string& path,
                                            PageCache page_cache = PageCache::kUse);
  virtual ~File() = default;
  virtual Status Read(
      const ReadRange& range) const = 0;  // thread-safe, does not move a file position
  virtual uint64_t bytes() const = 0;     // size of the file
  // Offsets, lengths and addresses that the system takes are multiples of this, a power of two; a
  // range that is not goes through memory of the file's own unless it is `padded`. 1: any will do.
  virtual size_t alignment() const { return 1; }
  virtual const std::string& path() const = 0;
};

// A pool of n_threads >= 1 threads that use `file` (which must outlive it). Destruction drops jobs
// that still wait (their done is called with kCancelled) and joins.
// As many threads as the system grants; nullptr if it grants none.
std::unique_ptr<Reader> MakeFileReader(const File& file, int n_threads);

}  // namespace hearth

#endif  // HEARTH_IO_READER_H_
