// The loops of winograd.cpp over plain pointers, in single precision. Channels are a multiple of sixteen.
#pragma once
#include <cstdint>

#include "../loops/lanes.h"

namespace winograd {

// A tile is 4 x 4 outputs of 6 x 6 pixels, 36 products; of a volume it is 2 x 4 x 4 of 4 x 6 x 6, 144 products. Kernels have
// [3][3] taps or [3][3][3].

// Bᵀ d B for all channels: `from` are the tile's pixels, the results lie `step` apart.
void input_tile(bool is_volume, const float *const *from, int64_t channels, float *to, int64_t step);

// Aᵀ m A with the bias added, nothing below `least`: `to` are the tile's outputs, null beyond the image.
void output_tile(bool is_volume, const float *from, int64_t step, const float *bias, float least, int64_t channels, float *const *to);

// A y Aᵀ, the derivative of the products: `from` are those of the tile's outputs.
void up_tile(bool is_volume, const float *const *from, int64_t channels, float *to, int64_t step);

// Transformed kernels are [products][to / 32][from][32], outputs fastest; the last block may have 16.
constexpr int64_t block = 32;

// Where the sixteen outputs from `c` on begin, and how far inputs lie apart.
CT_INLINE int64_t stride_at(int64_t c, int64_t to) { return to - c / block * block < block ? lane_count : block; }
CT_INLINE int64_t place_of(int64_t c, int64_t from) { return c / block * block * from + c % block; }

// G w Gᵀ of the kernels [16][taps][channels] of sixteen output channels, whose place in the transformed ones is `to`; the
// products lie `step` apart.
void forward_kernels(bool is_volume, const float *from, int64_t channels, float *to, int64_t stride, int64_t step);

// The same turned around, inputs and outputs exchanged: sixteen input channels from `from` on, of all output channels.
void backward_kernels(bool is_volume, const float *from, int64_t outputs, int64_t channels, float *to, int64_t stride, int64_t step);

// Gᵀ u G of one output channel, from products `step` apart to [taps][channels].
void kernel_derivatives(bool is_volume, const float *from, int64_t channels, int64_t step, float *to);

constexpr int64_t tiles_at_once = 8, outputs_at_once = 8;
// Tiles whose products are summed up before the sum is added to those before: of 32 inputs they stay in a core's nearest cache,
// and a sum of sums loses less than a long one.
constexpr int64_t summed_at_once = 64;

// One of the products: tiles [count, from] by kernels to [count, to], count up to a multiple of eight. With 32 registers
// of sixteen numbers (`wide`), eight tiles and two registers of outputs fill half of them; with fewer or smaller ones, four
// by one.
void multiply(const float *tiles, const float *kernels, int64_t from, int64_t to, int64_t count, bool wide, float *sums);

// How far the rows of a matrix lie apart that is read in columns: with a power of two between them, rows would compete for few
// places in the cache.
CT_INLINE int64_t padded(int64_t channels) { return channels + lane_count; }

// The same product's derivative by the kernels, added to sums [to, from]: of ups [count, to] and tiles [count, from], whose rows
// are padded. Calls that are to give the same as one take whole multiples of `summed_at_once`.
void correlate(const float *ups, const float *tiles, int64_t from, int64_t to, int64_t count, bool wide, float *sums);

}  // namespace winograd
