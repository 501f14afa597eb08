// The routing of a fused CAGR module: h = mean(gelu(norm(conv(x, V)))) with V = A · routing kernel, and its derivatives.
//
// In single precision with whole blocks of channels, rows go four by four, of a volume in two planes at a time, through the
// convolution (grouped.cpp) and the norm, GELU and pooling (pool.cpp): conv(x, V) is pooled while it lies in the cache, and in the backward
// neither its derivative nor the one that x gets from it is ever a map of its own. Everything else takes the library's
// convolution.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <algorithm>

#include "bands.h"
#include "cagr.h"
#include "../wall/direct.h"
#include "../loops/parallel.h"
#include "../loops/read.h"
#include "../winograd/winograd.h"

namespace cagr {
namespace {

constexpr int64_t block = 16;

bool goes_by_rows(const Tensor &x, int64_t members) {
  const bool spread = members == 1 || members == 2 || members == 4 || members == 8 || members % block == 0;
  return spread && x.size(1) % block == 0 && x.scalar_type() == at::kFloat;
}

// MARK: Kernels in blocks, [B or 1, C/16, taps, m, 16]

// From [..., C, m, taps].
Tensor in_blocks(const Tensor &kernel) {
  const auto sizes = kernel.sizes();
  return kernel.reshape({-1, sizes[sizes.size() - 3] / block, block, sizes[sizes.size() - 2], sizes.back()}).permute({0, 1, 4, 3, 2}).contiguous();
}

// G w Gᵀ of kernels in blocks: [B, C/16, 36 or 144, m, 16].
Tensor transformed(const Tensor &blocks) {
  const auto sizes = blocks.sizes();
  const bool is_volume = sizes[2] == 27;
  auto kernels = at::empty({sizes[0], sizes[1], is_volume ? 144 : 36, sizes[3], sizes[4]}, blocks.options());
  grouped::transform_kernels(is_volume, read<float>(blocks), sizes[0] * sizes[1], sizes[3], kernels.mutable_data_ptr<float>());
  return kernels;
}

// To [B, C, m, taps].
Tensor out_of_blocks(const Tensor &blocks) {
  const auto sizes = blocks.sizes();
  return blocks.permute({0, 1, 4, 3, 2}).reshape({sizes[0], sizes[1] * block, sizes[3], sizes[2]});
}

// A · kernel for every sample, [B, C, m, taps], or [1, C, m, taps] for all where there is no gate. Outputs of group g see the
// gates of group g's inputs.
Tensor gated(const Tensor &kernel, const Tensor &gate, int64_t groups) {
  const auto channels = kernel.size(0), members = kernel.size(1);
  if (!gate.defined()) return kernel.reshape({1, channels, members, -1});
  const auto product = kernel.reshape({1, groups, members, members, -1}) * gate.view({-1, groups, 1, members, 1});
  return product.view({gate.size(0), channels, members, -1});
}

// Every group's inputs and outputs exchanged and its taps turned around: what carries a derivative back.
Tensor turned(const Tensor &kernels, int64_t groups) {
  const auto sizes = kernels.sizes();
  const auto members = sizes[2];
  return kernels.view({sizes[0], groups, members, members, sizes[3]}).transpose(2, 3).flip(4).reshape(sizes);
}

// MARK: By rows

// Room that `convolve_band` needs.
int64_t convolution_room(const Bands &bands, int64_t members) {
  return Window::space(bands) + bands.made_rows() * bands.made_length() + grouped::convolution_space(bands.is_volume, members);
}

// The convolution of one band, whose rows of inputs `make(z, y, to)` makes: use(z, y, row, window) takes every row of outputs.
// - Parameter kernels: those of all samples, `stride` apart.
template <class Make, class Use>
void convolve_band(
  const Bands &bands, int64_t band, const float *kernels, int64_t stride, int64_t members, float *space, const Make &make,
  const Use &use) {
  const auto first = bands.first(band), last = bands.end(band), back = bands.back(band);
  float *rows = space + Window::space(bands), *rest = rows + bands.made_rows() * bands.made_length();
  Window window(bands, band, space);
  window.take(first - 1, first + 1, make);
  for (auto y = first; y < last; y += grouped::rows_at_once) {
    window.take(y + 1, y + 5, make);
    for (auto z = bands.front(band); z < back; z += grouped::planes_at_once(bands.is_volume)) {
      grouped::convolve_rows(
        bands.is_volume, window.around(z, y).data(), kernels + bands.sample(band) * stride,
        grouped::whole_width(bands.is_volume, bands.width), bands.channels, members, rest, rows);
      for (int64_t i = 0; i < bands.made_rows(); ++i) {
        const auto plane = z + i / grouped::rows_at_once, row = y + i % grouped::rows_at_once;
        if (plane < back && row < last) use(plane, row, rows + i * bands.made_length(), window);
      }
    }
  }
}

Tensor features_by_rows(const Tensor &x, const Tensor &kernels, const Tensor &weight, const Tensor &bias, Tensor *map) {
  const Bands bands(x);
  const auto channels = bands.channels, members = kernels.size(2), length = bands.row_length();
  winograd::count_saving(x, channels * members);
  const auto blocks = transformed(in_blocks(kernels));
  const auto stride = blocks.size(0) > 1 ? blocks.stride(0) : 0;
  auto sums = at::zeros({bands.samples, bands.of_sample(), channels}, weight.options());
  if (map) *map = at::empty_like(x);
  // Made here: what other threads allocate comes from heaps that glibc keeps shrinking.
  const auto room = convolution_room(bands, members);
  auto spaces = at::empty({at::get_num_threads(), room}, weight.options());
  const float *in = read<float>(x), *kernel = read<float>(blocks), *w = read<float>(weight), *b = read<float>(bias);
  float *sum = sums.mutable_data_ptr<float>(), *space = spaces.mutable_data_ptr<float>();
  float *kept = map ? map->mutable_data_ptr<float>() : nullptr;
  parallel_for(bands.count(), 1, [&](int64_t begin, int64_t end) {
    float *own = space + at::get_thread_num() * room;
    for (auto band = begin; band < end; ++band) {
      const auto sample = bands.sample(band);
      const auto copy = [&](int64_t z, int64_t y, float *to) { std::copy_n(in + bands.row(sample, z, y), length, to); };
      convolve_band(bands, band, kernel, stride, members, own, copy, [&](int64_t z, int64_t y, const float *row, const Window &) {
        if (kept) std::copy_n(row, length, kept + bands.row(sample, z, y));
        pool_f32(row, w, b, bands.width, channels, epsilon, sum + band * channels);
      });
    }
  });
  return sums.sum(1) / static_cast<double>(bands.pixels());
}

// The kernel's derivative is that of every sample's, [B, C, m, taps], here and below.
RoutingDerivatives backward_by_rows(
  const Tensor &x, const Tensor &map, const Tensor &kernels, const Routing &routing, const Tensor &up, const Tensor &image) {
  const Bands bands(x);
  const auto channels = bands.channels, members = kernels.size(2), taps = kernels.size(3), length = bands.row_length();
  winograd::count_saving(x, channels * members);
  const auto back = transformed(in_blocks(turned(kernels, routing.groups)));
  const auto stride = back.size(0) > 1 ? back.stride(0) : 0, size = taps * members * channels;
  const auto each = (up / static_cast<double>(bands.pixels())).contiguous();
  const auto plain = routing.weight.options();
  auto products = at::zeros({bands.samples, bands.of_sample(), size}, plain);
  auto sums = at::zeros({2, bands.count(), channels}, plain);
  // Of a thread: what the convolution needs, and sums of rows that another band counts.
  const auto room = convolution_room(bands, members) + 2 * channels;
  auto spaces = at::empty({at::get_num_threads(), room}, plain);
  const float *in = read<float>(x), *mapped = read<float>(map), *kernel = read<float>(back),
              *w = read<float>(routing.weight), *b = read<float>(routing.bias), *derivative = read<float>(each);
  float *product = products.mutable_data_ptr<float>(), *weights = sums.mutable_data_ptr<float>(),
        *biases = weights + bands.count() * channels, *space = spaces.mutable_data_ptr<float>(),
        *down = image.mutable_data_ptr<float>();
  parallel_for(bands.count(), 1, [&](int64_t begin, int64_t end) {
    float *own = space + at::get_thread_num() * room, *uncounted = own + convolution_room(bands, members);
    for (auto band = begin; band < end; ++band) {
      const auto sample = bands.sample(band), first = bands.first(band), last = bands.end(band), front = bands.front(band),
                 rear = bands.back(band);
      const auto differentiate = [&](int64_t z, int64_t y, float *to) {
        const bool counts = y >= first && y < last && z >= front && z < rear;
        pool_backward_f32(
          mapped + bands.row(sample, z, y), w, b, derivative + sample * channels, bands.width, channels, epsilon, to,
          counts ? weights + band * channels : uncounted, counts ? biases + band * channels : uncounted + channels);
      };
      const auto inputs = [&](int64_t z, int64_t y) {
        return z < 0 || z >= bands.depth || y < 0 || y >= bands.height ? nullptr : in + bands.row(sample, z, y);
      };
      convolve_band(bands, band, kernel, stride, members, own, differentiate, [&](int64_t z, int64_t y, const float *row, const Window &window) {
        float *to = down + bands.row(sample, z, y);
        for (int64_t i = 0; i < length; ++i) to[i] += row[i];
        const float *neighbours[9];
        for (int64_t i = 0; i < taps / 3; ++i) neighbours[i] = inputs(z - taps / 27 + i / 3, y - 1 + i % 3);
        grouped::correlate_row(neighbours, taps / 3, window.row(z, y), bands.width, channels, members, product + band * size);
      });
    }
  });
  const auto blocks = products.sum(1).view({bands.samples, channels / block, taps, members, block});
  const auto total = sums.sum(1);
  return {out_of_blocks(blocks), {}, total[0], total[1]};
}

// MARK: By the library's convolution

// The kernels of one sample, [C, m, 3...].
Tensor kernels_of(const Tensor &kernels, int64_t b) {
  return kernels[kernels.size(0) > 1 ? b : 0].unflatten(2, std::vector<int64_t>(kernels.size(3) == 27 ? 3 : 2, 3));
}

Tensor features_by_maps(const Tensor &x, const Tensor &kernels, const Tensor &weight, const Tensor &bias, int64_t groups, Tensor *map) {
  std::vector<Tensor> rows, maps;
  for (int64_t b = 0; b < x.size(0); ++b) {
    maps.push_back(channels_last(direct::convolve(sample(x, b), kernels_of(kernels, b), groups)));
    rows.push_back(pooled(maps.back(), weight, bias));
  }
  if (map) *map = channels_last(at::cat(maps));
  return at::stack(rows);
}

RoutingDerivatives backward_by_maps(
  const Tensor &x, const Tensor &map, const Tensor &kernels, const Routing &routing, const Tensor &up, const Tensor &image) {
  RoutingDerivatives sums;
  std::vector<Tensor> products;
  for (int64_t b = 0; b < x.size(0); ++b) {
    const auto [down, weights, biases] = pooled_backward(sample(map, b), routing.weight, routing.bias, up[b]);
    const auto [share, product, nothing] =
      direct::convolve_backward(down, sample(x, b), kernels_of(kernels, b), {true, true, false}, routing.groups);
    sample(image, b).add_(share);
    products.push_back(product.flatten(2));
    sums.weight = b == 0 ? weights : sums.weight + weights;
    sums.bias = b == 0 ? biases : sums.bias + biases;
  }
  sums.kernel = at::stack(products);
  return sums;
}

}  // namespace

// MARK: - Either way

Tensor route(const Tensor &x, const Routing &routing, const Tensor &gate, Tensor *map) {
  const auto kernels = gated(routing.kernel, gate, routing.groups);
  return goes_by_rows(x, kernels.size(2)) ? features_by_rows(x, kernels, routing.weight, routing.bias, map)
                                          : features_by_maps(x, kernels, routing.weight, routing.bias, routing.groups, map);
}

RoutingDerivatives route_backward(const Tensor &x, const Routing &routing, const Tensor &gate, const Tensor &map, const Tensor &up, const Tensor &image) {
  const auto groups = routing.groups, members = routing.kernel.size(1);
  const auto kernels = gated(routing.kernel, gate, groups);
  auto result = goes_by_rows(x, members) ? backward_by_rows(x, map, kernels, routing, up, image)
                                         : backward_by_maps(x, map, kernels, routing, up, image);
  auto samples = result.kernel.unflatten(1, {groups, members});
  if (gate.defined()) {
    result.gate = (samples * routing.kernel.reshape({1, groups, members, members, -1})).sum({2, 4}).reshape(gate.sizes());
    samples = samples * gate.view({-1, groups, 1, members, 1});
  }
  result.kernel = samples.sum(0).reshape(routing.kernel.sizes());
  return result;
}

}  // namespace cagr
