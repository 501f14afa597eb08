// The layouts of 3-D kernels: LibTorch's copies between them, element by element, take longer than a small convolution.
#include "layout.h"

#include <ATen/ops/empty.h>

#include "../loops/kernels.h"
#include "../loops/parallel.h"
#include "../loops/read.h"

namespace {

// [O][rows][columns] to [O][columns][rows].
void transpose_each(const at::Tensor &from, int64_t rows, int64_t columns, at::Tensor &to) {
  const float *in = read<float>(from);
  float *out = to.mutable_data_ptr<float>();
  parallel_for(from.size(0), 4, [&](int64_t begin, int64_t end) {
    for (auto o = begin; o < end; ++o) layout::transpose(in + o * rows * columns, rows, columns, out + o * rows * columns);
  });
}

bool is_plain(const at::Tensor &x) { return x.dim() == 5 && x.scalar_type() == at::kFloat && x.device().is_cpu(); }

}  // namespace

at::Tensor kernels_last(const at::Tensor &kernels) {
  if (!is_plain(kernels) || !kernels.is_contiguous()) return channels_last(kernels);
  auto result = at::empty(kernels.sizes(), kernels.options(), at::MemoryFormat::ChannelsLast3d);
  transpose_each(kernels, kernels.size(1), pixels_of(kernels), result);
  return result;
}

at::Tensor laid_out_as(const at::Tensor &kernels, const at::Tensor &derivative) {
  if (!derivative.defined() || !is_plain(derivative) || !kernels.is_contiguous() ||
      !derivative.is_contiguous(at::MemoryFormat::ChannelsLast3d)) {
    return derivative;
  }
  auto result = at::empty(derivative.sizes(), derivative.options());
  transpose_each(derivative, pixels_of(derivative), derivative.size(1), result);
  return result;
}
