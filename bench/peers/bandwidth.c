// How fast memory can be read: sums a buffer much larger than the caches, each thread its part, and
// prints GB/s of each pass.
//     bandwidth GIBIBYTES THREADS PASSES
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define THREADS_MAX 256

typedef struct {
  uint64_t* words;
  size_t n_word;
  uint64_t sum;
} Part;

static double Now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// The thread that reads it touches it first.
static void* Fill(void* argument) {
  Part* part = argument;
  for (size_t i = 0; i < part->n_word; ++i) part->words[i] = i;
  return NULL;
}

// Lanes that do not wait for each other; the compiler makes vectors of them.
static void* Sum(void* argument) {
  Part* part = argument;
  const uint64_t* words = part->words;
  uint64_t lanes[64] = {0};
  for (size_t i = 0; i + 64 <= part->n_word; i += 64) {
    for (int lane = 0; lane < 64; ++lane) lanes[lane] += words[i + (size_t)lane];
  }
  part->sum = 0;
  for (int lane = 0; lane < 64; ++lane) part->sum += lanes[lane];
  return NULL;
}

static void OnAll(void* (*work)(void*), Part* parts, int n_thread) {
  pthread_t threads[THREADS_MAX];
  for (int i = 1; i < n_thread; ++i) {
    if (pthread_create(&threads[i], NULL, work, &parts[i]) != 0) exit(1);
  }
  work(&parts[0]);
  for (int i = 1; i < n_thread; ++i) pthread_join(threads[i], NULL);
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const size_t n_word = (size_t)(atof(argv[1]) * 134217728.0);
  const int n_thread = atoi(argv[2]);
  const int n_pass = atoi(argv[3]);
  if (n_word == 0 || n_thread < 1 || n_thread > THREADS_MAX) return 2;
  uint64_t* words =
      mmap(NULL, n_word * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (words == MAP_FAILED) return 1;
  madvise(words, n_word * 8, MADV_HUGEPAGE);
  Part parts[THREADS_MAX];
  const size_t share = n_word / (size_t)n_thread;
  for (int i = 0; i < n_thread; ++i) parts[i] = (Part){words + (size_t)i * share, share, 0};
  OnAll(Fill, parts, n_thread);
  uint64_t check = 0;
  for (int pass = 0; pass < n_pass; ++pass) {
    const double started = Now();
    OnAll(Sum, parts, n_thread);
    const double seconds = Now() - started;
    for (int i = 0; i < n_thread; ++i) check += parts[i].sum;
    printf("%.3f\n", 1e-9 * 8.0 * (double)(share * (size_t)n_thread) / seconds);
  }
  return check == 0;
}
