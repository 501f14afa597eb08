// Deformable convolutions as operators with backwards of their own; the plain compositions are in Layers.
//
// DCNv3 sums samples of every group with weights: nothing but its three arguments is kept for the backward, where the
// composition from nine grid samples keeps nine maps. DCNv2 multiplies all samples of a pixel, a column of 9 C numbers,
// with a matrix: columns are made for some hundreds of pixels at a time, and again in the backward.
//
// Derivatives that are to be differentiated again come from a composition of LibTorch's operators (deformable_composed.cpp).
// What is kept is the very tensors that were given, contiguous already, so that such derivatives lead back to them.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <type_traits>

#include "deformable.h"
#include "../loops/kernels.h"
#include "../loops/parallel.h"
#include "../loops/read.h"
#include "../wall/recorded.h"
#include "../wall/wall.h"

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace deform {
namespace {

// One sample of a batch, whose tensors are [B, H, W, …] and contiguous.
template <class T>
struct Slice {
  const T *map, *offsets, *weights;
};

template <class T>
Slice<T> slice(const variable_list &kept, int64_t b) {
  const auto from = [&](const Tensor &x) { return read<T>(x) + b * (x.numel() / x.size(0)); };
  return {from(kept[0]), from(kept[1]), from(kept[2])};
}

template <class T>
T *place(const Tensor &x, int64_t b) {
  return x.mutable_data_ptr<T>() + b * (x.numel() / x.size(0));
}

Grid grid_of(const variable_list &kept, int64_t groups, bool x_first) {
  const auto &map = kept[0], &offsets = kept[1], &weights = kept[2];
  TORCH_CHECK(map.dim() == 4 && map.size(3) % groups == 0, groups, " groups do not divide a map of ", map.sizes());
  const std::vector<int64_t> places{map.size(0), map.size(1), map.size(2), groups * taps};
  auto pairs = places;
  pairs[3] *= 2;
  TORCH_CHECK(offsets.sizes() == pairs && weights.sizes() == places, "offsets are ", offsets.sizes(), " and weights ", weights.sizes(), " for a map of ", map.sizes(), " in ", groups, " groups");
  for (const auto &x : kept) {
    TORCH_CHECK(x.device().is_cpu() && x.scalar_type() == map.scalar_type(), "the map, its offsets and its weights differ in kind");
  }
  return {map.size(1), map.size(2), map.size(3), groups, x_first};
}

// Runs `body` with a zero of the map's type.
template <class Body>
void typed(const Tensor &map, const Body &body) {
  if (map.scalar_type() == at::kDouble) return body(0.0);
  TORCH_CHECK(map.scalar_type() == at::kFloat, "deformable convolution of ", map.scalar_type());
  body(0.0f);
}

constexpr int64_t grain = 64;  // pixels

template <class T>
void sample_pixels(const Slice<T> &in, const Grid &grid, int64_t first, int64_t count, bool sums, T *samples) {
  const auto length = (sums ? 1 : taps) * grid.channels;
  parallel_for(count, grain, [&](int64_t from, int64_t to) {
    sample(in.map, in.offsets, in.weights, grid, first + from, to - from, sums, samples + from * length);
  });
}

// Offsets and weights belong to pixels, the map's channels to none: each half is spread over threads without sharing, so
// that sums are the same for any number of threads.
template <class T>
void sample_pixels_backward(const Slice<T> &in, const Grid &grid, int64_t first, int64_t count, bool sums, const T *up, T *down, T *down_offsets, T *down_weights) {
  const auto length = (sums ? 1 : taps) * grid.channels;
  parallel_for(count, grain, [&](int64_t from, int64_t to) {
    sample_backward_places(in.map, in.offsets, in.weights, grid, first + from, to - from, sums, up + from * length, down_offsets, down_weights);
  });
  const auto members = grid.channels / grid.groups, block = std::min<int64_t>(members, 16);
  const auto blocks = (members + block - 1) / block;
  parallel_for(grid.groups * blocks, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const auto begin = i % blocks * block;
      sample_backward_map(in.offsets, in.weights, grid, first, count, sums, up, i / blocks * members + begin, std::min(block, members - begin), down);
    }
  });
}

// MARK: DCNv3

class Sum : public torch::autograd::Function<Sum> {
 public:
  static Tensor forward(AutogradContext *context, const Tensor &map, const Tensor &offsets, const Tensor &weights, int64_t groups) {
    const variable_list kept{map, offsets, weights};
    const auto grid = grid_of(kept, groups, true);
    auto y = at::empty_like(map);
    typed(y, [&](auto zero) {
      using T = decltype(zero);
      for (int64_t b = 0; b < y.size(0); ++b) {
        sample_pixels(slice<T>(kept, b), grid, 0, grid.height * grid.width, true, place<T>(y, b));
      }
    });
    context->save_for_backward(kept);
    context->saved_data["groups"] = groups;
    return y;
  }

  static variable_list backward(AutogradContext *context, variable_list derivatives) {
    const auto kept = context->get_saved_variables();
    const auto groups = context->saved_data["groups"].toInt();
    if (at::GradMode::is_enabled()) {
      auto recorded = recorded_derivatives(context, kept, derivatives[0], [&](const variable_list &in) {
        return composed_samples(in[0], in[1], in[2], groups, true).sum(3);
      });
      recorded.resize(4);
      return recorded;
    }
    const auto grid = grid_of(kept, groups, true);
    const auto up = derivatives[0].contiguous();
    auto down = at::zeros_like(kept[0]), offsets = at::empty_like(kept[1]), weights = at::empty_like(kept[2]);
    typed(up, [&](auto zero) {
      using T = decltype(zero);
      for (int64_t b = 0; b < up.size(0); ++b) {
        sample_pixels_backward(
          slice<T>(kept, b), grid, 0, grid.height * grid.width, true, read<T>(up) + b * (up.numel() / up.size(0)),
          place<T>(down, b), place<T>(offsets, b), place<T>(weights, b));
      }
    });
    return {down, offsets, weights, Tensor()};
  }
};

// MARK: DCNv2

// Pixels whose columns are in memory at once: 4 MB of them in single precision.
int64_t chunk(const Grid &grid) { return std::max(grain, (int64_t{1} << 20) / (taps * grid.channels)); }

// [O, C, 3, 3] to [O, 9 C], taps along the rows.
Tensor matrix_of(const Tensor &weight) { return weight.permute({0, 2, 3, 1}).reshape({weight.size(0), -1}); }

class Convolution : public torch::autograd::Function<Convolution> {
 public:
  // The matrix is `matrix_of` a kernel.
  static Tensor forward(AutogradContext *context, const Tensor &map, const Tensor &offsets, const Tensor &weights, const Tensor &matrix, int64_t groups) {
    const variable_list kept{map, offsets, weights, matrix};
    const auto grid = grid_of(kept, groups, false);
    auto y = at::empty({map.size(0), map.size(1), map.size(2), matrix.size(0)}, map.options());
    each_chunk(kept, grid, [&](auto in, int64_t b, int64_t first, const Tensor &columns) {
      using T = std::remove_const_t<std::remove_pointer_t<decltype(in.map)>>;
      sample_pixels(in, grid, first, columns.size(0), false, columns.mutable_data_ptr<T>());
      auto rows = pixels(y, b, first, columns.size(0));
      at::mm_out(rows, columns, kept[3].t());
    });
    context->save_for_backward(kept);
    context->saved_data["groups"] = groups;
    return y;
  }

  static variable_list backward(AutogradContext *context, variable_list derivatives) {
    const auto kept = context->get_saved_variables();
    const auto groups = context->saved_data["groups"].toInt();
    if (at::GradMode::is_enabled()) {
      auto recorded = recorded_derivatives(context, kept, derivatives[0], [&](const variable_list &in) {
        return at::matmul(composed_samples(in[0], in[1], in[2], groups, false).flatten(3), in[3].t());
      });
      recorded.resize(5);
      return recorded;
    }
    const auto grid = grid_of(kept, groups, false);
    const auto up = derivatives[0].contiguous();
    auto down = at::zeros_like(kept[0]), offsets = at::empty_like(kept[1]), weights = at::empty_like(kept[2]);
    auto matrix = at::zeros_like(kept[3]);
    each_chunk(kept, grid, [&](auto in, int64_t b, int64_t first, const Tensor &columns) {
      using T = std::remove_const_t<std::remove_pointer_t<decltype(in.map)>>;
      const auto rows = pixels(up, b, first, columns.size(0));
      sample_pixels(in, grid, first, columns.size(0), false, columns.mutable_data_ptr<T>());
      matrix.addmm_(rows.t(), columns);
      const auto up_columns = at::mm(rows, kept[3]);
      sample_pixels_backward(
        in, grid, first, columns.size(0), false, read<T>(up_columns), place<T>(down, b), place<T>(offsets, b),
        place<T>(weights, b));
    });
    return {down, offsets, weights, matrix, Tensor()};
  }

 private:
  // Pixels [first, first + count) of sample b, one a row.
  static Tensor pixels(const Tensor &x, int64_t b, int64_t first, int64_t count) {
    return x.select(0, b).flatten(0, 1).narrow(0, first, count);
  }

  // Calls `body` with a sample, its number, and room for the columns of some of its pixels from `first` on.
  template <class Body>
  static void each_chunk(const variable_list &kept, const Grid &grid, const Body &body) {
    const auto count = grid.height * grid.width, most = std::min(count, chunk(grid));
    const auto room = at::empty({most, taps * grid.channels}, kept[0].options());
    typed(kept[0], [&](auto zero) {
      for (int64_t b = 0; b < kept[0].size(0); ++b) {
        for (int64_t first = 0; first < count; first += most) {
          body(slice<decltype(zero)>(kept, b), b, first, room.narrow(0, 0, std::min(most, count - first)));
        }
      }
    });
  }
};

}  // namespace
}  // namespace deform

ct_tensor ct_deformable_sum(ct_tensor map, ct_tensor offsets, ct_tensor weights, int groups) {
  return wall::make([&] {
    // Every tap weighs every channel; reading between pixels is none.
    wall::multiply_adds += map->value.numel() * 9;
    return deform::Sum::apply(
      map->value.contiguous(), offsets->value.contiguous(), weights->value.contiguous(), static_cast<int64_t>(groups));
  });
}

ct_tensor ct_deformable_convolution(ct_tensor map, ct_tensor offsets, ct_tensor weights, ct_tensor kernel, int groups) {
  return wall::make([&] {
    auto y = deform::Convolution::apply(
      map->value.contiguous(), offsets->value.contiguous(), weights->value.contiguous(),
      deform::matrix_of(kernel->value).contiguous(), static_cast<int64_t>(groups));
    wall::multiply_adds += y.numel() * (kernel->value.numel() / kernel->value.size(0));
    return y;
  });
}
