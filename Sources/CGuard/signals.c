#define _GNU_SOURCE
#include "include/CGuard.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

// SIGQUIT is left alone: who presses Ctrl-\ wants the program to end at once.
static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1, SIGUSR2};
enum { COUNT = sizeof ending / sizeof ending[0] };

static atomic_int requested;
static int ignored[COUNT];

static void end(int number) {
  guard_remove_all();
  signal(number, SIG_DFL);
  raise(number); // delivered when the handler returns
}

static void take(int number) {
  int none = 0;
  atomic_compare_exchange_strong(&requested, &none, number);
  // The system says every second that the processor's time is up; a person says a thing twice only in a hurry.
  signal(number, number == SIGXCPU ? SIG_IGN : end);
}

static void install(void (*handler)(int)) {
  for (int index = 0; index < COUNT; index++) {
    if (!ignored[index]) signal(ending[index], handler);
  }
}

void guard_signals(void) {
  for (int index = 0; index < COUNT; index++) {
    struct sigaction now;
    // nohup ignores SIGHUP on behalf of what it starts.
    ignored[index] =
        ending[index] == SIGHUP && sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
  }
  // Swift's runtime takes it for a crash to tell of, after which the program goes on; and a program that starts this one may hand
  // down that it is blocked.
  signal(SIGQUIT, SIG_DFL);
  sigset_t quit;
  sigemptyset(&quit);
  sigaddset(&quit, SIGQUIT);
  pthread_sigmask(SIG_UNBLOCK, &quit, NULL);
  install(end);
  atexit(guard_remove_all);
}

void guard_watch(void) {
  struct sigaction now;
  if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN) {
    for (int index = 0; index < COUNT; index++) ignored[index] = ending[index] == SIGHUP;
  }
  // A program that starts this one from a thread with blocked signals hands the block down.
  sigset_t numbers;
  sigemptyset(&numbers);
  for (int index = 0; index < COUNT; index++) sigaddset(&numbers, ending[index]);
  pthread_sigmask(SIG_UNBLOCK, &numbers, NULL);
  install(take);
}

void guard_unwatch(void) { install(end); }

int guard_requested(void) { return atomic_load(&requested); }

void guard_end_with_parent(int number) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, number);
#endif
}
