// 3 x 3 convolutions with a quarter of the multiplications (winograd.cpp).
#pragma once
#include <ATen/ATen.h>
#include <atomic>
#include <optional>

namespace winograd {

// Whether it serves: 2-D, 3 x 3, stride 1, padding 1, float32 on the CPU, 32 or more channels on both sides in whole
// vector registers, and a map that is not mostly border.
// `is_allowed` switches it off for a whole process.
extern std::atomic<bool> is_allowed;
bool serves(const at::Tensor &x, const at::Tensor &weight);

// x [B, C, H, W] with weight [O, C, 3, 3] to [B, O, H, W], channels-last. Not recorded.
at::Tensor convolve(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias = {});

// The derivative with respect to x from that of the output, [B, O, H, W] to [B, C, H, W]. Not recorded.
at::Tensor convolve_backward(const at::Tensor &up, const at::Tensor &weight);

// `convolve` with a backward of its own.
at::Tensor convolution(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias);

}  // namespace winograd
