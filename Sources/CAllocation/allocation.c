// Memory and threads that cannot be had. Swift, and most of C++ that is linked here, has no answer to either but to
// crash; a person who set a limit, or whose machine is small, is owed one line and exit code 8. So the C library's
// functions are called through these, which end the program where it would have to crash. LibTorch asks for the
// memory of tensors by `posix_memalign` and has a sentence of its own where it gets none: only Swift is not answered.
#define _GNU_SOURCE
#include "include/CAllocation.h"

#include <CGuard.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)

// The exit code of `Failure.Kind.limit`.
enum { LIMIT = 8 };

_Noreturn static void end(const char *line, size_t length) {
  guard_remove_all();
  guard_write(STDERR_FILENO, line, length, 1000);
  _exit(LIMIT);
}

static char *append(char *end, const char *text) {
  size_t length = strlen(text);
  memcpy(end, text, length);
  return end + length;
}

// Without `snprintf`, which may ask for memory.
_Noreturn static void lack(size_t size) {
  char line[256], digits[24], *first = digits + sizeof digits - 1;
  *first = 0;
  size_t megabytes = size / 1000000 + 1;
  for (; megabytes > 0; megabytes /= 10) *--first = (char)('0' + megabytes % 10);
  char *last = append(line, "aginet: out of memory: ");
  last = append(last, first);
  last = append(last, " MB more cannot be had; free some, raise the limit (ulimit -v), or use smaller volumes, a smaller "
                      "--batch, --width or --threads\n");
  end(line, (size_t)(last - line));
}

// Whether a function of Swift's library asks, which ends the program itself where it gets nothing.
static int is_swift(void *caller) {
  Dl_info info;
  return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "libswiftCore");
}

static void *aligned(size_t alignment, size_t size, void *caller) {
  extern void *__libc_memalign(size_t, size_t);
  void *memory = __libc_memalign(alignment, size);
  if (memory || size == 0) return memory;
  guard_lack();
  if (is_swift(caller)) lack(size);
  return NULL;
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) || alignment & (alignment - 1) || alignment == 0) return EINVAL;
  int before = errno;
  void *found = aligned(alignment, size, __builtin_return_address(0));
  errno = before;
  if (!found) return ENOMEM;
  *memory = found;
  return 0;
}

void *aligned_alloc(size_t alignment, size_t size) {
  return aligned(alignment, size, __builtin_return_address(0));
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

void *malloc(size_t size) {
  void *memory = __libc_malloc(size);
  if (!memory) lack(size);
  return memory;
}

void *calloc(size_t count, size_t size) {
  void *memory = __libc_calloc(count, size);
  if (!memory && count && size) lack(count > SIZE_MAX / size ? SIZE_MAX : count * size);
  return memory;
}

void *realloc(void *old, size_t size) {
  void *memory = __libc_realloc(old, size);
  if (!memory && size) lack(size);
  return memory;
}

int pthread_create(
    pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*body)(void *),
    void *restrict argument) {
  static int (*original)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (!original) *(void **)&original = dlsym(RTLD_NEXT, "pthread_create");
  int code = original(thread, attributes, body, argument);
  if (code == EAGAIN || code == ENOMEM) {
    static const char line[] =
        "aginet: out of memory: a thread cannot be started; raise the limit (ulimit -v, ulimit -u) or give --threads 1\n";
    end(line, sizeof line - 1);
  }
  return code;
}

#endif
