// A lock between processes that ends with the process that holds it, however it ends.
#ifndef HEARTH_BASE_FILE_LOCK_H_
#define HEARTH_BASE_FILE_LOCK_H_

#include <string>

#include "base/status.h"

namespace hearth {

// Creates the file if necessary and takes its lock for the rest of this process's life. false:
// another process holds it. kIo: the file cannot be opened; always on Windows, where it is not
// needed.
Result<bool> LockFile(const std::string& path);

}  // namespace hearth

#endif  // HEARTH_BASE_FILE_LOCK_H_
