#define _GNU_SOURCE
#include "include/CGuard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PLACES = 64, LONGEST = 4096, DEEPEST = 8, FREE = 0, TAKEN = 1, NAMED = 2 };

static char paths[PLACES][LONGEST];
static atomic_int states[PLACES];

int guard_unfinished(const char *path) {
  size_t length = strlen(path);
  if (length >= LONGEST) return -1;
  for (int place = 0; place < PLACES; place++) {
    int expected = FREE;
    if (!atomic_compare_exchange_strong(&states[place], &expected, TAKEN)) continue;
    memcpy(paths[place], path, length + 1);
    atomic_store(&states[place], NAMED);
    return place;
  }
  return -1;
}

void guard_finished(int place) {
  if (place >= 0 && place < PLACES) atomic_store(&states[place], FREE);
}

struct entry {
  unsigned long long inode;
  long long offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

// Without `opendir`, which takes memory: neither a signal handler nor a program without memory may ask for any.
static void remove_tree(int parent, const char *name, int depth) {
  if (unlinkat(parent, name, 0) == 0 || errno != EISDIR || depth >= DEEPEST) return;
  // Other threads may still be writing there; they do not go on for long.
  for (int attempt = 0; attempt < 100; attempt++) {
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) return;
    _Alignas(struct entry) char buffer[2048];
    long count;
    while ((count = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0) {
      for (long place = 0; place < count;) {
        struct entry *entry = (struct entry *)(buffer + place);
        place += entry->length;
        if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0) {
          remove_tree(folder, entry->name, depth + 1);
        }
      }
    }
    close(folder);
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno != ENOTEMPTY) return;
  }
}

void guard_remove_all(void) {
  int before = errno;
  for (int place = 0; place < PLACES; place++) {
    if (atomic_load(&states[place]) == NAMED) remove_tree(AT_FDCWD, paths[place], 0);
  }
  errno = before;
}
