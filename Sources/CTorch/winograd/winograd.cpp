// 3 x 3 convolutions by Winograd's minimal filtering F(4 x 4, 3 x 3) (Winograd 1980; Lavin and Gray 2016).
//
// A tile of 4 x 4 outputs needs 6 x 6 inputs d. With the three small matrices of the interpolation points 0, ±1, ±2, ∞,
//   y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A,
// so that per channel pair 36 products stand for 144, and over all tiles and channels they are 36 matrix products. These
// are computed here too: transformed kernels are written in the order in which they are multiplied, which saves the copies
// that a library's product must make of them.
// The derivative with respect to the input is the same convolution of the output's derivative with the kernels turned
// around and inputs and outputs exchanged.
//
// Rounding: sums of terms up to 5 times larger cancel, which costs about one decimal digit of single precision (largest
// error 1e-5 of the largest output, 1e-6 directly). The derivative of the kernels is left to the library's direct method, and
// so are all derivatives that are to be differentiated again.
//
// Bands of tiles go one after the other through all three steps, so that what lies between them stays in the cache; where
// tiles are few and channels many, threads share the products instead, so that kernels come from memory once. Sums have one
// order, over inputs: results depend neither on that nor on the number of threads.
#include "winograd.h"

#include <torch/csrc/autograd/custom_function.h>
#include <algorithm>
#include <limits>

#include "../wall/direct.h"
#include "../loops/parallel.h"
#include "../loops/read.h"
#include "tiles.h"
#include "../wall/wall.h"
#include "winograd_loops.h"

namespace winograd {

using at::Tensor;

namespace {

constexpr int64_t outputs = tile_outputs, inputs = tile_inputs, products = tile_products;

Tensor transformed(const Tensor &weight, bool turned) {
  const auto w = weight.contiguous(at::MemoryFormat::ChannelsLast);
  const auto outputs = w.size(0), channels = w.size(1), step = outputs * channels;
  auto kernels = at::empty({products, step}, w.options().memory_format(at::MemoryFormat::Contiguous));
  const float *in = read<float>(w);
  float *out = kernels.mutable_data_ptr<float>();
  const auto from = turned ? outputs : channels, to = turned ? channels : outputs;
  parallel_for(to / lane_count, 1, [&](int64_t begin, int64_t end) {
    for (auto c = begin * lane_count; c < end * lane_count; c += lane_count) {
      float *place = out + place_of(c, from);
      if (turned) {
        backward_kernels(in + c, outputs, channels, place, stride_at(c, to), step);
      } else {
        forward_kernels(in + c * 9 * channels, channels, place, stride_at(c, to), step);
      }
    }
  });
  return kernels;
}

// Where the tiles of a batch of maps lie.
struct Tiling {
  int64_t height, width, rows, columns, count;

  explicit Tiling(const Tensor &x)
      : height(x.size(2)), width(x.size(3)), rows((height + outputs - 1) / outputs),
        columns((width + outputs - 1) / outputs), count(x.size(0) * rows * columns) {}

  // The addresses of a square of pixels around a tile, `outside` where there are none.
  template <class T>
  void pixels(int64_t tile, T *map, int64_t channels, int64_t side, int64_t margin, T *outside, T **to) const {
    const auto b = tile / (rows * columns), top = tile / columns % rows * outputs - margin,
               left = tile % columns * outputs - margin;
    for (int64_t i = 0; i < side; ++i) {
      for (int64_t j = 0; j < side; ++j) {
        const auto y = top + i, x = left + j;
        const bool inside = y >= 0 && y < height && x >= 0 && x < width;
        to[side * i + j] = inside ? map + ((b * height + y) * width + x) * channels : outside;
      }
    }
  }
};

// Numbers that a band's tiles may take before and after multiplying: three quarters of a core's cache of 2 MB.
constexpr int64_t largest_band = 3 << 17;
// Kernels of more numbers would be fetched from memory for every band.
constexpr int64_t largest_kernels = 1 << 20;

// How a convolution is cut: bands of so many tiles, or one band whose products are shared.
struct Plan {
  int64_t band;
  bool shares;

  Plan(int64_t channels, int64_t kernels, int64_t tiles) {
    const auto whole = (tiles + tiles_at_once - 1) / tiles_at_once * tiles_at_once;
    shares = products * kernels > largest_kernels && whole <= 64;
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
    for (int64_t e = 0; e < products; ++e) std::fill_n(taken + (e * band + count) * from, missing * from, 0.0f);
  }
  void take(int64_t first, int64_t begin, int64_t end, float *taken) const {
    for (auto t = begin; t < end; ++t) {
      const float *pixels[products];
      tiling.pixels(first + t, x, from, inputs, 1, nothing, pixels);
      input_tile(pixels, from, taken + t * from, band * from);
    }
  }
  // Products begin..<end of the 36.
  void multiply(int64_t begin, int64_t end, const float *taken, const float *kernels, int64_t count, float *made) const {
    const bool wide = ct_instructions == CT_V4;
    for (auto e = begin; e < end; ++e) {
      winograd::multiply(taken + e * band * from, kernels + e * from * to, from, to, count, wide, made + e * band * to);
    }
  }
  void put(int64_t first, int64_t begin, int64_t end, const float *made) const {
    for (auto t = begin; t < end; ++t) {
      float *pixels[outputs * outputs];
      tiling.pixels(first + t, y, to, outputs, 0, static_cast<float *>(nullptr), pixels);
      output_tile(made + t * to, band * to, bias, least, to, pixels);
    }
  }
};

// `kernels` as `transformed`; `y` is written.
void run(const Tensor &x, const Tensor &kernels, const Tensor &bias, bool rectifies, const Tensor &y) {
  const auto from = x.size(1), to = y.size(1);
  const auto flat = kernels.options();
  const Tiling tiling(x);
  const Plan plan(from + to, from * to, tiling.count);
  const auto nothing = at::zeros({from}, flat), offset = bias.defined() ? bias.contiguous() : at::zeros({to}, flat);
  const Work work{
    tiling, from, to, plan.band, read<float>(x), read<float>(nothing), read<float>(offset),
    rectifies ? 0.0f : -std::numeric_limits<float>::infinity(), y.mutable_data_ptr<float>()};
  const float *kernel = read<float>(kernels);
  // Made here: what other threads allocate comes from heaps that glibc keeps shrinking.
  const auto threads = plan.shares ? 1 : at::get_num_threads();
  const auto space = at::empty({threads, products * plan.band * (from + to)}, flat);
  float *spaces = space.mutable_data_ptr<float>();
  if (plan.shares) {
    float *taken = spaces, *made = spaces + products * plan.band * from;
    work.fill_up(tiling.count, taken);
    parallel_for(tiling.count, 4, [&](int64_t begin, int64_t end) { work.take(0, begin, end, taken); });
    parallel_for(products, 1, [&](int64_t begin, int64_t end) { work.multiply(begin, end, taken, kernel, plan.band, made); });
    parallel_for(tiling.count, 4, [&](int64_t begin, int64_t end) { work.put(0, begin, end, made); });
    return;
  }
  parallel_for((tiling.count + plan.band - 1) / plan.band, 1, [&](int64_t begin, int64_t end) {
    float *taken = spaces + at::get_thread_num() * space.size(1), *made = taken + products * plan.band * from;
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
  // x [B, C, H, W] is channels-last already: what is kept is the very tensor that was given, so that a derivative which is
  // recorded leads back to it.
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
    const auto up = derivatives[0].contiguous(at::MemoryFormat::ChannelsLast);
    // While derivatives are recorded themselves, plain loops would cut them off: the library's form can be differentiated.
    const bool is_recorded = at::GradMode::is_enabled();
    const bool image_wanted = context->needs_input_grad(0), kernel_wanted = context->needs_input_grad(1),
               bias_wanted = has_bias && context->needs_input_grad(2);
    Tensor image, kernel, offset;
    if (is_recorded || kernel_wanted || bias_wanted) {
      std::tie(image, kernel, offset) = direct::convolve_backward(
        up, kept[0], kept[1], {is_recorded && image_wanted, kernel_wanted, bias_wanted});
    }
    if (!is_recorded && image_wanted) {
      image = at::empty_like(kept[0]);
      convolve_backward_into(image, up, kept[1]);
    }
    return {image, kernel, offset};
  }
};

// Below, transforming the kernels takes longer than the products save (measured at 32 to 512 channels).
constexpr int64_t fewest_tiles = 40;
}  // namespace

bool serves(const Tensor &x, const Tensor &weight) {
  const auto whole = [](int64_t channels) { return channels >= 32 && channels % lane_count == 0; };
  return x.dim() == 4 && weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3 && whole(weight.size(0)) &&
         whole(weight.size(1)) && x.size(1) == weight.size(1) && x.size(2) >= 8 && x.size(3) >= 8 &&
         Tiling(x).count >= fewest_tiles &&
         x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && x.device().is_cpu();
}

void convolve_into(const Tensor &y, const Tensor &x, const Tensor &weight, const Tensor &bias, bool rectifies) {
  run(x.contiguous(at::MemoryFormat::ChannelsLast), transformed(weight, false), bias, rectifies, y);
}

void convolve_backward_into(const Tensor &image, const Tensor &up, const Tensor &weight) {
  run(up.contiguous(at::MemoryFormat::ChannelsLast), transformed(weight, true), {}, false, image);
}

Tensor empty_map(const Tensor &x, int64_t channels) {
  return at::empty({x.size(0), channels, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
}

Tensor convolution(const Tensor &x, const Tensor &weight, const std::optional<Tensor> &bias) {
  return Function::apply(x.contiguous(at::MemoryFormat::ChannelsLast), weight, bias);
}

}  // namespace winograd
