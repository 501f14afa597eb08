#define _GNU_SOURCE
#include "include/CGuard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

void guard_standard_streams(void) {
  for (int number = 0; number <= 2; number++) {
    if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one. Reading only: what is written there must not seem to have arrived.
    if (open("/dev/null", O_RDONLY) < 0) return;
  }
}

int guard_write(int descriptor, const void *bytes, size_t count, int patience) {
  const char *next = bytes;
  while (count > 0) {
    ssize_t written = write(descriptor, next, count);
    if (written > 0) {
      next += written;
      count -= (size_t)written;
    } else if (written < 0 && errno == EAGAIN) {
      // Whoever shares the terminal or pipe has made it one that does not wait.
      struct pollfd ready = {.fd = descriptor, .events = POLLOUT};
      int found = poll(&ready, 1, patience);
      if (found == 0) return EAGAIN;
      if (found < 0 && errno != EINTR) return errno;
    } else if (written == 0 || errno != EINTR) {
      return written == 0 ? EIO : errno;
    }
  }
  return 0;
}
