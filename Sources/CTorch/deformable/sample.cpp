// Samples of a feature map at deformed places, and their derivatives.
//
// With y = ⌊y⌋ + v and x = ⌊x⌋ + u a sample mixes four pixels: (1-v)(1-u) a + (1-v)u b + v(1-u) c + vu d. Its derivative by y
// is (1-u)(c-a) + u(d-b), by x (1-v)(b-a) + v(d-c): at whole places, where training starts, that of the pixels below and to
// the right. Pixels outside count as zero.
#include <cmath>

#include "../loops/kernels.h"

namespace deform {
namespace {

// The four pixels that a sample mixes: where their channels begin, and how each counts in the sample and in its derivatives.
template <class T>
struct Corners {
  int64_t start[4];
  T weight[4], along_y[4], along_x[4];
};

template <class T>
CT_INLINE Corners<T> corners(int64_t pixel, int64_t tap, const T *offset, const Grid &grid) {
  Corners<T> found{};
  const int64_t row = pixel / grid.width - 1 + (grid.x_first ? tap % 3 : tap / 3);
  const int64_t column = pixel % grid.width - 1 + (grid.x_first ? tap / 3 : tap % 3);
  const T y = row + offset[grid.x_first ? 1 : 0], x = column + offset[grid.x_first ? 0 : 1];
  if (!(y >= -1 && y < grid.height && x >= -1 && x < grid.width)) {
    // A place beyond the border gives zero; one that is not a number passes that on.
    const T nothing = (y - y) + (x - x);
    for (int i = 0; i < 4; ++i) found.weight[i] = found.along_y[i] = found.along_x[i] = nothing;
    return found;
  }
  const T top = std::floor(y), left = std::floor(x);
  const T v = y - top, u = x - left;
  const auto j = static_cast<int64_t>(top), k = static_cast<int64_t>(left);
  const bool inside = j >= 0 && j + 1 < grid.height && k >= 0 && k + 1 < grid.width;
  const int64_t start = (j * grid.width + k) * grid.channels, line = grid.width * grid.channels;
  const T down[2] = {1 - v, v}, right[2] = {1 - u, u};
  for (int i = 0; i < 4; ++i) {
    if (!inside && (j + i / 2 < 0 || j + i / 2 >= grid.height || k + i % 2 < 0 || k + i % 2 >= grid.width)) continue;
    found.start[i] = start + i / 2 * line + i % 2 * grid.channels;
    found.weight[i] = down[i / 2] * right[i % 2];
    found.along_y[i] = i / 2 ? right[i % 2] : -right[i % 2];
    found.along_x[i] = i % 2 ? down[i / 2] : -down[i / 2];
  }
  return found;
}

// Inlined with a size that is known for DCNv3's groups, whose loops are then one or two vectors without a remainder.
constexpr int64_t usual = 16;

template <class T>
CT_INLINE void blend(const T *map, const Corners<T> &corners, T factor, int64_t size, bool adds, T *__restrict to) {
  const T *__restrict a = map + corners.start[0], *__restrict b = map + corners.start[1];
  const T *__restrict c = map + corners.start[2], *__restrict d = map + corners.start[3];
  const T p = factor * corners.weight[0], q = factor * corners.weight[1];
  const T r = factor * corners.weight[2], s = factor * corners.weight[3];
  if (adds) {
    for (int64_t m = 0; m < size; ++m) to[m] += p * a[m] + q * b[m] + r * c[m] + s * d[m];
  } else {
    for (int64_t m = 0; m < size; ++m) to[m] = p * a[m] + q * b[m] + r * c[m] + s * d[m];
  }
}

// The products of `up` with the four pixels, summed over channels.
template <class T>
CT_INLINE void dot(const T *map, const Corners<T> &corners, const T *__restrict up, int64_t size, T *sums) {
#pragma clang fp reassociate(on)
  for (int i = 0; i < 4; ++i) {
    const T *__restrict pixel = map + corners.start[i];
    T sum = 0;
    for (int64_t m = 0; m < size; ++m) sum += up[m] * pixel[m];
    sums[i] = sum;
  }
}

template <class T>
CT_INLINE void add(const T *__restrict up, T factor, int64_t size, T *__restrict down) {
  for (int64_t m = 0; m < size; ++m) down[m] += factor * up[m];
}

template <class T>
CT_INLINE void forward(const T *map, const T *offsets, const T *weights, const Grid &grid, int64_t first, int64_t count, bool sums, T *samples) {
  const int64_t members = grid.channels / grid.groups;
  for (int64_t p = 0; p < count; ++p) {
    for (int64_t g = 0; g < grid.groups; ++g) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t place = ((first + p) * grid.groups + g) * taps + tap;
        const auto at = corners(first + p, tap, offsets + 2 * place, grid);
        T *to = samples + (sums ? p : p * taps + tap) * grid.channels + g * members;
        const bool adds = sums && tap > 0;
        if (members == usual) blend(map + g * members, at, weights[place], usual, adds, to);
        else blend(map + g * members, at, weights[place], members, adds, to);
      }
    }
  }
}

template <class T>
CT_INLINE void backward_places(const T *map, const T *offsets, const T *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const T *up, T *down_offsets, T *down_weights) {
  const int64_t members = grid.channels / grid.groups;
  for (int64_t p = 0; p < count; ++p) {
    for (int64_t g = 0; g < grid.groups; ++g) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t place = ((first + p) * grid.groups + g) * taps + tap;
        const auto at = corners(first + p, tap, offsets + 2 * place, grid);
        const T *from = up + (sums ? p : p * taps + tap) * grid.channels + g * members;
        T products[4];
        if (members == usual) dot(map + g * members, at, from, usual, products);
        else dot(map + g * members, at, from, members, products);
        T value = 0, along_y = 0, along_x = 0;
        for (int i = 0; i < 4; ++i) {
          value += at.weight[i] * products[i];
          along_y += at.along_y[i] * products[i];
          along_x += at.along_x[i] * products[i];
        }
        down_weights[place] = value;
        down_offsets[2 * place + (grid.x_first ? 1 : 0)] = weights[place] * along_y;
        down_offsets[2 * place + (grid.x_first ? 0 : 1)] = weights[place] * along_x;
      }
    }
  }
}

template <class T>
CT_INLINE void backward_map(const T *offsets, const T *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const T *up, int64_t channel, int64_t size, T *down) {
  const int64_t g = channel / (grid.channels / grid.groups);
  for (int64_t p = 0; p < count; ++p) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t place = ((first + p) * grid.groups + g) * taps + tap;
      const auto at = corners(first + p, tap, offsets + 2 * place, grid);
      const T *from = up + (sums ? p : p * taps + tap) * grid.channels + channel;
      for (int i = 0; i < 4; ++i) {
        const T factor = weights[place] * at.weight[i];
        if (factor == 0) continue;
        if (size == usual) add(from, factor, usual, down + at.start[i] + channel);
        else add(from, factor, size, down + at.start[i] + channel);
      }
    }
  }
}

}  // namespace

CT_CLONES(sample, (const float *map, const float *offsets, const float *weights, const Grid &grid, int64_t first, int64_t count, bool sums, float *samples), (map, offsets, weights, grid, first, count, sums, samples)) {
  forward(map, offsets, weights, grid, first, count, sums, samples);
}
void sample(const double *map, const double *offsets, const double *weights, const Grid &grid, int64_t first, int64_t count, bool sums, double *samples) {
  forward(map, offsets, weights, grid, first, count, sums, samples);
}
CT_CLONES(sample_backward_places, (const float *map, const float *offsets, const float *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const float *up, float *down_offsets, float *down_weights), (map, offsets, weights, grid, first, count, sums, up, down_offsets, down_weights)) {
  backward_places(map, offsets, weights, grid, first, count, sums, up, down_offsets, down_weights);
}
void sample_backward_places(const double *map, const double *offsets, const double *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const double *up, double *down_offsets, double *down_weights) {
  backward_places(map, offsets, weights, grid, first, count, sums, up, down_offsets, down_weights);
}
CT_CLONES(sample_backward_map, (const float *offsets, const float *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const float *up, int64_t channel, int64_t size, float *down), (offsets, weights, grid, first, count, sums, up, channel, size, down)) {
  backward_map(offsets, weights, grid, first, count, sums, up, channel, size, down);
}
void sample_backward_map(const double *offsets, const double *weights, const Grid &grid, int64_t first, int64_t count, bool sums, const double *up, int64_t channel, int64_t size, double *down) {
  backward_map(offsets, weights, grid, first, count, sums, up, channel, size, down);
}

}  // namespace deform
