// Convolutions with kernels of 3 and a quarter of the multiplications, in 3-D a sixth (winograd.cpp).
#pragma once
#include <ATen/core/Tensor.h>
#include <optional>
#include <tuple>

namespace winograd {

// Whether it serves: kernels of 3, stride 1, padding 1, float32 on the CPU, 32 or more channels on both sides (16 in 3-D)
// in whole vector registers, and in 2-D a map that is not mostly border. Maps are [B, C, H, W] or [B, C, D, H, W], weights
// [O, C, 3, 3] or [O, C, 3, 3, 3].
bool serves(const at::Tensor &x, const at::Tensor &weight);

// Whether it is a volume so small that one matrix product takes less than transforming the kernels (columns.cpp).
bool is_small(const at::Tensor &x, const at::Tensor &weight);

// Room for the output of x: as many `channels`, channels-last.
at::Tensor empty_map(const at::Tensor &x, int64_t channels);

// The convolution of x into y, channels-last; `rectifies`: and a ReLU. Not recorded.
void convolve_into(const at::Tensor &y, const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, bool rectifies);

// The derivative with respect to x from that of the output, into `image`. Not recorded.
void convolve_backward_into(const at::Tensor &image, const at::Tensor &up, const at::Tensor &weight);

// The derivatives with respect to the weight, in any layout, and the bias where it is wanted. Not recorded.
std::tuple<at::Tensor, at::Tensor> kernel_derivative(const at::Tensor &up, const at::Tensor &x, const at::Tensor &weight, bool bias_wanted);

// Adds what filtering saves over the map of x, of `pairs` channels in and out that meet, to `wall::saved_multiply_adds`.
void count_saving(const at::Tensor &x, int64_t pairs);

// The same convolution with a backward of its own.
at::Tensor convolution(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias);

}  // namespace winograd
