#include "include/CGuard.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static atomic_int lacked;

void guard_lack(void) { atomic_store(&lacked, 1); }

int guard_lacks_memory(void) {
  if (atomic_load(&lacked)) return 1;
  // Code that is made at run time is mapped, not allocated: whether there is room for more of that.
  enum { SOME = 64 << 20 };
  void *room = mmap(NULL, SOME, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return 1;
  munmap(room, SOME);
  return 0;
}

void guard_trim(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}
