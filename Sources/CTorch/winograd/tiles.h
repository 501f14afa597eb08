// Winograd's transforms (see winograd.cpp), sixteen channels at a time: F(4 x 4, 3 x 3) of a tile in a plane, and with
// F(2, 3) along the depth that of a box of two planes.
#pragma once
#include "../loops/lanes.h"

namespace winograd {

constexpr int tile_outputs = 4, tile_inputs = 6, tile_products = tile_inputs * tile_inputs;

// What a tile has along the depth: kernels of one plane have one of everything, those of three see four planes for two.
struct Depth {
  int inputs, outputs, taps;
};
constexpr Depth depth_of(bool is_volume) { return is_volume ? Depth{4, 2, 3} : Depth{1, 1, 1}; }

// Bᵀ d: from six numbers to six numbers `step` apart.
CT_INLINE void transform_input(const Lanes (&d)[tile_inputs], Lanes *to, int step) {
  const Lanes even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1], far_even = d[4] - d[2], far_odd = 2.0f * (d[3] - d[1]);
  to[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  to[step] = even + odd;
  to[2 * step] = even - odd;
  to[3 * step] = far_even + far_odd;
  to[4 * step] = far_even - far_odd;
  to[5 * step] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

// G w.
CT_INLINE void transform_kernel(const Lanes &a, const Lanes &b, const Lanes &c, Lanes *to, int step) {
  const Lanes even = (a + c) * (-1.0f / 6), odd = b * (-1.0f / 6);
  const Lanes far_even = a * (1.0f / 24) + c * (1.0f / 6), far_odd = b * (1.0f / 12);
  to[0] = a * 0.25f;
  to[step] = even + odd;
  to[2 * step] = even - odd;
  to[3 * step] = far_even + far_odd;
  to[4 * step] = far_even - far_odd;
  to[5 * step] = c;
}

// Aᵀ m.
CT_INLINE void transform_output(const Lanes (&m)[tile_inputs], Lanes *to, int step) {
  const Lanes near_sum = m[1] + m[2], near_difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
  to[0] = m[0] + near_sum + far_sum;
  to[step] = near_difference + 2.0f * far_difference;
  to[2 * step] = near_sum + 4.0f * far_sum;
  to[3 * step] = near_difference + 8.0f * far_difference + m[5];
}

// A y and Gᵀ u, which carry derivatives back.
CT_INLINE void transform_up(const Lanes (&y)[tile_outputs], Lanes *to, int step) {
  const Lanes even = y[0] + y[2], odd = y[1] + y[3], far_even = y[0] + 4.0f * y[2], far_odd = 2.0f * y[1] + 8.0f * y[3];
  to[0] = y[0];
  to[step] = even + odd;
  to[2 * step] = even - odd;
  to[3 * step] = far_even + far_odd;
  to[4 * step] = far_even - far_odd;
  to[5 * step] = y[3];
}
CT_INLINE void transform_kernel_back(const Lanes (&u)[tile_inputs], Lanes *to, int step) {
  const Lanes near = (u[1] + u[2]) * (1.0f / 6), far = u[3] + u[4];
  to[0] = u[0] * 0.25f - near + far * (1.0f / 24);
  to[step] = (u[2] - u[1]) * (1.0f / 6) + (u[3] - u[4]) * (1.0f / 12);
  to[2 * step] = far * (1.0f / 6) - near + u[5];
}

// MARK: In a plane

// G w Gᵀ of nine taps, to places `step` apart.
CT_INLINE void transform_taps(const Lanes (&taps)[9], float *to, int64_t step) {
  Lanes middle[tile_inputs * 3];
  for (int j = 0; j < 3; ++j) transform_kernel(taps[j], taps[3 + j], taps[6 + j], middle + j, 3);
  for (int i = 0; i < tile_inputs; ++i) {
    Lanes result[tile_inputs];
    transform_kernel(middle[3 * i], middle[3 * i + 1], middle[3 * i + 2], result, 1);
    for (int j = 0; j < tile_inputs; ++j) lanes(to + (tile_inputs * i + j) * step) = result[j];
  }
}

// T x Tᵀ of `from` rows of as many numbers, by `transform` from `from` to `to` numbers: get(i, j, x) reads, put(i, j, y)
// takes.
template <int from, int to, class Transform, class Get, class Put>
CT_INLINE void transform_square(const Transform &transform, const Get &get, const Put &put) {
  Lanes middle[from * to];
  for (int j = 0; j < from; ++j) {
    Lanes column[from];
    for (int i = 0; i < from; ++i) get(i, j, column[i]);
    transform(column, middle + j, from);
  }
  for (int i = 0; i < to; ++i) {
    Lanes row[from], result[to];
    for (int j = 0; j < from; ++j) row[j] = middle[from * i + j];
    transform(row, result, 1);
    for (int j = 0; j < to; ++j) put(i, j, result[j]);
  }
}

// The array is named and not deduced: deduction would have it aligned as whole registers are, which memory of lanes need not be.
#define CT_TRANSFORM(function, from) \
  [](const Lanes (&x)[from], Lanes *y, int step) __attribute__((always_inline)) { function(x, y, step); }

// MARK: With the depth

// Bᵀ d B of a tile's pixels, of which pixel(plane, i, j) is the address; the results lie `step` apart.
template <bool is_volume, class Pixel>
CT_INLINE void transform_tile(const Pixel &pixel, float *to, int64_t step) {
  constexpr int planes = depth_of(is_volume).inputs;
  constexpr int near[] = {0, 1, 2, 1}, far[] = {2, 2, 1, 3};
  constexpr float sign[] = {-1, 1, -1, -1};
  // Column by column through all planes, so that a pixel is read once.
  Lanes middle[planes][tile_products];
  for (int j = 0; j < tile_inputs; ++j) {
    Lanes column[planes][tile_inputs];
#pragma clang loop unroll(full)
    for (int k = 0; k < planes; ++k) {
      for (int i = 0; i < tile_inputs; ++i) column[k][i] = lanes(pixel(k, i, j));
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < planes; ++k) {
      if constexpr (is_volume) {
        Lanes mixed[tile_inputs];
        for (int i = 0; i < tile_inputs; ++i) mixed[i] = column[near[k]][i] + sign[k] * column[far[k]][i];
        transform_input(mixed, middle[k] + j, tile_inputs);
      } else {
        transform_input(column[k], middle[k] + j, tile_inputs);
      }
    }
  }
  for (int k = 0; k < planes; ++k, to += tile_products * step) {
    for (int i = 0; i < tile_inputs; ++i) {
      Lanes row[tile_inputs], result[tile_inputs];
      for (int j = 0; j < tile_inputs; ++j) row[j] = middle[k][tile_inputs * i + j];
      transform_input(row, result, 1);
      for (int j = 0; j < tile_inputs; ++j) lanes(to + (tile_inputs * i + j) * step) = result[j];
    }
  }
}

// Aᵀ m A of products `step` apart: put(plane, i, j, y) takes the tile's outputs.
template <bool is_volume, class Put>
CT_INLINE void transform_back(const float *from, int64_t step, const Put &put) {
  for (int k = 0; k < depth_of(is_volume).outputs; ++k) {
    const float *plane = from + k * tile_products * step, sign = k ? -1.0f : 1.0f;
    transform_square<tile_inputs, tile_outputs>(
      CT_TRANSFORM(transform_output, tile_inputs),
      [&](int i, int j, Lanes &x) __attribute__((always_inline)) {
        const float *place = plane + (tile_inputs * i + j) * step;
        x = lanes(place);
        if constexpr (is_volume) {
          x += sign * (lanes(place + tile_products * step) + lanes(place + 2 * tile_products * step));
        }
      },
      [&](int i, int j, const Lanes &y) __attribute__((always_inline)) { put(k, i, j, y); });
  }
}

// A y Aᵀ of a tile's outputs, of which pixel(plane, i, j) is the address.
template <bool is_volume, class Pixel>
CT_INLINE void transform_tile_up(const Pixel &pixel, float *to, int64_t step) {
  constexpr float first[] = {1, 1, 1, 0}, second[] = {0, 1, -1, -1};
  for (int k = 0; k < depth_of(is_volume).inputs; ++k, to += tile_products * step) {
    transform_square<tile_outputs, tile_inputs>(
      CT_TRANSFORM(transform_up, tile_outputs),
      [&](int i, int j, Lanes &x) __attribute__((always_inline)) {
        x = lanes(pixel(0, i, j));
        if constexpr (is_volume) x = first[k] * x + second[k] * lanes(pixel(1, i, j));
      },
      [&](int i, int j, const Lanes &y) __attribute__((always_inline)) { lanes(to + (tile_inputs * i + j) * step) = y; });
  }
}

// G w Gᵀ of a kernel: tap(i, x) reads tap i.
template <bool is_volume, class Tap>
CT_INLINE void transform_whole_kernel(const Tap &tap, float *to, int64_t step) {
  for (int k = 0; k < depth_of(is_volume).inputs; ++k, to += tile_products * step) {
    Lanes taps[9];
    for (int i = 0; i < 9; ++i) {
      tap(k == 3 ? 18 + i : i, taps[i]);
      if (k == 1 || k == 2) {
        Lanes middle, back;
        tap(9 + i, middle);
        tap(18 + i, back);
        taps[i] = 0.5f * (taps[i] + back) + (k == 1 ? 0.5f : -0.5f) * middle;
      }
    }
    transform_taps(taps, to, step);
  }
}

// Gᵀ u G of the products' derivatives `step` apart: put(i, w) takes tap i.
template <bool is_volume, class Put>
CT_INLINE void transform_whole_kernel_back(const float *from, int64_t step, const Put &put) {
  const int64_t plane = tile_products * step;
  for (int k = 0; k < depth_of(is_volume).taps; ++k) {
    transform_square<tile_inputs, 3>(
      CT_TRANSFORM(transform_kernel_back, tile_inputs),
      [&](int i, int j, Lanes &x) __attribute__((always_inline)) {
        const float *place = from + (tile_inputs * i + j) * step;
        if constexpr (is_volume) {
          const Lanes &a = lanes(place + plane), &b = lanes(place + 2 * plane);
          if (k == 1) x = 0.5f * (a - b); else x = lanes(place + (k == 0 ? 0 : 3 * plane)) + 0.5f * (a + b);
        } else {
          x = lanes(place);
        }
      },
      [&](int i, int j, const Lanes &y) __attribute__((always_inline)) { put(9 * k + 3 * i + j, y); });
  }
}

}  // namespace winograd
