// In a program that links this, threads that wait for work go to sleep soon. A library must not decide that.
#ifndef CWAITING_H
#define CWAITING_H
#endif
