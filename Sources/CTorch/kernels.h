// The three loops of a fused CAGR module that LibTorch has no operator for: plain pointers, float or double.
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
