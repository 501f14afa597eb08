// The loops of winograd.cpp over plain pointers, in single precision.
#include "winograd_loops.h"

#include "tiles.h"

namespace winograd {
namespace {

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

// The sums over tiles of T outputs by N registers of inputs stay in registers.
template <int T, int N>
CT_INLINE void correlate(const float *ups, const float *tiles, int64_t from, int64_t to, int64_t count, float *sums) {
  Lanes sum[T][N] = {};
  for (int64_t tile = 0; tile < count; ++tile, ups += padded(to), tiles += padded(from)) {
    Lanes x[N];
#pragma clang loop unroll(full)
    for (int n = 0; n < N; ++n) x[n] = lanes(tiles + n * lane_count);
#pragma clang loop unroll(full)
    for (int t = 0; t < T; ++t) {
      const Lanes up = CT_ALL(ups[t]);
#pragma clang loop unroll(full)
      for (int n = 0; n < N; ++n) sum[t][n] += up * x[n];
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < T * N; ++i) lanes(sums + i / N * from + i % N * lane_count) += sum[i / N][i % N];
}

template <bool is_volume>
CT_INLINE void input_tile(const float *const *from, int64_t channels, float *to, int64_t step) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    transform_tile<is_volume>([&](int k, int i, int j) __attribute__((always_inline)) { return from[tile_products * k + tile_inputs * i + j] + c; }, to + c, step);
  }
}

template <bool is_volume>
CT_INLINE void output_tile(const float *from, int64_t step, const float *bias, float least, int64_t channels, float *const *to) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    transform_back<is_volume>(from + c, step, [&](int k, int i, int j, const Lanes &result) __attribute__((always_inline)) {
      float *pixel = to[tile_outputs * (tile_outputs * k + i) + j];
      if (!pixel) return;
      const Lanes y = result + lanes(bias + c);
      // What is not a number stays so.
      lanes(pixel + c) = y < least ? CT_ALL(least) : y;
    });
  }
}

template <bool is_volume>
CT_INLINE void up_tile(const float *const *from, int64_t channels, float *to, int64_t step) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    transform_tile_up<is_volume>([&](int k, int i, int j) __attribute__((always_inline)) { return from[tile_outputs * (tile_outputs * k + i) + j] + c; }, to + c, step);
  }
}

template <bool is_volume>
CT_INLINE void forward_kernels(const float *from, int64_t channels, float *to, int64_t stride, int64_t step) {
  constexpr int count = 9 * depth_of(is_volume).taps;
  for (int64_t c = 0; c < channels; c += lane_count) {
    Lanes taps[count][lane_count];
    for (int tap = 0; tap < count; ++tap) {
      for (int o = 0; o < lane_count; ++o) taps[tap][o] = lanes(from + (o * count + tap) * channels + c);
      transpose(taps[tap]);
    }
    for (int i = 0; i < lane_count; ++i) {
      transform_whole_kernel<is_volume>([&](int tap, Lanes &w) __attribute__((always_inline)) { w = taps[tap][i]; }, to + (c + i) * stride, step);
    }
  }
}

template <bool is_volume>
CT_INLINE void backward_kernels(const float *from, int64_t outputs, int64_t channels, float *to, int64_t stride, int64_t step) {
  constexpr int count = 9 * depth_of(is_volume).taps;
  for (int64_t o = 0; o < outputs; ++o) {
    transform_whole_kernel<is_volume>(
      [&](int tap, Lanes &w) __attribute__((always_inline)) { w = lanes(from + (o * count + count - 1 - tap) * channels); }, to + o * stride, step);
  }
}

template <bool is_volume>
CT_INLINE void kernel_derivatives(const float *from, int64_t channels, int64_t step, float *to) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    transform_whole_kernel_back<is_volume>(
      from + c, step, [&](int tap, const Lanes &w) __attribute__((always_inline)) { lanes(to + tap * channels + c) = w; });
  }
}

}  // namespace

#define CT_BOTH(name, ...) if (is_volume) name<true>(__VA_ARGS__); else name<false>(__VA_ARGS__)

CT_CLONES(input_tile, (bool is_volume, const float *const *from, int64_t channels, float *to, int64_t step), (is_volume, from, channels, to, step)) {
  CT_BOTH(input_tile, from, channels, to, step);
}
CT_CLONES(output_tile, (bool is_volume, const float *from, int64_t step, const float *bias, float least, int64_t channels, float *const *to), (is_volume, from, step, bias, least, channels, to)) {
  CT_BOTH(output_tile, from, step, bias, least, channels, to);
}
CT_CLONES(up_tile, (bool is_volume, const float *const *from, int64_t channels, float *to, int64_t step), (is_volume, from, channels, to, step)) {
  CT_BOTH(up_tile, from, channels, to, step);
}
CT_CLONES(forward_kernels, (bool is_volume, const float *from, int64_t channels, float *to, int64_t stride, int64_t step), (is_volume, from, channels, to, stride, step)) {
  CT_BOTH(forward_kernels, from, channels, to, stride, step);
}
CT_CLONES(backward_kernels, (bool is_volume, const float *from, int64_t outputs, int64_t channels, float *to, int64_t stride, int64_t step), (is_volume, from, outputs, channels, to, stride, step)) {
  CT_BOTH(backward_kernels, from, outputs, channels, to, stride, step);
}
CT_CLONES(kernel_derivatives, (bool is_volume, const float *from, int64_t channels, int64_t step, float *to), (is_volume, from, channels, step, to)) {
  CT_BOTH(kernel_derivatives, from, channels, step, to);
}

CT_CLONES(correlate, (const float *ups, const float *tiles, int64_t from, int64_t to, int64_t count, bool wide, float *sums), (ups, tiles, from, to, count, wide, sums)) {
  const auto in = padded(from), up = padded(to);
  for (int64_t first = 0; first < count; first += summed_at_once, ups += summed_at_once * up, tiles += summed_at_once * in) {
    const auto some = count - first < summed_at_once ? count - first : summed_at_once;
    for (int64_t c = 0; c < from;) {
      const bool pair = wide && c + block <= from;
      for (int64_t o = 0; o < to; o += outputs_at_once) {
        float *place = sums + o * from + c;
        if (pair) {
          correlate<8, 2>(ups + o, tiles + c, from, to, some, place);
        } else if (wide) {
          correlate<8, 1>(ups + o, tiles + c, from, to, some, place);
        } else {
          correlate<4, 1>(ups + o, tiles + c, from, to, some, place);
          correlate<4, 1>(ups + o + 4, tiles + c, from, to, some, place + 4 * from);
        }
      }
      c += pair ? block : lane_count;
    }
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
