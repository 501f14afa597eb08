// The loops of winograd.cpp over plain pointers, in single precision.
#include "winograd_loops.h"

#include "tiles.h"

namespace winograd {
namespace {

// Sixteen rows of sixteen, transposed: four times, the rows of one half are interleaved with those of the other.
CT_INLINE void transpose(Lanes (&rows)[lane_count]) {
  for (int round = 0; round < 4; ++round) {
    Lanes next[lane_count];
    for (int i = 0; i < 8; ++i) {
      next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] =
        __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    for (int i = 0; i < lane_count; ++i) rows[i] = next[i];
  }
}

// T tiles by N registers of outputs: these sums stay in registers.
template <int T, int N>
CT_INLINE void multiply(const float *tiles, const float *kernels, int64_t from, int64_t stride, float *sums, int64_t to) {
  Lanes sum[T][N] = {};
  for (int64_t i = 0; i < from; ++i, kernels += stride) {
    Lanes kernel[N];
#pragma clang loop unroll(full)
    for (int n = 0; n < N; ++n) kernel[n] = lanes(kernels + n * lane_count);
#pragma clang loop unroll(full)
    for (int t = 0; t < T; ++t) {
      const Lanes x = CT_ALL(tiles[t * from + i]);
#pragma clang loop unroll(full)
      for (int n = 0; n < N; ++n) sum[t][n] += x * kernel[n];
    }
  }
#pragma clang loop unroll(full)
  for (int t = 0; t < T; ++t) {
#pragma clang loop unroll(full)
    for (int n = 0; n < N; ++n) lanes(sums + t * to + n * lane_count) = sum[t][n];
  }
}

}  // namespace

CT_CLONES(input_tile, (const float *const *from, int64_t channels, float *to, int64_t step), (from, channels, to, step)) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    transform_tile([&](int i, int j) __attribute__((always_inline)) { return from[tile_inputs * i + j] + c; }, to + c, step);
  }
}

CT_CLONES(output_tile, (const float *from, int64_t step, const float *bias, float least, int64_t channels, float *const *to), (from, step, bias, least, channels, to)) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    transform_back(from + c, step, [&](int i, int j, const Lanes &result) __attribute__((always_inline)) {
      float *pixel = to[tile_outputs * i + j];
      if (!pixel) return;
      const Lanes y = result + lanes(bias + c);
      // What is not a number stays so.
      lanes(pixel + c) = y < least ? CT_ALL(least) : y;
    });
  }
}

CT_CLONES(forward_kernels, (const float *from, int64_t channels, float *to, int64_t stride, int64_t step), (from, channels, to, stride, step)) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    Lanes taps[9][lane_count];
    for (int tap = 0; tap < 9; ++tap) {
      for (int o = 0; o < lane_count; ++o) taps[tap][o] = lanes(from + (o * 9 + tap) * channels + c);
      transpose(taps[tap]);
    }
    for (int i = 0; i < lane_count; ++i) {
      Lanes one[9];
      for (int tap = 0; tap < 9; ++tap) one[tap] = taps[tap][i];
      transform_taps(one, to + (c + i) * stride, step);
    }
  }
}

CT_CLONES(backward_kernels, (const float *from, int64_t outputs, int64_t channels, float *to, int64_t stride, int64_t step), (from, outputs, channels, to, stride, step)) {
  for (int64_t o = 0; o < outputs; ++o) {
    Lanes one[9];
    for (int tap = 0; tap < 9; ++tap) one[tap] = lanes(from + (o * 9 + 8 - tap) * channels);
    transform_taps(one, to + o * stride, step);
  }
}

CT_CLONES(multiply, (const float *tiles, const float *kernels, int64_t from, int64_t to, int64_t count, bool wide, float *sums), (tiles, kernels, from, to, count, wide, sums)) {
  for (int64_t c = 0; c < to;) {
    const auto stride = stride_at(c, to);
    const bool pair = wide && stride == block;
    for (int64_t t = 0; t < count; t += tiles_at_once) {
      const float *in = tiles + t * from, *kernel = kernels + place_of(c, from);
      float *out = sums + t * to + c;
      if (pair) {
        multiply<8, 2>(in, kernel, from, block, out, to);
      } else if (wide) {
        multiply<8, 1>(in, kernel, from, stride, out, to);
      } else {
        multiply<4, 1>(in, kernel, from, stride, out, to);
        multiply<4, 1>(in + 4 * from, kernel, from, stride, out + 4 * to, to);
      }
    }
    c += pair ? block : lane_count;
  }
}

}  // namespace winograd
