// A CAGR module composed of LibTorch's operators, step by step as Layers' CAGR.swift: its derivatives can be differentiated.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/remainder.h>

#include "cagr.h"
#include "../wall/direct.h"

namespace cagr {
namespace {

// The circulants [..., 3, 3] that move entry j of an axis to j + offset, linear between whole offsets (FloatRoll.swift).
Tensor circulants(const Tensor &offsets) {
  const auto whole = offsets.detach().floor();
  const auto part = (offsets - whole).unsqueeze(-1).unsqueeze(-1);
  const auto entries = at::arange(3, offsets.options().dtype(at::kDouble));
  const auto ways = entries.view({3, 1}) - entries;
  const auto far = whole.to(at::kDouble).unsqueeze(-1).unsqueeze(-1);
  // An offset that is not a number moves nothing, and passes itself on through `part`.
  const auto moved = [&](double more) { return at::remainder(ways - (far + more), 3).eq(0).to(offsets.scalar_type()); };
  return moved(0) * (1 - part) + moved(1) * part;
}

// Every sample's kernel, [B, O, C, 3...].
Tensor rolled_kernels(const Tensor &weight, const Tensor &offsets, const Tensor &scales) {
  const auto batch = scales.size(0), groups = scales.size(1), outputs = weight.size(0), channels = weight.size(1);
  const auto dimensions = weight.dim() - 2;
  const auto axes = circulants(offsets.view({batch, groups, dimensions}));  // x, then y, then z
  auto mixing = axes.select(2, 0);
  for (int64_t axis = 1; axis < dimensions; ++axis) {
    const auto side = 3 * mixing.size(3);
    mixing = at::einsum("bnij,bnkl->bnikjl", {axes.select(2, axis), mixing}).reshape({batch, groups, side, side});
  }
  const auto blocks = weight.reshape({outputs, groups, channels / groups, mixing.size(3)});
  auto sizes = weight.sizes().vec();
  sizes.insert(sizes.begin(), batch);
  return at::einsum("bnij,oncj->bonci", {mixing * scales.view({batch, groups, 1, 1}), blocks}).reshape(sizes);
}

}  // namespace

Tensor composed(const std::vector<Tensor> &inputs, int64_t groups, bool rectifies) {
  const auto &x = inputs[0], &weight = inputs[1], &gate_weight = inputs[2], &gate_bias = inputs[3], &routing = inputs[4],
             &norm_weight = inputs[5], &norm_bias = inputs[6], &offset_weight = inputs[7], &scale_weight = inputs[8],
             &scale_bias = inputs[9];
  const auto batch = x.size(0), channels = x.size(1);
  auto gated = x;
  if (gate_weight.defined()) {
    gated = x * beside(attend(x, gate_weight, gate_bias, groups).gate, x);
  }
  Tensor y;
  if (routing.defined()) {
    const auto map = direct::convolve(gated, routing, groups).movedim(1, -1);
    auto axes = spatial(x);
    for (auto &axis : axes) --axis;  // channels are the last one now
    const auto features = at::gelu(at::layer_norm(map, {channels}, norm_weight, norm_bias, epsilon)).mean(axes);
    const auto kernels = rolled_kernels(
      weight, at::linear(features, offset_weight), at::linear(features, scale_weight, scale_bias).sigmoid());
    std::vector<Tensor> samples;
    for (int64_t b = 0; b < batch; ++b) samples.push_back(direct::convolve(sample(gated, b), kernels[b].contiguous()));
    y = at::cat(samples);
  } else {
    y = direct::convolve(gated, weight);
  }
  return rectifies ? y.relu() : y;
}

}  // namespace cagr
