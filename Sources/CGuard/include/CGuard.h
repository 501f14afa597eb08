// What must hold even where a program is ended in the middle of its work: no unfinished file stays.
#ifndef CGUARD_H
#define CGUARD_H

#include <stddef.h>

/// Names a file or folder that is to be removed should the program end before `guard_finished`. Returns its place, or
/// -1 where there is no room for more or the path is too long: it then stays, as a killed program's would.
int guard_unfinished(const char *path);
void guard_finished(int place);

/// Removes all that is unfinished. Safe in a signal handler.
void guard_remove_all(void);

/// Lets signals that end the program, and `exit`, remove what is unfinished first. SIGHUP stays
/// ignored where it is (nohup); SIGINT does not, which shells ignore in whatever a script starts in the background.
void guard_signals(void);

/// Takes SIGINT, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1 and SIGUSR2 for a request; a second one ends the program at once.
void guard_watch(void);
/// Ends `guard_watch`: signals end the program again.
void guard_unwatch(void);
/// The signal that made a request, or 0.
int guard_requested(void);

/// Has the system send this process a signal when the one that started it ends, where it can be asked to.
void guard_end_with_parent(int number);

/// Notes that memory was asked for in vain.
void guard_lack(void);
/// Whether memory was asked for in vain, or hardly any is left: what failed then most likely failed for that.
int guard_lacks_memory(void);
/// Gives back what the allocator keeps of freed memory, where it can be asked to.
void guard_trim(void);

/// Opens the null device in place of standard input, output and error where those are closed, so that no file of the
/// program's gets their numbers. Writing to them still fails.
void guard_standard_streams(void);

/// Writes all bytes, waiting where the other end is slow for so many milliseconds (-1: for ever). Returns 0, or errno.
int guard_write(int descriptor, const void *bytes, size_t count, int patience);

#endif
