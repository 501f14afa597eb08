// The same bits in every run on a GPU.
#include "deterministic.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/promote_types.h>
#include <ATen/ops/where.h>
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "wall.h"

using at::Tensor;

void ct_set_deterministic(bool on) {
  wall::act([&] {
    // cuBLAS adds up in one order where its workspace is fixed; this is read when a GPU is first used.
    if (on) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
    auto &context = at::globalContext();
    context.setDeterministicAlgorithms(on, /*warn_only=*/false);
    // Every tensor would be filled before it is written, which finds mistakes and costs time.
    context.setDeterministicFillUninitializedMemory(false);
    context.setDeterministicCuDNN(on);
  });
}
bool ct_is_deterministic(void) {
  return wall::guard([] {
    const auto &context = at::globalContext();
    return context.deterministicAlgorithms() && !context.deterministicAlgorithmsWarnOnly() && context.deterministicCuDNN();
  }, false);
}

namespace deterministic {

bool asked(std::initializer_list<Tensor> tensors) {
  return at::globalContext().deterministicAlgorithms() && at::GradMode::is_enabled() &&
    std::any_of(tensors.begin(), tensors.end(), [](const Tensor &x) { return x.requires_grad(); });
}

Tensor padded(const Tensor &x, at::IntArrayRef margins, bool reflects) {
  auto y = x;
  for (size_t pair = 0; 2 * pair + 1 < margins.size(); ++pair) {
    const auto axis = x.dim() - 1 - static_cast<int64_t>(pair), size = x.size(axis);
    const auto margin = [&](bool ends, int64_t length) {
      if (reflects) return y.narrow(axis, ends ? size - 1 - length : 1, length).flip(axis);
      auto shape = y.sizes().vec();
      shape[axis] = length;
      return y.narrow(axis, ends ? size - 1 : 0, 1).expand(shape);
    };
    const auto before = margins[2 * pair], after = margins[2 * pair + 1];
    std::vector<Tensor> parts;
    if (before > 0) parts.push_back(margin(false, before));
    parts.push_back(y);
    if (after > 0) parts.push_back(margin(true, after));
    if (parts.size() > 1) y = at::cat(parts, axis);
  }
  return y;
}

// In every plane, and then of the planes: of equal numbers the first is taken, as in three dimensions at once. A plane's derivatives
// are gathered, not scattered.
Tensor max_pool3d(const Tensor &x, int64_t size, int64_t stride) {
  const auto batch = x.size(0), channels = x.size(1), depth = x.size(2);
  const auto planes = at::max_pool2d(x.reshape({batch, channels * depth, x.size(3), x.size(4)}), {size, size}, {stride, stride});
  const auto height = planes.size(2), width = planes.size(3);
  const auto y = at::max_pool2d(planes.reshape({batch, channels, depth, height * width}), {size, 1}, {stride, 1});
  return y.reshape({batch, channels, y.size(2), height, width}).contiguous(x.suggest_memory_format());
}

// A row of channels for every pixel: rows are picked by `index_select`, whose derivative has an order.
Tensor grid_sample(const Tensor &x, const Tensor &grid, bool align_corners) {
  const auto dimensions = x.dim() - 2, batch = x.size(0), channels = x.size(1);
  TORCH_CHECK(
    grid.dim() == x.dim() && grid.size(0) == batch && grid.size(-1) == dimensions, "a grid ", grid.sizes(), " does not fit ", x.sizes());
  const auto type = at::promote_types(x.scalar_type(), grid.scalar_type());
  const auto rows = x.to(type).flatten(2).transpose(1, 2).reshape({-1, channels});
  const auto places = grid.to(type).reshape({batch, -1, dimensions});
  std::vector<Tensor> low, part;
  for (int64_t axis = 0; axis < dimensions; ++axis) {
    const auto size = static_cast<double>(x.size(axis + 2));
    const auto from = places.select(2, dimensions - 1 - axis) + 1;
    const auto at = align_corners ? from * ((size - 1) / 2) : (from * size - 1) / 2;
    low.push_back(at.detach().floor());
    part.push_back(at - low.back());
  }
  Tensor sum;
  for (int64_t corner = 0; corner < int64_t{1} << dimensions; ++corner) {
    auto index = at::arange(batch, x.options().dtype(at::kLong)).unsqueeze(1);
    Tensor share;
    for (int64_t axis = 0; axis < dimensions; ++axis) {
      const bool far = corner >> axis & 1;
      const auto size = x.size(axis + 2);
      const auto entry = low[axis] + (far ? 1 : 0);
      const auto inside = entry.ge(0).logical_and(entry.lt(size));
      const auto counts = (far ? part[axis] : 1 - part[axis]) * inside.to(type);
      index = index * size + at::where(inside, entry, 0).to(at::kLong);
      share = share.defined() ? share * counts : counts;
    }
    const auto pixels = rows.index_select(0, index.flatten()) * share.reshape({-1, 1});
    sum = sum.defined() ? sum + pixels : pixels;
  }
  auto shape = grid.sizes().vec();
  shape.back() = channels;
  return sum.view(shape).movedim(-1, 1);
}

}  // namespace deterministic
