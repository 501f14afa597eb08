// The library's 3 x 3 convolutions with stride 1 and padding 1, recorded where grad mode is on.
#pragma once
#include <ATen/ATen.h>
#include <array>
#include <tuple>
#include <vector>

namespace direct {

inline const std::vector<int64_t> one{1, 1}, zero{0, 0};

inline at::Tensor convolve(const at::Tensor &x, const at::Tensor &kernels, int64_t groups = 1) {
  return at::convolution(x, kernels, {}, one, one, one, false, zero, groups);
}

// The derivatives of the map, the kernels and the bias, those that `wanted` names.
inline std::tuple<at::Tensor, at::Tensor, at::Tensor> convolve_backward(
  const at::Tensor &up, const at::Tensor &x, const at::Tensor &kernels, std::array<bool, 3> wanted, int64_t groups = 1) {
  const std::vector<int64_t> channels{kernels.size(0)};
  return at::convolution_backward(
    up, x, kernels, wanted[2] ? at::OptionalIntArrayRef(channels) : std::nullopt, one, one, one, false, zero, groups, wanted);
}

}  // namespace direct
