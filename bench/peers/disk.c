// How fast parts of a file can be read from its disk: reads past the page cache, at random places,
// so many at a time, and prints GB/s of each pass.
//     disk FILE KIBIBYTES DEPTH SECONDS PASSES
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define ALIGNMENT 4096

typedef struct {
  int file;
  size_t bytes;      // of a read
  uint64_t n_place;  // where one may begin, in steps of ALIGNMENT
  double until;
  uint64_t random;
  uint64_t sum;
  int error;
} Reader;

static double Now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void* Read(void* argument) {
  Reader* reader = argument;
  void* buffer = NULL;
  if (posix_memalign(&buffer, ALIGNMENT, reader->bytes) != 0) exit(1);
  memset(buffer, 1, reader->bytes);
  while (Now() < reader->until) {
    reader->random = reader->random * 6364136223846793005u + 1442695040888963407u;
    const off_t place = (off_t)((reader->random >> 33) % reader->n_place) * ALIGNMENT;
    const ssize_t n = pread(reader->file, buffer, reader->bytes, place);
    if (n <= 0) {
      reader->error = n < 0 ? errno : EIO;
      break;
    }
    reader->sum += (uint64_t)n;
  }
  free(buffer);
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const size_t bytes = (size_t)atoi(argv[2]) * 1024;
  const int depth = atoi(argv[3]);
  const double seconds = atof(argv[4]);
  const int n_pass = atoi(argv[5]);
  if (bytes == 0 || bytes % ALIGNMENT != 0 || depth < 1 || depth > DEPTH_MAX) return 2;
  const int file = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0 || (uint64_t)status.st_size < bytes) {
    fprintf(stderr, "%s: cannot be read past the page cache: %s\n", argv[1], strerror(errno));
    return 1;
  }
  for (int pass = 0; pass < n_pass; ++pass) {
    Reader readers[DEPTH_MAX];
    pthread_t threads[DEPTH_MAX];
    const double started = Now();
    for (int i = 0; i < depth; ++i) {
      readers[i] = (Reader){.file = file,
                            .bytes = bytes,
                            .n_place = ((uint64_t)status.st_size - bytes) / ALIGNMENT + 1,
                            .until = started + seconds,
                            .random = (uint64_t)(pass * depth + i + 1) * 0x9e3779b97f4a7c15u};
      if (pthread_create(&threads[i], NULL, Read, &readers[i]) != 0) return 1;
    }
    uint64_t sum = 0;
    for (int i = 0; i < depth; ++i) {
      pthread_join(threads[i], NULL);
      sum += readers[i].sum;
      if (readers[i].error != 0) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(readers[i].error));
        return 1;
      }
    }
    printf("%.3f\n", 1e-9 * (double)sum / (Now() - started));
  }
  return 0;
}
