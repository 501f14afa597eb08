// Deformable sampling by gathering the four pixels around every place.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/div.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/remainder.h>
#include <ATen/ops/where.h>

#include "deformable.h"

namespace deform {

using at::Tensor;

Tensor composed_samples(const Tensor &map, const Tensor &offsets, const Tensor &weights, int64_t groups, bool x_first) {
  const auto batch = map.size(0), height = map.size(1), width = map.size(2), members = map.size(3) / groups;
  const auto pairs = offsets.reshape({batch, height, width, groups, 9, 2});
  const auto count = at::arange(9, map.options().dtype(at::kLong));
  const auto slow = at::div(count, 3, "floor") - 1, fast = at::remainder(count, 3) - 1;
  const auto place = [&](int64_t length, at::IntArrayRef shape, const Tensor &tap, int64_t component) {
    return at::arange(length, map.options()).view(shape) + tap + pairs.select(5, component);  // [B, H, W, n, 9]
  };
  const auto y = place(height, {height, 1, 1, 1}, x_first ? fast : slow, x_first ? 1 : 0),
             x = place(width, {width, 1, 1}, x_first ? slow : fast, x_first ? 0 : 1);
  const auto top = y.detach().floor(), left = x.detach().floor(), below = y - top, beside = x - left;

  const auto values = map.reshape({batch, height * width, groups, members}).transpose(1, 2);  // [B, n, H W, C/n]
  const auto by_group = [&](const Tensor &each) {  // [B, H, W, n, 9] to [B, n, 9 H W, 1]
    return each.permute({0, 3, 1, 2, 4}).reshape({batch, groups, -1, 1});
  };
  const auto share = weights.reshape({batch, height, width, groups, 9});
  Tensor sum;
  for (const bool down : {false, true}) {
    for (const bool right : {false, true}) {
      const auto row = top + (down ? 1 : 0), column = left + (right ? 1 : 0);
      const auto inside = row.ge(0).logical_and(row.lt(height)).logical_and(column.ge(0)).logical_and(column.lt(width));
      const auto index = at::where(inside, row, 0).to(at::kLong) * width + at::where(inside, column, 0).to(at::kLong);
      const auto counts = (down ? below : 1 - below) * (right ? beside : 1 - beside) * inside.to(map.scalar_type()) * share;
      const auto pixels = at::gather(values, 2, by_group(index).expand({batch, groups, -1, members}));
      const auto corner = pixels * by_group(counts);
      sum = sum.defined() ? sum + corner : corner;
    }
  }
  return sum.view({batch, groups, height, width, 9, members}).permute({0, 2, 3, 4, 1, 5})
    .reshape({batch, height, width, 9, groups * members});
}

}  // namespace deform
