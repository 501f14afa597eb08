// Kernels rolled by fractions of a voxel, written once in the layout that the convolution wants (paper §3.2, Eq. 4).
//
// Along one axis a roll by f + r (f whole, 0 <= r < 1) takes entry i from (1 - r) w[i - f] + r w[i - f - 1], indices
// modulo 3; both axes one after the other are nine entries of two products each, twice. The derivative with respect to r
// replaces (1 - r, r) by (-1, 1); that of the kernel runs the same steps backwards with the shifts negated.
#include "../loops/kernels.h"

namespace cagr {
namespace {

constexpr int taps = 9;

template <class T>
struct Axis {
  int near[3], far[3];
  T keep, move;
};

template <class T>
CT_INLINE Axis<T> axis(const Shift &shift) {
  Axis<T> axis;
  for (int i = 0; i < 3; ++i) {
    axis.near[i] = ((i - shift.whole) % 3 + 3) % 3;
    axis.far[i] = ((i - shift.whole - 1) % 3 + 3) % 3;
  }
  axis.move = static_cast<T>(shift.part);
  axis.keep = 1 - axis.move;
  return axis;
}

// `known` is the number of a group's channels where it is one of the usual ones: loops of known length unroll.
template <int64_t known, class T>
CT_INLINE void roll(const T *kernel, const Shift *shifts, const T *scales, int64_t inputs, int64_t groups, T *__restrict rolled) {
  const int64_t members = known ? known : inputs / groups;
  for (int64_t g = 0; g < groups; ++g) {
    const Axis<T> x = axis<T>(shifts[2 * g]), y = axis<T>(shifts[2 * g + 1]);
    const T a = x.keep * y.keep, b = x.move * y.keep, c = x.keep * y.move, d = x.move * y.move;
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 3; ++i) {
        const T *__restrict nn = kernel + (3 * y.near[j] + x.near[i]) * inputs + g * members;
        const T *__restrict nf = kernel + (3 * y.near[j] + x.far[i]) * inputs + g * members;
        const T *__restrict fn = kernel + (3 * y.far[j] + x.near[i]) * inputs + g * members;
        const T *__restrict ff = kernel + (3 * y.far[j] + x.far[i]) * inputs + g * members;
        const T *__restrict scale = scales + g * members;
        T *__restrict out = rolled + (3 * j + i) * inputs + g * members;
        for (int64_t m = 0; m < members; ++m) out[m] = scale[m] * (a * nn[m] + b * nf[m] + c * fn[m] + d * ff[m]);
      }
    }
  }
}

template <int64_t known, class T>
CT_INLINE void roll_backward(const T *kernel, const Shift *shifts, const T *scales, const T *up, int64_t inputs, int64_t groups, T *__restrict down, T *__restrict sums) {
  const int64_t members = known ? known : inputs / groups;
  for (int64_t g = 0; g < groups; ++g) {
    const Axis<T> x = axis<T>(shifts[2 * g]), y = axis<T>(shifts[2 * g + 1]);
    const int64_t first = g * members;
    T *__restrict value = sums + first, *__restrict alongX = sums + inputs + first, *__restrict alongY = sums + 2 * inputs + first;
    const T *__restrict scale = scales + first;
    const T a = x.keep * y.keep, b = x.move * y.keep, c = x.keep * y.move, d = x.move * y.move;
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 3; ++i) {
        const T *__restrict nn = kernel + (3 * y.near[j] + x.near[i]) * inputs + first;
        const T *__restrict nf = kernel + (3 * y.near[j] + x.far[i]) * inputs + first;
        const T *__restrict fn = kernel + (3 * y.far[j] + x.near[i]) * inputs + first;
        const T *__restrict ff = kernel + (3 * y.far[j] + x.far[i]) * inputs + first;
        const T *__restrict in = up + (3 * j + i) * inputs + first;
        for (int64_t m = 0; m < members; ++m) {
          const T g = in[m];
          const T nearRow = x.keep * nn[m] + x.move * nf[m], farRow = x.keep * fn[m] + x.move * ff[m];
          value[m] += g * (y.keep * nearRow + y.move * farRow);
          alongX[m] += g * (y.keep * (nf[m] - nn[m]) + y.move * (ff[m] - fn[m]));
          alongY[m] += g * (farRow - nearRow);
        }
      }
    }
    // Entry (j, i) of the kernel went to those entries that have it near or far.
    int nearX[3], farX[3], nearY[3], farY[3];
    for (int i = 0; i < 3; ++i) {
      nearX[x.near[i]] = i;
      farX[x.far[i]] = i;
      nearY[y.near[i]] = i;
      farY[y.far[i]] = i;
    }
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 3; ++i) {
        const T *__restrict nn = up + (3 * nearY[j] + nearX[i]) * inputs + first;
        const T *__restrict nf = up + (3 * nearY[j] + farX[i]) * inputs + first;
        const T *__restrict fn = up + (3 * farY[j] + nearX[i]) * inputs + first;
        const T *__restrict ff = up + (3 * farY[j] + farX[i]) * inputs + first;
        T *__restrict out = down + (3 * j + i) * inputs + first;
        for (int64_t m = 0; m < members; ++m) out[m] += scale[m] * (a * nn[m] + b * nf[m] + c * fn[m] + d * ff[m]);
      }
    }
  }
}

#define CT_MEMBERS(members, function, ...)           \
  switch (members) {                                 \
    case 4: return function<4>(__VA_ARGS__);         \
    case 8: return function<8>(__VA_ARGS__);         \
    case 16: return function<16>(__VA_ARGS__);       \
    case 32: return function<32>(__VA_ARGS__);       \
    case 64: return function<64>(__VA_ARGS__);       \
    default: return function<0>(__VA_ARGS__);        \
  }

}  // namespace

CT_CLONES(roll_f32, (const float *kernel, const Shift *shifts, const float *scales, int64_t inputs, int64_t groups, float *rolled), (kernel, shifts, scales, inputs, groups, rolled)) {
  CT_MEMBERS(inputs / groups, roll, kernel, shifts, scales, inputs, groups, rolled)
}
void roll_f64(const double *kernel, const Shift *shifts, const double *scales, int64_t inputs, int64_t groups, double *rolled) {
  roll<0>(kernel, shifts, scales, inputs, groups, rolled);
}
CT_CLONES(roll_backward_f32, (const float *kernel, const Shift *shifts, const float *scales, const float *up, int64_t inputs, int64_t groups, float *down, float *sums), (kernel, shifts, scales, up, inputs, groups, down, sums)) {
  CT_MEMBERS(inputs / groups, roll_backward, kernel, shifts, scales, up, inputs, groups, down, sums)
}
void roll_backward_f64(const double *kernel, const Shift *shifts, const double *scales, const double *up, int64_t inputs, int64_t groups, double *down, double *sums) {
  roll_backward<0>(kernel, shifts, scales, up, inputs, groups, down, sums);
}

}  // namespace cagr
