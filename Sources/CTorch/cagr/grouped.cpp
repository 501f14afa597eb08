// Convolutions of few channels a group, kernels 3 x 3 or 3 x 3 x 3, and the derivative of their kernel, in single precision.
//
// Sixteen output channels are a block, one register of AVX-512. All channels of a block see the same number m of inputs:
// its own group's. Up to m = 8 these lie in the sixteen inputs of the same place, and "input i of every lane's group" is a
// permutation of one register; from 16 on a group is made of whole blocks, and it is one number for all lanes.
//
// Outputs are made four rows at a time, in 3-D of two planes, by Winograd's filtering (tiles.h): some tiles side by side are transformed for one unit,
// the channels that its blocks see and no more, multiplied and transformed back without leaving the cache. The derivative
// of the kernel keeps three taps of eight inputs in registers while a row goes by.
#include <utility>

#include "../loops/kernels.h"
#include "../winograd/tiles.h"

namespace grouped {
namespace {

using winograd::tile_outputs;

// Input `I` of every lane's group, where a group has M channels, from the block's sixteen inputs.
template <int M, int I, int... J>
CT_INLINE void spread(const Lanes &x, Lanes &to, std::integer_sequence<int, J...>) {
  to = __builtin_shufflevector(x, x, (J / M * M + I)...);
}
template <int M, int I>
CT_INLINE void spread(const float *block, Lanes &to) {
  spread<M, I>(lanes(block), to, std::make_integer_sequence<int, lane_count>());
}

// Where the inputs of the block at channel `c` begin.
CT_INLINE int64_t inputs_of(int64_t c, int64_t members) { return members > lane_count ? c / members * members : c; }

// MARK: Four rows of outputs

// Adds one input's products: E of the 36 for T tiles, whose x(e, t, to) puts the input into `to`.
template <int T, int E, class Input>
CT_INLINE void add_input(const float *kernel, int64_t step, Lanes (&sums)[E][T], const Input &x) {
#pragma clang loop unroll(full)
  for (int e = 0; e < E; ++e) {
    const Lanes weight = lanes(kernel + e * step);
#pragma clang loop unroll(full)
    for (int t = 0; t < T; ++t) {
      Lanes input;
      x(e, t, input);
      sums[e][t] += input * weight;
    }
  }
}

template <int M, int T, int E, int... I>
CT_INLINE void add_members(const float *inputs, const float *kernel, Lanes (&sums)[E][T], std::integer_sequence<int, I...>) {
  (add_input<T, E>(kernel + I * lane_count, M * lane_count, sums, [&](int e, int t, Lanes &to) __attribute__((always_inline)) {
     spread<M, I>(inputs + (e * T + t) * lane_count, to);
   }), ...);
}

// A block's products, 36 or 144: `inputs` [products][T][unit], `kernel` [products][m][16] to [products][T][16]. M is 0 where a
// group is whole blocks.
template <int M, int T>
CT_INLINE void multiply(const float *inputs, const float *kernel, int64_t members, int products, float *to) {
  constexpr int E = 16 / T;  // sixteen sums at a time hide the latency of each
  for (int e = 0; e < products; e += E, kernel += E * members * lane_count, to += E * T * lane_count) {
    Lanes sums[E][T] = {};
    if constexpr (M > 0) {
      add_members<M>(inputs + e * T * lane_count, kernel, sums, std::make_integer_sequence<int, M>());
    } else {
      for (int64_t i = 0; i < members; ++i) {
        const float *from = inputs + e * T * members + i;
        add_input<T, E>(kernel + i * lane_count, members * lane_count, sums, [&](int e, int t, Lanes &to) __attribute__((always_inline)) {
          to = CT_ALL(from[(e * T + t) * members]);
        });
      }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < E * T; ++i) lanes(to + i * lane_count) = sums[i / T][i % T];
  }
}

template <int M, int T, bool is_volume>
CT_INLINE void all_strips(const float *const *rows, const float *kernels, int64_t width, int64_t channels, int64_t members, float *space, float *to) {
  constexpr int count = winograd::tile_products * winograd::depth_of(is_volume).inputs;
  const auto unit = M > 0 ? lane_count : members, size = count * members * lane_count;
  float *inputs = space, *products = space + count * T * unit;
  for (int64_t first = 0; first < width; first += T * tile_outputs) {
    for (int64_t base = 0; base < channels; base += unit) {
      for (int t = 0; t < T; ++t) {
        for (int64_t c = 0; c < unit; c += lane_count) {
          const auto offset = (first + t * tile_outputs) * channels + base + c;
          winograd::transform_tile<is_volume>(
            [&](int k, int i, int j) __attribute__((always_inline)) { return rows[rows_seen * k + i] + offset + j * channels; },
            inputs + t * unit + c, T * unit);
        }
      }
      for (int64_t c = base; c < base + unit; c += lane_count) {
        multiply<M, T>(inputs, kernels + c / lane_count * size, members, count, products);
        for (int t = 0; t < T; ++t) {
          float *place = to + (first + t * tile_outputs) * channels + c;
          winograd::transform_back<is_volume>(products + t * lane_count, T * lane_count, [&](int k, int i, int j, const Lanes &y) __attribute__((always_inline)) {
            lanes(place + ((rows_at_once * k + i) * width + j) * channels) = y;
          });
        }
      }
    }
  }
}

template <int M>
CT_INLINE void all_strips(bool is_volume, const float *const *rows, const float *kernels, int64_t width, int64_t channels, int64_t members, float *space, float *to) {
  if (is_volume) {
    all_strips<M, 4, true>(rows, kernels, width, channels, members, space, to);
  } else if (tiles_at_once(false, width) == 8) {
    all_strips<M, 8, false>(rows, kernels, width, channels, members, space, to);
  } else {
    all_strips<M, 4, false>(rows, kernels, width, channels, members, space, to);
  }
}

// MARK: A row's share of the kernel's derivative

constexpr int inputs_at_once = 8;

// Three taps of the inputs I...: x(I, p, to) puts input I of pixel p into `to`. `up` begins one pixel before the row.
template <class Input, int... I>
CT_INLINE void add_products(const float *up, int64_t width, int64_t channels, int64_t step, float *sums, const Input &x, std::integer_sequence<int, I...>) {
  Lanes left[sizeof...(I)] = {}, middle[sizeof...(I)] = {}, right[sizeof...(I)] = {};
  const auto add = [&](auto i, int64_t p, const Lanes &before, const Lanes &here, const Lanes &after) __attribute__((always_inline)) {
    Lanes input;
    x(i, p, input);
    // Pixel p is the left neighbour of output p + 1.
    left[i] += input * after;
    middle[i] += input * here;
    right[i] += input * before;
  };
  for (int64_t p = 0; p < width; ++p, up += channels) {
    const Lanes before = lanes(up), here = lanes(up + channels), after = lanes(up + 2 * channels);
    (add(std::integral_constant<int, I>(), p, before, here, after), ...);
  }
  ((lanes(sums + I * lane_count) += left[I], lanes(sums + step + I * lane_count) += middle[I],
    lanes(sums + 2 * step + I * lane_count) += right[I]), ...);
}
template <int count, class Input>
CT_INLINE void add_products(const float *up, int64_t width, int64_t channels, int64_t step, float *sums, const Input &x) {
  add_products(up, width, channels, step, sums, x, std::make_integer_sequence<int, count>());
}

// The inputs of one block, in as many passes as they need; M is 0 where a group is whole blocks.
template <int M>
CT_INLINE void block_products(const float *row, const float *up, int64_t width, int64_t channels, int64_t members, float *sums) {
  if constexpr (M > 0) {
    add_products<M>(up, width, channels, M * lane_count, sums, [&]<int I>(std::integral_constant<int, I>, int64_t p, Lanes &to) __attribute__((always_inline)) {
      spread<M, I>(row + p * channels, to);
    });
  } else {
    for (int64_t first = 0; first < members; first += inputs_at_once) {
      const float *from = row + first;
      add_products<inputs_at_once>(
        up, width, channels, members * lane_count, sums + first * lane_count,
        [&]<int I>(std::integral_constant<int, I>, int64_t p, Lanes &to) __attribute__((always_inline)) {
          to = CT_ALL(from[p * channels + I]);
        });
    }
  }
}

template <int M>
CT_INLINE void all_products(const float *const *rows, int64_t count, const float *up, int64_t width, int64_t channels, int64_t members, float *sums) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    for (int row = 0; row < count; ++row, sums += 3 * members * lane_count) {
      if (rows[row]) block_products<M>(rows[row] + inputs_of(c, members), up + c, width, channels, members, sums);
    }
  }
}

template <bool is_volume>
CT_INLINE void transform_kernels(const float *kernels, int64_t blocks, int64_t members, float *to) {
  constexpr auto deep = winograd::depth_of(is_volume);
  const auto step = members * lane_count;
  for (int64_t block = 0; block < blocks; ++block, kernels += 9 * deep.taps * step, to += winograd::tile_products * deep.inputs * step) {
    for (int64_t i = 0; i < step; i += lane_count) {
      winograd::transform_whole_kernel<is_volume>(
        [&](int tap, Lanes &w) __attribute__((always_inline)) { w = lanes(kernels + tap * step + i); }, to + i, step);
    }
  }
}

}  // namespace

CT_CLONES(transform_kernels, (bool is_volume, const float *kernels, int64_t blocks, int64_t members, float *to), (is_volume, kernels, blocks, members, to)) {
  if (is_volume) transform_kernels<true>(kernels, blocks, members, to); else transform_kernels<false>(kernels, blocks, members, to);
}

CT_CLONES(convolve_rows, (bool is_volume, const float *const *rows, const float *kernels, int64_t width, int64_t channels, int64_t members, float *space, float *to), (is_volume, rows, kernels, width, channels, members, space, to)) {
  switch (members) {
    case 1: return all_strips<1>(is_volume, rows, kernels, width, channels, members, space, to);
    case 2: return all_strips<2>(is_volume, rows, kernels, width, channels, members, space, to);
    case 4: return all_strips<4>(is_volume, rows, kernels, width, channels, members, space, to);
    case 8: return all_strips<8>(is_volume, rows, kernels, width, channels, members, space, to);
    default: return all_strips<0>(is_volume, rows, kernels, width, channels, members, space, to);
  }
}

CT_CLONES(correlate_row, (const float *const *rows, int64_t count, const float *up, int64_t width, int64_t channels, int64_t members, float *sums), (rows, count, up, width, channels, members, sums)) {
  switch (members) {
    case 1: return all_products<1>(rows, count, up, width, channels, members, sums);
    case 2: return all_products<2>(rows, count, up, width, channels, members, sums);
    case 4: return all_products<4>(rows, count, up, width, channels, members, sums);
    case 8: return all_products<8>(rows, count, up, width, channels, members, sums);
    default: return all_products<0>(rows, count, up, width, channels, members, sums);
  }
}

}  // namespace grouped
