// The library's convolutions with kernels of 3, stride 1 and padding 1, in 2-D and 3-D, recorded where grad mode is on.
#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <array>
#include <tuple>
#include <vector>

namespace direct {

// One number for every spatial axis of a kernel.
inline std::vector<int64_t> each(const at::Tensor &kernels, int64_t value) {
  return std::vector<int64_t>(kernels.dim() - 2, value);
}

inline at::Tensor convolve(const at::Tensor &x, const at::Tensor &kernels, int64_t groups = 1) {
  const auto one = each(kernels, 1);
  return at::convolution(x, kernels, {}, one, one, one, false, each(kernels, 0), groups);
}

// The derivatives of the map, the kernels and the bias, those that `wanted` names.
inline std::tuple<at::Tensor, at::Tensor, at::Tensor> convolve_backward(
  const at::Tensor &up, const at::Tensor &x, const at::Tensor &kernels, std::array<bool, 3> wanted, int64_t groups = 1) {
  const std::vector<int64_t> channels{kernels.size(0)};
  const auto one = each(kernels, 1);
  return at::convolution_backward(
    up, x, kernels, wanted[2] ? at::OptionalIntArrayRef(channels) : std::nullopt, one, one, one, false, each(kernels, 0),
    groups, wanted);
}

}  // namespace direct
