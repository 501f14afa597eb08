// Convolutions of small volumes as one matrix product with all their taps side by side: in a network's deepest stage kernels
// have many times the numbers of the map, and all that matters is to read them once and as they lie.
#include "columns.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <algorithm>

#include "../loops/parallel.h"
#include "../loops/read.h"
#include "../wall/layout.h"

namespace winograd::columns {

using at::Tensor;

namespace {

constexpr int64_t taps = 27;

// A map or its derivative as a matrix [pixels, channels].
Tensor matrix(const Tensor &x) { return x.movedim(1, -1).view({-1, x.size(1)}); }
// Kernels as a matrix [O, taps · C].
Tensor flat(const Tensor &kernels) { return kernels.movedim(1, -1).view({kernels.size(0), -1}); }

// Calls use(tap, neighbour) for every tap of a pixel that meets the map.
template <class Use>
void each_neighbour(const Tensor &x, int64_t pixel, const Use &use) {
  const auto depth = x.size(2), height = x.size(3), width = x.size(4);
  const auto z = pixel / (height * width) % depth, y = pixel / width % height, c = pixel % width;
  for (int64_t tap = 0; tap < taps; ++tap) {
    const auto dz = tap / 9 - 1, dy = tap / 3 % 3 - 1, dx = tap % 3 - 1;
    const bool meets = z + dz >= 0 && z + dz < depth && y + dy >= 0 && y + dy < height && c + dx >= 0 && c + dx < width;
    use(tap, meets ? pixel + (dz * height + dy) * width + dx : -1);
  }
}

// What every pixel sees, [pixels, taps · C].
Tensor gathered(const Tensor &x) {
  const auto channels = x.size(1), pixels = x.size(0) * pixels_of(x);
  auto seen = at::empty({pixels, taps * channels}, x.options());
  const float *from = read<float>(x);
  float *to = seen.mutable_data_ptr<float>();
  parallel_for(pixels, 8, [&](int64_t begin, int64_t end) {
    for (auto pixel = begin; pixel < end; ++pixel) {
      each_neighbour(x, pixel, [&](int64_t tap, int64_t neighbour) {
        float *place = to + (pixel * taps + tap) * channels;
        if (neighbour < 0) std::fill_n(place, channels, 0.0f); else std::copy_n(from + neighbour * channels, channels, place);
      });
    }
  });
  return seen;
}

}  // namespace

void convolve_into(const Tensor &y, const Tensor &x, const Tensor &kernels, const Tensor &bias, bool rectifies) {
  auto result = matrix(y);
  const auto seen = gathered(x), taken = flat(kernels).t();
  if (bias.defined()) at::addmm_out(result, bias, seen, taken); else at::mm_out(result, seen, taken);
  if (rectifies) result.clamp_min_(0);
}

void convolve_backward_into(const Tensor &image, const Tensor &up, const Tensor &kernels) {
  const auto shares = at::mm(matrix(up), flat(kernels));
  const auto channels = image.size(1);
  const float *from = read<float>(shares);
  float *to = image.mutable_data_ptr<float>();
  parallel_for(image.size(0) * pixels_of(image), 8, [&](int64_t begin, int64_t end) {
    for (auto pixel = begin; pixel < end; ++pixel) {
      float *place = to + pixel * channels;
      std::fill_n(place, channels, 0.0f);
      // Where this pixel is seen through a tap, its neighbour through the opposite one is the output.
      each_neighbour(image, pixel, [&](int64_t tap, int64_t neighbour) {
        if (neighbour < 0) return;
        const float *share = from + (neighbour * taps + taps - 1 - tap) * channels;
        for (int64_t c = 0; c < channels; ++c) place[c] += share[c];
      });
    }
  });
}

Tensor kernel_derivative(const Tensor &up, const Tensor &x) {
  return at::mm(matrix(up).t(), gathered(x)).view({up.size(1), 3, 3, 3, x.size(1)}).movedim(-1, 1);
}

}  // namespace winograd::columns
