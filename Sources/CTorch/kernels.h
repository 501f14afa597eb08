// Loops that LibTorch has no operator for: plain pointers, float or double.
#pragma once
#include <cstdint>

// Each function is compiled for several instruction sets and bound to the best one when the program is loaded.
#if defined(__x86_64__) && defined(__linux__)
#define CT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CT_CLONES
#endif
#define CT_INLINE inline __attribute__((always_inline))

namespace cagr {

// How one group's kernel is rolled along one axis: by `whole` entries, and `part` of the way to one more.
struct Shift {
  int whole;
  double part;
};

// Kernels are [output][3][3][input], inputs fastest (channels-last).

// Layer norm over channels, GELU, and the sum over pixels. `map` is [pixels][channels], channels fastest.
void pool_f32(const float *map, const float *weight, const float *bias, int64_t pixels, int64_t channels, float epsilon, float *sum);
void pool_f64(const double *map, const double *weight, const double *bias, int64_t pixels, int64_t channels, double epsilon, double *sum);

// The derivative: `up` [channels] is that of every pixel's contribution; `down` is the map's, `weights` and `biases`
// are added to.
void pool_backward_f32(const float *map, const float *weight, const float *bias, const float *up, int64_t pixels, int64_t channels, float epsilon, float *down, float *weights, float *biases);
void pool_backward_f64(const double *map, const double *weight, const double *bias, const double *up, int64_t pixels, int64_t channels, double epsilon, double *down, double *weights, double *biases);

// One output channel's kernel [9][inputs], rolled group by group and scaled channel by channel.
void roll_f32(const float *kernel, const Shift *shifts, const float *scales, int64_t inputs, int64_t groups, float *rolled);
void roll_f64(const double *kernel, const Shift *shifts, const double *scales, int64_t inputs, int64_t groups, double *rolled);

// The derivative for one output channel: adds to the kernel's, and to three sums per input channel: of the derivative
// with the rolled kernel, with its change along x, and with its change along y, all before scaling.
void roll_backward_f32(const float *kernel, const Shift *shifts, const float *scales, const float *up, int64_t inputs, int64_t groups, float *down, float *sums);
void roll_backward_f64(const double *kernel, const Shift *shifts, const double *scales, const double *up, int64_t inputs, int64_t groups, double *down, double *sums);

}  // namespace cagr

namespace deform {

// Where a 3 x 3 kernel's taps lie in a feature map. Maps are [pixels][channels], offsets [pixels][groups][9][2] in pixels
// from a tap's own place, weights [pixels][groups][9].
struct Grid {
  int64_t height, width, channels, groups;
  // Whether taps are counted down the columns and x comes first in an offset (DCNv3), or along the rows with y first.
  bool x_first;
};

constexpr int64_t taps = 9;

// Bilinear samples around pixels first..<first + count, zero outside the map, each times its weight: [count][9][channels],
// or their sum over the taps, [count][channels].
void sample(const float *map, const float *offsets, const float *weights, const Grid &grid, int64_t first, int64_t count, bool sums, float *samples);
void sample(const double *map, const double *offsets, const double *weights, const Grid &grid, int64_t first, int64_t count, bool sums, double *samples);

// The derivatives of the same pixels' offsets and weights, written; `up` is shaped as the samples.
void sample_backward_places(const float *map, const float *offsets, const float *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const float *up, float *down_offsets, float *down_weights);
void sample_backward_places(const double *map, const double *offsets, const double *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const double *up, double *down_offsets, double *down_weights);

// The derivative of the map's channels channel..<channel + size, all of one group, added to `down`. Pixels may share places
// in the map: calls that run at once must take different channels.
void sample_backward_map(const float *offsets, const float *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const float *up, int64_t channel, int64_t size, float *down);
void sample_backward_map(const double *offsets, const double *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const double *up, int64_t channel, int64_t size, double *down);

}  // namespace deform
