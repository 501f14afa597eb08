// The loops of winograd.cpp over plain pointers, in single precision. Channels are a multiple of sixteen.
#pragma once
#include <cstdint>

#include "../loops/lanes.h"

namespace winograd {

// Bᵀ d B for all channels: `from` are the tile's 36 pixels, the results lie `step` apart.
void input_tile(const float *const *from, int64_t channels, float *to, int64_t step);

// Aᵀ m A with the bias added, nothing below `least`: `to` are the tile's 16 pixels, null beyond the image.
void output_tile(const float *from, int64_t step, const float *bias, float least, int64_t channels, float *const *to);

// Transformed kernels are [36][to / 32][from][32], outputs fastest; the last block may have 16.
constexpr int64_t block = 32;

// Where the sixteen outputs from `c` on begin, and how far inputs lie apart.
CT_INLINE int64_t stride_at(int64_t c, int64_t to) { return to - c / block * block < block ? lane_count : block; }
CT_INLINE int64_t place_of(int64_t c, int64_t from) { return c / block * block * from + c % block; }

// G w Gᵀ of the kernels [16][3][3][channels] of sixteen output channels, whose place in the transformed ones is `to`; the 36
// lie `step` apart.
void forward_kernels(const float *from, int64_t channels, float *to, int64_t stride, int64_t step);

// The same turned around, inputs and outputs exchanged: sixteen input channels from `from` on, of all output channels.
void backward_kernels(const float *from, int64_t outputs, int64_t channels, float *to, int64_t stride, int64_t step);

constexpr int64_t tiles_at_once = 8;

// One of the 36 products: tiles [count, from] by kernels to [count, to], count up to a multiple of eight. With 32 registers
// of sixteen numbers (`wide`), eight tiles and two registers of outputs fill half of them; with fewer or smaller ones, four
// by one.
void multiply(const float *tiles, const float *kernels, int64_t from, int64_t to, int64_t count, bool wide, float *sums);

}  // namespace winograd
