// Volumes so small that kernels outweigh them, as one matrix product (columns.cpp). Maps are channels-last, single precision.
#pragma once
#include <ATen/core/Tensor.h>

namespace winograd::columns {

// As `winograd::convolve_into`, and the two derivatives, with kernels [O, C, 3, 3, 3] in channels-last.
void convolve_into(const at::Tensor &y, const at::Tensor &x, const at::Tensor &kernels, const at::Tensor &bias, bool rectifies);
void convolve_backward_into(const at::Tensor &image, const at::Tensor &up, const at::Tensor &kernels);
at::Tensor kernel_derivative(const at::Tensor &up, const at::Tensor &x);

}  // namespace winograd::columns
