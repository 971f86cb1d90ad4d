// CHECK aborts with file and line when an invariant of ours is broken: a bug, never something the
// world did.
#ifndef HEARTH_BASE_CHECK_H_
#define HEARTH_BASE_CHECK_H_

namespace hearth {

// Prints "file:line: CHECK(expression) failed: why" to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression, const char* why);

}  // namespace hearth

#define CHECK(condition, why)                                     \
  do {                                                            \
    if (!(condition)) [[unlikely]]                                \
      ::hearth::CheckFailed(__FILE__, __LINE__, #condition, why); \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition, why) static_cast<void>(0)
#else
#define DCHECK(condition, why) CHECK(condition, why)
#endif

#endif  // HEARTH_BASE_CHECK_H_
