// Preloaded into llama.cpp's process: it finds none of the buffer types that would copy weights into
// another layout (repacked, AMX), so they stay pages of the mapped file. What its own --no-repack
// does; node-llama-cpp has no option for that.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void* (*GetProcAddress)(void* registry, const char* name);

void* ggml_backend_reg_get_proc_address(void* registry, const char* name) {
  static GetProcAddress next;
  if (next == NULL) {
    // Not RTLD_NEXT: Node opens its addons with RTLD_LOCAL.
    void* library = dlopen("libggml-base.so", RTLD_LAZY | RTLD_NOLOAD);
    next = library == NULL ? NULL : (GetProcAddress)dlsym(library, __func__);
    if (next == NULL) {
      fprintf(stderr, "noRepack: no libggml-base.so is loaded\n");
      abort();
    }
  }
  return strcmp(name, "ggml_backend_dev_get_extra_bufts") == 0 ? NULL : next(registry, name);
}
