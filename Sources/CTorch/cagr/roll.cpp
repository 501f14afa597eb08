// Kernels rolled by fractions of a voxel, written once in the layout that the convolution wants (paper §3.2, Eq. 4).
//
// Along one axis a roll by f + r (f whole, 0 <= r < 1) takes entry i from (1 - r) w[i - f] + r w[i - f - 1], indices
// modulo 3; in a plane that mixes four entries, in 3-D those of two planes. The derivative with respect to r replaces
// (1 - r, r) by (-1, 1); that of the kernel runs the same steps backwards with the shifts negated.
#include "../loops/kernels.h"

namespace cagr {
namespace {

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

// The entries to which an entry of the kernel went.
struct Back {
  int near[3], far[3];

  template <class T>
  CT_INLINE explicit Back(const Axis<T> &axis) {
    for (int i = 0; i < 3; ++i) {
      near[axis.near[i]] = i;
      far[axis.far[i]] = i;
    }
  }
};

// How one group's kernel is rolled along all its axes; 2-D is the one plane of 3-D.
template <int dimensions, class T>
struct Axes {
  static constexpr int planes = dimensions == 3 ? 3 : 1, sides = dimensions - 1;
  Axis<T> x, y, z;

  CT_INLINE explicit Axes(const Shift *shifts)
      : x(axis<T>(shifts[0])), y(axis<T>(shifts[1])), z(axis<T>(shifts[dimensions - 1])) {}

  // How much of the plane near (0) or far (1) along z there is.
  CT_INLINE T share(int side) const { return planes == 1 ? 1 : side == 0 ? z.keep : z.move; }
  CT_INLINE int plane(int side, int k) const { return planes == 1 ? 0 : side == 0 ? z.near[k] : z.far[k]; }
};

// Four weights by four neighbours in one plane: y near or far, x near or far.
template <class T>
struct Corners {
  const T *nn, *nf, *fn, *ff;
};
template <class T>
CT_INLINE Corners<T> corners(const T *kernel, int64_t inputs, int plane, int nearRow, int farRow, int nearColumn, int farColumn) {
  const T *from = kernel + 9 * plane * inputs;
  return {from + (3 * nearRow + nearColumn) * inputs, from + (3 * nearRow + farColumn) * inputs,
          from + (3 * farRow + nearColumn) * inputs, from + (3 * farRow + farColumn) * inputs};
}
template <class T>
struct Weights {
  T a, b, c, d;

  CT_INLINE Weights(const Axis<T> &x, const Axis<T> &y)
      : a(x.keep * y.keep), b(x.move * y.keep), c(x.keep * y.move), d(x.move * y.move) {}
  CT_INLINE T mix(const Corners<T> &of, int64_t m) const { return a * of.nn[m] + b * of.nf[m] + c * of.fn[m] + d * of.ff[m]; }
};

// `known` is the number of a group's channels where it is one of the usual ones: loops of known length unroll.
template <int64_t known, int dimensions, class T>
CT_INLINE void roll(const T *kernel, const Shift *shifts, const T *scales, int64_t inputs, int64_t groups, T *__restrict rolled) {
  const int64_t members = known ? known : inputs / groups;
  for (int64_t g = 0; g < groups; ++g) {
    const Axes<dimensions, T> axes(shifts + dimensions * g);
    const Weights<T> weights(axes.x, axes.y);
    const T near = axes.share(0), far = axes.share(1);
    for (int k = 0; k < axes.planes; ++k) {
      for (int j = 0; j < 3; ++j) {
        for (int i = 0; i < 3; ++i) {
          const auto at = [&](int side) __attribute__((always_inline)) {
            return corners(
              kernel + g * members, inputs, axes.plane(side, k), axes.y.near[j], axes.y.far[j], axes.x.near[i], axes.x.far[i]);
          };
          const T *__restrict scale = scales + g * members;
          T *__restrict out = rolled + (9 * k + 3 * j + i) * inputs + g * members;
          const auto front = at(0), back = at(1);
          for (int64_t m = 0; m < members; ++m) {
            if constexpr (dimensions == 2) {
              out[m] = scale[m] * weights.mix(front, m);
            } else {
              out[m] = scale[m] * (near * weights.mix(front, m) + far * weights.mix(back, m));
            }
          }
        }
      }
    }
  }
}

// What one plane gives of a rolled entry, and how that changes along x and y.
template <class T>
struct Change {
  T value, alongX, alongY;

  CT_INLINE Change(const Axis<T> &x, const Axis<T> &y, const Corners<T> &of, int64_t m) {
    const T nearRow = x.keep * of.nn[m] + x.move * of.nf[m], farRow = x.keep * of.fn[m] + x.move * of.ff[m];
    value = y.keep * nearRow + y.move * farRow;
    alongX = y.keep * (of.nf[m] - of.nn[m]) + y.move * (of.ff[m] - of.fn[m]);
    alongY = farRow - nearRow;
  }
};

template <int64_t known, int dimensions, class T>
CT_INLINE void roll_backward(const T *kernel, const Shift *shifts, const T *scales, const T *up, int64_t inputs, int64_t groups, T *__restrict down, T *__restrict sums) {
  const int64_t members = known ? known : inputs / groups;
  for (int64_t g = 0; g < groups; ++g) {
    const Axes<dimensions, T> axes(shifts + dimensions * g);
    const auto &x = axes.x, &y = axes.y;
    const int64_t first = g * members;
    T *__restrict value = sums + first, *__restrict alongX = sums + inputs + first, *__restrict alongY = sums + 2 * inputs + first;
    T *__restrict alongZ = sums + dimensions * inputs + first;  // 3-D alone
    const T *__restrict scale = scales + first;
    const Weights<T> weights(x, y);
    const T near = axes.share(0), far = axes.share(1);
    for (int k = 0; k < axes.planes; ++k) {
      for (int j = 0; j < 3; ++j) {
        for (int i = 0; i < 3; ++i) {
          const auto at = [&](int side) __attribute__((always_inline)) {
            return corners(kernel + first, inputs, axes.plane(side, k), y.near[j], y.far[j], x.near[i], x.far[i]);
          };
          const auto front = at(0), back = at(1);
          const T *__restrict in = up + (9 * k + 3 * j + i) * inputs + first;
          for (int64_t m = 0; m < members; ++m) {
            const T g = in[m];
            const Change<T> a(x, y, front, m);
            if constexpr (dimensions == 2) {
              value[m] += g * a.value;
              alongX[m] += g * a.alongX;
              alongY[m] += g * a.alongY;
            } else {
              const Change<T> b(x, y, back, m);
              value[m] += g * (near * a.value + far * b.value);
              alongX[m] += g * (near * a.alongX + far * b.alongX);
              alongY[m] += g * (near * a.alongY + far * b.alongY);
              alongZ[m] += g * (b.value - a.value);
            }
          }
        }
      }
    }
    // An entry of the kernel went to those entries that have it near or far.
    const Back backX(x), backY(y), backZ(axes.z);
    for (int k = 0; k < axes.planes; ++k) {
      for (int j = 0; j < 3; ++j) {
        for (int i = 0; i < 3; ++i) {
          const auto at = [&](int plane) __attribute__((always_inline)) {
            return corners(up + first, inputs, plane, backY.near[j], backY.far[j], backX.near[i], backX.far[i]);
          };
          T *__restrict out = down + (9 * k + 3 * j + i) * inputs + first;
          const auto front = at(dimensions == 3 ? backZ.near[k] : 0), back = at(dimensions == 3 ? backZ.far[k] : 0);
          for (int64_t m = 0; m < members; ++m) {
            if constexpr (dimensions == 2) {
              out[m] += scale[m] * weights.mix(front, m);
            } else {
              out[m] += scale[m] * (near * weights.mix(front, m) + far * weights.mix(back, m));
            }
          }
        }
      }
    }
  }
}

#define CT_MEMBERS(dimensions, members, function, ...)         \
  switch (members) {                                           \
    case 4: return function<4, dimensions>(__VA_ARGS__);       \
    case 8: return function<8, dimensions>(__VA_ARGS__);       \
    case 16: return function<16, dimensions>(__VA_ARGS__);     \
    case 32: return function<32, dimensions>(__VA_ARGS__);     \
    case 64: return function<64, dimensions>(__VA_ARGS__);     \
    default: return function<0, dimensions>(__VA_ARGS__);      \
  }
#define CT_DIMENSIONS(members, function, ...)          \
  if (dimensions == 3) {                               \
    CT_MEMBERS(3, members, function, __VA_ARGS__)      \
  } else {                                             \
    CT_MEMBERS(2, members, function, __VA_ARGS__)      \
  }

}  // namespace

CT_CLONES(roll_f32, (int dimensions, const float *kernel, const Shift *shifts, const float *scales, int64_t inputs, int64_t groups, float *rolled), (dimensions, kernel, shifts, scales, inputs, groups, rolled)) {
  CT_DIMENSIONS(inputs / groups, roll, kernel, shifts, scales, inputs, groups, rolled)
}
void roll_f64(int dimensions, const double *kernel, const Shift *shifts, const double *scales, int64_t inputs, int64_t groups, double *rolled) {
  CT_DIMENSIONS(0, roll, kernel, shifts, scales, inputs, groups, rolled)
}
CT_CLONES(roll_backward_f32, (int dimensions, const float *kernel, const Shift *shifts, const float *scales, const float *up, int64_t inputs, int64_t groups, float *down, float *sums), (dimensions, kernel, shifts, scales, up, inputs, groups, down, sums)) {
  CT_DIMENSIONS(inputs / groups, roll_backward, kernel, shifts, scales, up, inputs, groups, down, sums)
}
void roll_backward_f64(int dimensions, const double *kernel, const Shift *shifts, const double *scales, const double *up, int64_t inputs, int64_t groups, double *down, double *sums) {
  CT_DIMENSIONS(0, roll_backward, kernel, shifts, scales, up, inputs, groups, down, sums)
}

}  // namespace cagr
