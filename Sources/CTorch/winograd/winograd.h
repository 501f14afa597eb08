// 3 x 3 convolutions with a quarter of the multiplications (winograd.cpp).
#pragma once
#include <ATen/ATen.h>
#include <optional>

namespace winograd {

// Whether it serves: 2-D, 3 x 3, stride 1, padding 1, float32 on the CPU, 32 or more channels on both sides in whole
// vector registers, and a map that is not mostly border.
bool serves(const at::Tensor &x, const at::Tensor &weight);

// Room for the output of x [B, C, H, W]: [B, channels, H, W], channels-last.
at::Tensor empty_map(const at::Tensor &x, int64_t channels);

// x [B, C, H, W] with weight [O, C, 3, 3] into y [B, O, H, W], channels-last; `rectifies`: and a ReLU. Not recorded.
void convolve_into(const at::Tensor &y, const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, bool rectifies);

// The derivative with respect to x from that of the output, [B, O, H, W] into image [B, C, H, W]. Not recorded.
void convolve_backward_into(const at::Tensor &image, const at::Tensor &up, const at::Tensor &weight);

// The same convolution with a backward of its own.
at::Tensor convolution(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias);

}  // namespace winograd
