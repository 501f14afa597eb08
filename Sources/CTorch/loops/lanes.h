// Sixteen numbers at a time: a register of AVX-512, two of AVX2, four of SSE and NEON.
#pragma once
#include <cstdint>

#include "kernels.h"

// They go in and out of functions by reference: by value, each instruction set would pass them in its own way.
typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));
constexpr int64_t lane_count = 16;

CT_INLINE const Lanes &lanes(const float *from) { return *reinterpret_cast<const Lanes *>(from); }
CT_INLINE Lanes &lanes(float *from) { return *reinterpret_cast<Lanes *>(from); }

// One number in all lanes. Taken from 0, not added to it: that the compiler may leave out, which is then one broadcast from
// memory.
#define CT_ALL(x) ((x) - Lanes{})

// Sixteen rows of sixteen, transposed: four times, the rows of one half are interleaved with those of the other.
CT_INLINE void transpose(Lanes (&rows)[lane_count]) {
  for (int round = 0; round < 4; ++round) {
    Lanes next[lane_count];
    for (int i = 0; i < 8; ++i) {
      next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] =
        __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    for (int i = 0; i < lane_count; ++i) rows[i] = next[i];
  }
}
