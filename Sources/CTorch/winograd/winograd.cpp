// Convolutions with kernels of 3 by Winograd's minimal filtering F(4 x 4, 3 x 3) (Winograd 1980; Lavin and Gray 2016).
//
// A tile of 4 x 4 outputs needs 6 x 6 inputs d. With the three small matrices of the interpolation points 0, ±1, ±2, ∞,
//   y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A,
// so that per channel pair 36 products stand for 144, and over all tiles and channels they are 36 matrix products. These
// are computed here too: transformed kernels are written in the order in which they are multiplied, which saves the copies
// that a library's product must make of them.
// The derivative with respect to the input is the same convolution of the output's derivative with the kernels turned
// around and inputs and outputs exchanged; that with respect to the kernels is in winograd_weights.cpp.
//
// A tile of a volume is two planes of such tiles: along the depth F(2, 3), with the points 0, ±1, ∞, makes them from four planes
// of inputs, 144 products for 864. F(4, 3) there would save another quarter, and cost another digit.
//
// Rounding: sums of terms up to 5 times larger cancel, which costs about one decimal digit of single precision (largest
// error 1e-5 of the largest output, 1e-6 directly). Derivatives that are to be differentiated again are left to the library's
// direct method.
//
// Bands of tiles go one after the other through all three steps, so that what lies between them stays in the cache; where
// tiles are few and channels many, threads share the products instead, so that kernels come from memory once. Sums have one
// order, over inputs: results depend neither on that nor on the number of threads.
#include "winograd.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>
#include <algorithm>
#include <limits>

#include "../wall/direct.h"
#include "../loops/parallel.h"
#include "../loops/read.h"
#include "columns.h"
#include "tiling.h"
#include "../wall/layout.h"
#include "../wall/wall.h"
#include "winograd_loops.h"

namespace winograd {

using at::Tensor;

namespace {

Tensor transformed(const Tensor &weight, bool turned) {
  const auto w = kernels_last(weight);
  const bool is_volume = w.dim() == 5;
  const auto outputs = w.size(0), channels = w.size(1), step = outputs * channels, taps = w.numel() / step;
  auto kernels = at::empty(
    {tile_products * depth_of(is_volume).inputs, step}, w.options().memory_format(at::MemoryFormat::Contiguous));
  const float *in = read<float>(w);
  float *out = kernels.mutable_data_ptr<float>();
  const auto from = turned ? outputs : channels, to = turned ? channels : outputs;
  parallel_for(to / lane_count, 1, [&](int64_t begin, int64_t end) {
    for (auto c = begin * lane_count; c < end * lane_count; c += lane_count) {
      float *place = out + place_of(c, from);
      if (turned) {
        backward_kernels(is_volume, in + c, outputs, channels, place, stride_at(c, to), step);
      } else {
        forward_kernels(is_volume, in + c * taps * channels, channels, place, stride_at(c, to), step);
      }
    }
  });
  return kernels;
}

// Numbers that a band's tiles may take before and after multiplying: three quarters of a core's cache of 2 MB.
constexpr int64_t largest_band = 3 << 17;
// Kernels of more numbers would be fetched from memory for every band.
constexpr int64_t largest_kernels = 1 << 20;

// How a convolution is cut: bands of so many tiles, or one band whose products are shared.
struct Plan {
  int64_t band;
  bool shares;

  // `kernels` is the number of transformed ones' elements.
  Plan(int64_t products, int64_t channels, int64_t kernels, int64_t tiles) {
    const auto whole = (tiles + tiles_at_once - 1) / tiles_at_once * tiles_at_once;
    shares = kernels > largest_kernels && whole <= 64;
    const auto fitting = largest_band / (products * channels) / tiles_at_once * tiles_at_once;
    band = shares ? whole : std::clamp<int64_t>(std::min(fitting, whole / 4 / tiles_at_once * tiles_at_once), 16, 256);
  }
};

// One convolution's tensors as plain pointers, and its three steps for some tiles of a band.
struct Work {
  const Tiling &tiling;
  int64_t from, to, band;
  const float *x, *nothing, *bias;
  float least, *y;

  // Zero where tiles are missing to whole rounds of multiplying, which takes them too.
  void fill_up(int64_t count, float *taken) const {
    const auto missing = (tiles_at_once - count % tiles_at_once) % tiles_at_once;
    for (int64_t e = 0; e < tiling.products(); ++e) std::fill_n(taken + e * step_of(band, from) + count * from, missing * from, 0.0f);
  }
  void take(int64_t first, int64_t begin, int64_t end, float *taken) const {
    for (auto t = begin; t < end; ++t) {
      const float *pixels[Tiling::most_inputs];
      tiling.inputs(first + t, x, from, nothing, pixels);
      input_tile(tiling.is_volume, pixels, from, taken + t * from, step_of(band, from));
    }
  }
  // Products begin..<end.
  void multiply(int64_t begin, int64_t end, const float *taken, const float *kernels, int64_t count, float *made) const {
    const bool wide = ct_instructions == CT_V4;
    for (auto e = begin; e < end; ++e) {
      winograd::multiply(taken + e * step_of(band, from), kernels + e * from * to, from, to, count, wide, made + e * step_of(band, to));
    }
  }
  void put(int64_t first, int64_t begin, int64_t end, const float *made) const {
    for (auto t = begin; t < end; ++t) {
      float *pixels[Tiling::most_outputs];
      tiling.outputs(first + t, y, to, static_cast<float *>(nullptr), pixels);
      output_tile(tiling.is_volume, made + t * to, step_of(band, to), bias, least, to, pixels);
    }
  }
};

// `kernels` as `transformed`; `y` is written.
void run(const Tensor &x, const Tensor &kernels, const Tensor &bias, bool rectifies, const Tensor &y) {
  const auto from = x.size(1), to = y.size(1);
  const auto flat = kernels.options();
  count_saving(x, from * to);
  const Tiling tiling(x);
  const auto products = tiling.products();
  const Plan plan(products, from + to, kernels.numel(), tiling.count);
  const auto nothing = at::zeros({from}, flat), offset = bias.defined() ? bias.contiguous() : at::zeros({to}, flat);
  const Work work{
    tiling, from, to, plan.band, read<float>(x), read<float>(nothing), read<float>(offset),
    rectifies ? 0.0f : -std::numeric_limits<float>::infinity(), y.mutable_data_ptr<float>()};
  const float *kernel = read<float>(kernels);
  // Made here: what other threads allocate comes from heaps that glibc keeps shrinking.
  const auto threads = plan.shares ? 1 : at::get_num_threads();
  const auto space = at::empty({threads, products * (step_of(plan.band, from) + step_of(plan.band, to))}, flat);
  float *spaces = space.mutable_data_ptr<float>();
  if (plan.shares) {
    float *taken = spaces, *made = spaces + products * step_of(plan.band, from);
    work.fill_up(tiling.count, taken);
    parallel_for(tiling.count, 4, [&](int64_t begin, int64_t end) { work.take(0, begin, end, taken); });
    parallel_for(products, 1, [&](int64_t begin, int64_t end) { work.multiply(begin, end, taken, kernel, plan.band, made); });
    parallel_for(tiling.count, 4, [&](int64_t begin, int64_t end) { work.put(0, begin, end, made); });
    return;
  }
  parallel_for((tiling.count + plan.band - 1) / plan.band, 1, [&](int64_t begin, int64_t end) {
    float *taken = spaces + at::get_thread_num() * space.size(1), *made = taken + products * step_of(plan.band, from);
    for (auto index = begin; index < end; ++index) {
      const auto first = index * plan.band, count = std::min(plan.band, tiling.count - first);
      work.fill_up(count, taken);
      work.take(first, 0, count, taken);
      work.multiply(0, products, taken, kernel, count, made);
      work.put(first, 0, count, made);
    }
  });
}

class Function : public torch::autograd::Function<Function> {
 public:
  // x is channels-last already: what is kept is the very tensor that was given, so that a derivative which is recorded leads
  // back to it.
  static Tensor forward(torch::autograd::AutogradContext *context, const Tensor &x, const Tensor &weight, const std::optional<Tensor> &bias) {
    context->save_for_backward({x, weight});
    context->saved_data["bias"] = bias.has_value();
    const auto y = empty_map(x, weight.size(0));
    convolve_into(y, x, weight, bias.value_or(Tensor()), false);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list derivatives) {
    const auto kept = context->get_saved_variables();
    const bool has_bias = context->saved_data["bias"].toBool();
    const auto up = channels_last(derivatives[0]);
    const bool image_wanted = context->needs_input_grad(0), kernel_wanted = context->needs_input_grad(1),
               bias_wanted = has_bias && context->needs_input_grad(2);
    // While derivatives are recorded themselves, plain loops would cut them off: the library's form can be differentiated.
    if (at::GradMode::is_enabled()) {
      const auto [image, kernel, offset] =
        direct::convolve_backward(up, kept[0], kept[1], {image_wanted, kernel_wanted, bias_wanted});
      return {image, kernel, offset};
    }
    Tensor image, kernel, offset;
    if (kernel_wanted || bias_wanted) std::tie(kernel, offset) = kernel_derivative(up, kept[0], kept[1], bias_wanted);
    if (image_wanted) {
      image = at::empty_like(kept[0]);
      convolve_backward_into(image, up, kept[1]);
    }
    return {image, laid_out_as(kept[1], kernel), offset};
  }
};

// Below, transforming the kernels takes longer than the products save (measured at 32 to 512 channels).
constexpr int64_t fewest_tiles = 40;

}  // namespace

bool serves(const Tensor &x, const Tensor &weight) {
  const bool is_volume = weight.dim() == 5;
  if (x.dim() != weight.dim() || (x.dim() != 4 && !is_volume)) return false;
  for (auto axis : spatial(weight)) if (weight.size(axis) != 3) return false;
  const auto whole = [&](int64_t channels) { return channels >= (is_volume ? 16 : 32) && channels % lane_count == 0; };
  return whole(weight.size(0)) && whole(weight.size(1)) && x.size(1) == weight.size(1) &&
         (is_volume || (x.size(2) >= 8 && x.size(3) >= 8 && Tiling(x).count >= fewest_tiles)) &&
         x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && x.device().is_cpu();
}

bool is_small(const Tensor &x, const Tensor &weight) {
  // By one sample's tiles: what is made of a sample does not hang on those beside it.
  return x.dim() == 5 && Tiling(x).count < x.size(0) * (weight.numel() < largest_kernels ? 16 : 32);
}

void convolve_into(const Tensor &y, const Tensor &x, const Tensor &weight, const Tensor &bias, bool rectifies) {
  if (is_small(x, weight)) return columns::convolve_into(y, channels_last(x), kernels_last(weight), bias, rectifies);
  run(channels_last(x), transformed(weight, false), bias, rectifies, y);
}

void convolve_backward_into(const Tensor &image, const Tensor &up, const Tensor &weight) {
  if (is_small(up, weight)) return columns::convolve_backward_into(image, channels_last(up), kernels_last(weight));
  run(channels_last(up), transformed(weight, true), {}, false, image);
}

void count_saving(const Tensor &x, int64_t pairs) {
  const Tiling tiling(x);
  const int64_t taps = tiling.is_volume ? 27 : 9, pixels = x.numel() / x.size(1);
  wall::saved_multiply_adds += pairs * (pixels * taps - tiling.count * tiling.products());
}

Tensor empty_map(const Tensor &x, int64_t channels) {
  auto sizes = x.sizes().vec();
  sizes[1] = channels;
  return at::empty(sizes, x.options(), last(x));
}

Tensor convolution(const Tensor &x, const Tensor &weight, const std::optional<Tensor> &bias) {
  return Function::apply(channels_last(x), weight, bias);
}

}  // namespace winograd
