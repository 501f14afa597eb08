// 3 x 3 convolutions by Winograd's minimal filtering F(4 x 4, 3 x 3) (Winograd 1980; Lavin and Gray 2016).
//
// A tile of 4 x 4 outputs needs 6 x 6 inputs d. With the three small matrices of the interpolation points 0, ±1, ±2, ∞,
//   y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A,
// so that per channel pair 36 products stand for 144, and over all tiles and channels they are 36 matrix products.
// The derivative with respect to the input is the same convolution of the output's derivative with the kernels turned
// around and inputs and outputs exchanged.
//
// Rounding: sums of terms up to 5 times larger cancel, which costs about one decimal digit of single precision (largest
// error 1e-5 of the largest output, 1e-6 directly). The derivative of the kernels is left to the library's direct method.
//
// Bands of tiles go one after the other through all three steps, so that what lies between them stays in the cache. Their
// size depends on the shapes alone: results do not depend on the number of threads.
#include "winograd.h"

#include <torch/csrc/autograd/custom_function.h>
#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "parallel.h"
#include "read.h"
#include "tiles.h"
#include "wall.h"

namespace winograd {

using at::Tensor;

namespace {

constexpr int64_t outputs = tile_outputs, inputs = tile_inputs, products = tile_products;

// For all channels: `from` are the tile's pixels, the 36 results lie `step` apart.
CT_CLONES void input_tile(const float *const *from, int64_t channels, float *to, int64_t step) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    transform_tile([&](int i, int j) __attribute__((always_inline)) { return from[inputs * i + j] + c; }, to + c, step);
  }
}

// The kernel [3][3][channels] of one output channel, or the same turned around.
CT_CLONES void kernel_row(const float *from, int64_t channels, bool turned, float *to, int64_t step) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    const auto tap = [&](int index) -> const float * { return from + (turned ? 8 - index : index) * channels + c; };
    Lanes middle[inputs * 3];
    for (int j = 0; j < 3; ++j) {
      transform_kernel(lanes(tap(j)), lanes(tap(3 + j)), lanes(tap(6 + j)), middle + j, 3);
    }
    for (int i = 0; i < inputs; ++i) {
      Lanes result[inputs];
      transform_kernel(middle[3 * i], middle[3 * i + 1], middle[3 * i + 2], result, 1);
      for (int j = 0; j < inputs; ++j) lanes(to + (inputs * i + j) * step + c) = result[j];
    }
  }
}

// `to` are the tile's pixels, null beyond the image. Nothing below `least` comes out.
CT_CLONES void output_tile(const float *from, int64_t step, const float *bias, float least, int64_t channels, float *const *to) {
  for (int64_t c = 0; c < channels; c += lane_count) {
    transform_back(from + c, step, [&](int i, int j, const Lanes &result) __attribute__((always_inline)) {
      float *pixel = to[outputs * i + j];
      if (!pixel) return;
      const Lanes y = result + lanes(bias + c);
      // What is not a number stays so.
      lanes(pixel + c) = y < least ? Lanes{} + least : y;
    });
  }
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

// Tiles of a band: what 36 products of it take fits a core's cache, and there are a few bands at least.
int64_t band_of(int64_t channels, int64_t tiles) {
  const auto fitting = (int64_t{1} << 20) / (products * channels);
  return std::max<int64_t>(std::min({fitting, int64_t{256}, tiles / 4}), 16);
}

// `kernels` [36, from, to]; `y` is written.
void run(const Tensor &x, const Tensor &kernels, const Tensor &bias, bool rectifies, const Tensor &y) {
  const auto from = kernels.size(1), to = kernels.size(2);
  const auto flat = kernels.options();
  const auto least = rectifies ? 0.0f : -std::numeric_limits<float>::infinity();
  const Tiling tiling(x);
  const auto band = std::max<int64_t>(band_of(from + to, tiling.count), from + to > 512 ? 32 : 16);
  const auto nothing = at::zeros({from}, flat), offset = bias.defined() ? bias.contiguous() : at::zeros({to}, flat);
  const float *in = read<float>(x), *zeros = read<float>(nothing),
              *add = read<float>(offset);
  float *out = y.mutable_data_ptr<float>();
  // Made here: what other threads allocate comes from heaps that glibc keeps shrinking.
  const auto threads = at::get_num_threads();
  const auto inputs_of = at::empty({threads, products, band, from}, flat), outputs_of = at::empty({threads, products, band, to}, flat);
  parallel_for((tiling.count + band - 1) / band, 1, [&](int64_t begin, int64_t end) {
    at::NoGradGuard guard;
    auto taken = inputs_of[at::get_thread_num()], made = outputs_of[at::get_thread_num()];
    for (auto index = begin; index < end; ++index) {
      const auto first = index * band, count = std::min(band, tiling.count - first);
      float *v = taken.mutable_data_ptr<float>();
      for (int64_t t = 0; t < count; ++t) {
        const float *pixels[products];
        tiling.pixels(first + t, in, from, inputs, 1, zeros, pixels);
        input_tile(pixels, from, v + t * from, band * from);
      }
      at::bmm_out(made, taken, kernels);
      const float *m = read<float>(made);
      for (int64_t t = 0; t < count; ++t) {
        float *pixels[outputs * outputs];
        tiling.pixels(first + t, out, to, outputs, 0, static_cast<float *>(nullptr), pixels);
        output_tile(m + t * to, band * to, add, least, to, pixels);
      }
    }
  });
}

// [36, O, C].
Tensor transformed(const Tensor &weight, bool turned) {
  const auto w = weight.contiguous(at::MemoryFormat::ChannelsLast);
  const auto rows = w.size(0), channels = w.size(1);
  auto kernels = at::empty({products, rows, channels}, w.options().memory_format(at::MemoryFormat::Contiguous));
  const float *from = read<float>(w);
  float *to = kernels.mutable_data_ptr<float>();
  parallel_for(rows, 4, [&](int64_t begin, int64_t end) {
    for (auto o = begin; o < end; ++o) kernel_row(from + o * 9 * channels, channels, turned, to + o * channels, rows * channels);
  });
  return kernels;
}

class Function : public torch::autograd::Function<Function> {
 public:
  static Tensor forward(torch::autograd::AutogradContext *context, const Tensor &x, const Tensor &weight, const std::optional<Tensor> &bias) {
    const auto map = x.contiguous(at::MemoryFormat::ChannelsLast);
    context->save_for_backward({map, weight});
    context->saved_data["bias"] = bias.has_value();
    const auto y = empty_map(map, weight.size(0));
    convolve_into(y, map, weight, bias.value_or(Tensor()), false);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list derivatives) {
    const auto kept = context->get_saved_variables();
    const bool has_bias = context->saved_data["bias"].toBool();
    const auto up = derivatives[0].contiguous(at::MemoryFormat::ChannelsLast);
    Tensor image, kernel, offset;
    if (context->needs_input_grad(0)) {
      image = at::empty_like(kept[0]);
      convolve_backward_into(image, up, kept[1]);
    }
    if (context->needs_input_grad(1)) {
      const std::vector<int64_t> one{1, 1}, zero{0, 0}, channels{kept[1].size(0)};
      std::tie(std::ignore, kernel, offset) = at::convolution_backward(
        up, kept[0], kept[1], has_bias ? at::OptionalIntArrayRef(channels) : std::nullopt, one, one, one, false, zero, 1,
        {false, true, has_bias});
    }
    return {image, kernel, offset};
  }
};

}  // namespace

std::atomic<bool> is_allowed{true};

namespace {
// Below, transforming the kernels takes longer than the products save (measured at 32 to 512 channels).
constexpr int64_t fewest_tiles = 40;
}  // namespace

bool serves(const Tensor &x, const Tensor &weight) {
  if (!is_allowed) return false;
  const auto whole = [](int64_t channels) { return channels >= 32 && channels % lane_count == 0; };
  return x.dim() == 4 && weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3 && whole(weight.size(0)) &&
         whole(weight.size(1)) && x.size(1) == weight.size(1) && x.size(2) >= 8 && x.size(3) >= 8 &&
         Tiling(x).count >= fewest_tiles &&
         x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && x.device().is_cpu();
}

void convolve_into(const Tensor &y, const Tensor &x, const Tensor &weight, const Tensor &bias, bool rectifies) {
  run(x.contiguous(at::MemoryFormat::ChannelsLast), transformed(weight, false).transpose(1, 2), bias, rectifies, y);
}

void convolve_backward_into(const Tensor &image, const Tensor &up, const Tensor &weight) {
  run(up.contiguous(at::MemoryFormat::ChannelsLast), transformed(weight, true), {}, false, image);
}

Tensor empty_map(const Tensor &x, int64_t channels) {
  return at::empty({x.size(0), channels, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
}

Tensor convolution(const Tensor &x, const Tensor &weight, const std::optional<Tensor> &bias) {
  return Function::apply(x, weight, bias);
}

}  // namespace winograd

void ct_allow_winograd(bool on) { winograd::is_allowed = on; }
