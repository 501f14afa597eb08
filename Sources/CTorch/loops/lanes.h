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
