// The derivative of a Winograd convolution with respect to its kernels.
//
// y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A is linear in w, so ∂w = Gᵀ [ Σ (A ∂y Aᵀ) ⊙ (Bᵀ d B) ] G, summed over tiles: a quarter of
// the direct sum's products, in 3-D a sixth, as the convolution itself.
//
// Tiles are transformed some at a time, by all threads, and multiplied while they lie in the cache, each thread some of the
// products: every sum runs over the tiles in one order, whatever the number of threads.
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <algorithm>

#include "../loops/parallel.h"
#include "../loops/read.h"
#include "../wall/layout.h"
#include "columns.h"
#include "tiling.h"
#include "winograd.h"
#include "winograd_loops.h"

namespace winograd {

using at::Tensor;

namespace {

// Numbers that the tiles at hand take for each thread, half of a core's cache of 2 MB, unless sums have more: these are read and
// written once for each band.
constexpr int64_t fitting = 1 << 18;

Tensor correlation(const Tensor &up, const Tensor &x, const Tensor &weight) {
  count_saving(x, x.size(1) * up.size(1));
  const Tiling tiling(x);
  const auto from = x.size(1), to = up.size(1), products = tiling.products(), taps = weight.numel() / (from * to);
  const auto flat = x.options().memory_format(at::MemoryFormat::Contiguous);
  const auto wanted = std::max<int64_t>(at::get_num_threads() * fitting / (products * (from + to)), from * to / (from + to));
  const auto band = std::min(tiling.count, (wanted + summed_at_once - 1) / summed_at_once * summed_at_once);
  const auto in_step = step_of(band, padded(from)), up_step = step_of(band, padded(to));
  const auto nothing = at::zeros({std::max(from, to)}, flat), space = at::empty({products * (in_step + up_step)}, flat),
             sums = at::zeros({products, to * from}, flat);
  auto kernel = at::empty(weight.sizes(), x.options(), last(weight));
  const float *in = read<float>(x), *derivative = read<float>(up), *outside = read<float>(nothing);
  float *taken = space.mutable_data_ptr<float>(), *ups = taken + products * in_step, *sum = sums.mutable_data_ptr<float>(),
        *out = kernel.mutable_data_ptr<float>();
  const bool wide = ct_instructions == CT_V4;
  for (int64_t first = 0; first < tiling.count; first += band) {
    const auto count = std::min(band, tiling.count - first);
    parallel_for(count, 4, [&](int64_t begin, int64_t end) {
      for (auto t = begin; t < end; ++t) {
        const float *pixels[Tiling::most_inputs];
        tiling.inputs(first + t, in, from, outside, pixels);
        input_tile(tiling.is_volume, pixels, from, taken + t * padded(from), in_step);
        tiling.outputs(first + t, derivative, to, outside, pixels);
        up_tile(tiling.is_volume, pixels, to, ups + t * padded(to), up_step);
      }
    });
    parallel_for(products, 1, [&](int64_t begin, int64_t end) {
      for (auto e = begin; e < end; ++e) {
        correlate(ups + e * up_step, taken + e * in_step, from, to, count, wide, sum + e * to * from);
      }
    });
  }
  parallel_for(to, 1, [&](int64_t begin, int64_t end) {
    for (auto o = begin; o < end; ++o) {
      kernel_derivatives(tiling.is_volume, sum + o * from, from, to * from, out + o * taps * from);
    }
  });
  return kernel;
}

}  // namespace

std::tuple<Tensor, Tensor> kernel_derivative(const Tensor &up, const Tensor &x, const Tensor &weight, bool bias_wanted) {
  auto axes = spatial(up);
  axes.push_back(0);
  const auto kernel = is_small(x, weight) ? columns::kernel_derivative(channels_last(up), channels_last(x))
                                          : correlation(channels_last(up), channels_last(x), weight);
  return {kernel, bias_wanted ? up.sum(axes) : Tensor()};
}

}  // namespace winograd
