// A program that links this ends with one line and exit code 8 where memory or threads cannot be had. A library must not.
#ifndef CALLOCATION_H
#define CALLOCATION_H
#endif
