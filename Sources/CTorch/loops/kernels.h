// Loops that LibTorch has no operator for: plain pointers, float or double.
#pragma once
#include <atomic>
#include <cstdint>

#define CT_INLINE inline __attribute__((always_inline))

// Sets of vector instructions that the loops are compiled for: any processor's, AVX2 with FMA (x86-64-v3), and AVX-512
// (x86-64-v4).
enum CTInstructions { CT_ANY = 0, CT_V3 = 3, CT_V4 = 4 };
// What the loops use: the widest of this processor unless it was limited (instructions.cpp).
extern std::atomic<int> ct_instructions;

// CT_CLONES(name, (parameters), (arguments)) { ... } defines a function that is compiled for each set. Not target_clones: it
// chooses once, when the program is loaded, and no test could take the narrow ways on a wide processor.
#if defined(__x86_64__)
// Named one by one: "arch=x86-64-v4" would also ask for registers of half the size.
#define CT_V3_TARGET __attribute__((target("avx2,bmi,bmi2,f16c,fma,lzcnt,movbe")))
#define CT_V4_TARGET __attribute__((target("avx2,bmi,bmi2,f16c,fma,lzcnt,movbe,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")))
#define CT_CLONES(name, parameters, arguments)                                                        \
  static CT_INLINE void name##_body parameters;                                                       \
  CT_V4_TARGET static void name##_v4 parameters { name##_body arguments; }                            \
  CT_V3_TARGET static void name##_v3 parameters { name##_body arguments; }                            \
  static void name##_any parameters { name##_body arguments; }                                        \
  void name parameters {                                                                              \
    switch (ct_instructions.load(std::memory_order_relaxed)) {                                        \
      case CT_V4: return name##_v4 arguments;                                                         \
      case CT_V3: return name##_v3 arguments;                                                         \
      default: return name##_any arguments;                                                           \
    }                                                                                                 \
  }                                                                                                   \
  static CT_INLINE void name##_body parameters
#else
#define CT_CLONES(name, parameters, arguments) void name parameters
#endif

namespace layout {

// [rows][columns] to [columns][rows].
void transpose(const float *from, int64_t rows, int64_t columns, float *to);

}  // namespace layout

namespace cagr {

// How one group's kernel is rolled along one axis: by `whole` entries, and `part` of the way to one more.
struct Shift {
  int whole;
  double part;
};

// Kernels are [output][taps][input], inputs fastest (channels-last), of 9 taps in 2-D and 27 in 3-D, with a shift for each
// axis of every group, the fastest axis first.

// Layer norm over channels, GELU, and the sum over pixels. `map` is [pixels][channels], channels fastest.
void pool_f32(const float *map, const float *weight, const float *bias, int64_t pixels, int64_t channels, float epsilon, float *sum);
void pool_f64(const double *map, const double *weight, const double *bias, int64_t pixels, int64_t channels, double epsilon, double *sum);

// The derivative: `up` [channels] is that of every pixel's contribution; `down` is the map's, `weights` and `biases`
// are added to.
void pool_backward_f32(const float *map, const float *weight, const float *bias, const float *up, int64_t pixels, int64_t channels, float epsilon, float *down, float *weights, float *biases);
void pool_backward_f64(const double *map, const double *weight, const double *bias, const double *up, int64_t pixels, int64_t channels, double epsilon, double *down, double *weights, double *biases);

// One output channel's kernel, rolled group by group and scaled channel by channel.
void roll_f32(int dimensions, const float *kernel, const Shift *shifts, const float *scales, int64_t inputs, int64_t groups, float *rolled);
void roll_f64(int dimensions, const double *kernel, const Shift *shifts, const double *scales, int64_t inputs, int64_t groups, double *rolled);

// The derivative for one output channel: adds to the kernel's, and to sums per input channel: of the derivative with the
// rolled kernel, and with its change along each axis, all before scaling.
void roll_backward_f32(int dimensions, const float *kernel, const Shift *shifts, const float *scales, const float *up, int64_t inputs, int64_t groups, float *down, float *sums);
void roll_backward_f64(int dimensions, const double *kernel, const Shift *shifts, const double *scales, const double *up, int64_t inputs, int64_t groups, double *down, double *sums);

}  // namespace cagr

namespace grouped {

// Convolutions of `members` channels a group, zero outside the map: 1, 2, 4, 8 or a multiple of 16; channels are a multiple
// of 16. Kernels are [channels / 16][taps][members][16], the outputs of a block of 16 fastest, of 3 x 3 taps or, of a
// volume, 3 x 3 x 3. Rows are [pixels][channels].

constexpr int64_t rows_at_once = 4, rows_seen = 6;
// The same of planes.
constexpr int64_t planes_at_once(bool is_volume) { return is_volume ? 2 : 1; }
constexpr int64_t planes_seen(bool is_volume) { return is_volume ? 4 : 1; }

// Tiles of four pixels that are transformed together, for a width that they need not divide.
constexpr int64_t tiles_at_once(bool is_volume, int64_t width) { return width > 16 && !is_volume ? 8 : 4; }
constexpr int64_t whole_width(bool is_volume, int64_t width) {
  const auto step = 4 * tiles_at_once(is_volume, width);
  return (width + step - 1) / step * step;
}
// Numbers that `convolve_rows` needs room for.
constexpr int64_t convolution_space(bool is_volume, int64_t members) {
  return 36 * (is_volume ? 16 : 8) * ((members > 16 ? members : 16) + 16);
}

// G w Gᵀ (tiles.h) of `blocks` blocks of kernels: from 9 taps to 36, from 27 to 144.
void transform_kernels(bool is_volume, const float *kernels, int64_t blocks, int64_t members, float *to);

// Four rows of outputs, [4][width][channels], from six rows of inputs of which the first is the one above; these begin one
// pixel before the map and end one after. Of a volume, two planes of them, from four planes of rows of which the first is the
// one in front. `width` is a whole one, `kernels` are transformed ones.
void convolve_rows(bool is_volume, const float *const *rows, const float *kernels, int64_t width, int64_t channels, int64_t members, float *space, float *to);

// Adds one row of outputs' share to the kernel's derivative, of 3 `count` taps. `up` is the outputs' derivative with a pixel of
// zeros at either end; `rows` are the inputs above, at and below, of a volume in the planes in front, here and behind,
// without margins and null outside the map.
void correlate_row(const float *const *rows, int64_t count, const float *up, int64_t width, int64_t channels, int64_t members, float *sums);

}  // namespace grouped

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
