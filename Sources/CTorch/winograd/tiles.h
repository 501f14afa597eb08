// Winograd's transforms of F(4 x 4, 3 x 3) along one dimension (see winograd.cpp), sixteen channels at a time.
#pragma once
#include "../loops/lanes.h"

namespace winograd {

constexpr int tile_outputs = 4, tile_inputs = 6, tile_products = tile_inputs * tile_inputs;

// Bᵀ d: from six numbers to six numbers `step` apart.
CT_INLINE void transform_input(const Lanes &a, const Lanes &b, const Lanes &c, const Lanes &d, const Lanes &e, const Lanes &f, Lanes *to, int step) {
  const Lanes even = e - 4.0f * c, odd = d - 4.0f * b, far_even = e - c, far_odd = 2.0f * (d - b);
  to[0] = 4.0f * a - 5.0f * c + e;
  to[step] = even + odd;
  to[2 * step] = even - odd;
  to[3 * step] = far_even + far_odd;
  to[4 * step] = far_even - far_odd;
  to[5 * step] = 4.0f * b - 5.0f * d + f;
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
CT_INLINE void transform_output(const Lanes &a, const Lanes &b, const Lanes &c, const Lanes &d, const Lanes &e, const Lanes &f, Lanes *to, int step) {
  const Lanes near_sum = b + c, near_difference = b - c, far_sum = d + e, far_difference = d - e;
  to[0] = a + near_sum + far_sum;
  to[step] = near_difference + 2.0f * far_difference;
  to[2 * step] = near_sum + 4.0f * far_sum;
  to[3 * step] = near_difference + 8.0f * far_difference + f;
}

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

// Bᵀ d B of a tile's 36 pixels, of which pixel(i, j) is the address; the results lie `step` apart.
template <class Pixel>
CT_INLINE void transform_tile(const Pixel &pixel, float *to, int64_t step) {
  Lanes middle[tile_products];
  for (int j = 0; j < tile_inputs; ++j) {
    transform_input(
      lanes(pixel(0, j)), lanes(pixel(1, j)), lanes(pixel(2, j)), lanes(pixel(3, j)), lanes(pixel(4, j)), lanes(pixel(5, j)),
      middle + j, tile_inputs);
  }
  for (int i = 0; i < tile_inputs; ++i) {
    const Lanes *row = middle + tile_inputs * i;
    Lanes result[tile_inputs];
    transform_input(row[0], row[1], row[2], row[3], row[4], row[5], result, 1);
    for (int j = 0; j < tile_inputs; ++j) lanes(to + (tile_inputs * i + j) * step) = result[j];
  }
}

// Aᵀ m A of 36 products `step` apart: put(i, j, y) takes the tile's 16 outputs.
template <class Put>
CT_INLINE void transform_back(const float *from, int64_t step, const Put &put) {
  Lanes middle[tile_outputs * tile_inputs];
  for (int j = 0; j < tile_inputs; ++j) {
    const float *column = from + j * step;
    transform_output(
      lanes(column), lanes(column + 6 * step), lanes(column + 12 * step), lanes(column + 18 * step),
      lanes(column + 24 * step), lanes(column + 30 * step), middle + j, tile_inputs);
  }
  for (int i = 0; i < tile_outputs; ++i) {
    const Lanes *row = middle + tile_inputs * i;
    Lanes result[tile_outputs];
    transform_output(row[0], row[1], row[2], row[3], row[4], row[5], result, 1);
    for (int j = 0; j < tile_outputs; ++j) put(i, j, result[j]);
  }
}

}  // namespace winograd
