// What GCC's static C++ library asks of a newer C library than a packaged addon may want (tools/portableAddon.mjs): only
// linked there. Each does what the library did before, or would do without.
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define HIDDEN __attribute__((visibility("hidden")))

// GLIBC 2.32. Zero: there may be other threads, so reference counts are atomic.
HIDDEN char __libc_single_threaded = 0;

static int64_t Nanoseconds(const struct timespec* time) {
  return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

// GLIBC 2.30. A wait until a time of the steady clock, by the clock of the day, as std::condition_variable waited before
// there was this. It may wake early or late if the day's clock is set meanwhile; callers look at their clock again.
HIDDEN int pthread_cond_clockwait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t clock,
                                  const struct timespec* until) {
  struct timespec now;
  struct timespec day;
  if (clock_gettime(clock, &now) != 0 || clock_gettime(CLOCK_REALTIME, &day) != 0) return EINVAL;
  const int64_t wake = Nanoseconds(&day) + Nanoseconds(until) - Nanoseconds(&now);
  const struct timespec deadline = {
      .tv_sec = (time_t)(wake / 1000000000),
      .tv_nsec = (long)(wake % 1000000000),
  };
  return pthread_cond_timedwait(cond, mutex, &deadline);
}

// GLIBC 2.36.
HIDDEN uint32_t arc4random(void) {
  uint32_t value = 0;
  if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) abort();
  return value;
}
