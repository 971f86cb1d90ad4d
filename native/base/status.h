// Outcomes of what the world may refuse: files, disks, memory, models, cancellation. No exceptions
// cross a module.
#ifndef HEARTH_BASE_STATUS_H_
#define HEARTH_BASE_STATUS_H_

#include <optional>
#include <string>
#include <utility>

#include "base/check.h"

namespace hearth {

enum class StatusCode {
  kOk,
  kCancelled,   // the caller changed its mind; not an error
  kBadModel,    // the model file is not what its header says
  kBadRequest,  // the caller asked for something impossible
  kMemory,      // the budget or the machine cannot hold it
  kIo,          // a read failed or came up short
  kNumeric,     // NaN or infinity where a number was due
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status Ok() { return Status(); }
  static Status Cancelled() { return Status(StatusCode::kCancelled, "cancelled"); }
  static Status BadModel(std::string m) { return Status(StatusCode::kBadModel, std::move(m)); }
  static Status BadRequest(std::string m) { return Status(StatusCode::kBadRequest, std::move(m)); }
  // There is none for the request under way. Allocates nothing, so that it can be said anywhere.
  static Status OutOfMemory() noexcept;
  static Status Memory(std::string m) { return Status(StatusCode::kMemory, std::move(m)); }
  static Status Io(std::string m) { return Status(StatusCode::kIo, std::move(m)); }
  static Status Numeric(std::string m) { return Status(StatusCode::kNumeric, std::move(m)); }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const {
    return code_ == StatusCode::kMemory && message_.empty() ? kOutOfMemory : message_;
  }

 private:
  // Made when the program starts: later there may be no memory for it.
  inline static const std::string kOutOfMemory =
      "there is not enough memory for this request; close other programs or ask for less";

  StatusCode code_ = StatusCode::kOk;
  std::string message_;  // empty with kMemory: OutOfMemory
};

inline Status Status::OutOfMemory() noexcept {
  Status status;
  status.code_ = StatusCode::kMemory;
  return status;
}

// A value or the Status that says why there is none. value() on a failure is a bug of the caller's.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: implicit by design
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit by design
    CHECK(!status_.ok(), "a Result without a value needs a failure");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & {
    CHECK(ok(), "value() of a failed Result");
    return *value_;
  }
  T&& value() && {
    CHECK(ok(), "value() of a failed Result");
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace hearth

// Returns the Status of `expression` from the enclosing function unless it is OK.
#define RETURN_IF_ERROR(expression)                                          \
  do {                                                                       \
    if (::hearth::Status status_ = (expression); !status_.ok()) [[unlikely]] \
      return status_;                                                        \
  } while (false)

#endif  // HEARTH_BASE_STATUS_H_
