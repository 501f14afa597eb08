// One CAGR module in d = 2 or 3 dimensions as one operator with a backward of its own (paper §3; the plain composition is Layers' CAGR.swift).
//
// Why it is fast. The gate A is one number per sample and channel, the scale λ one per sample and group, and a
// convolution is linear in its kernel, so conv(x·A, λ roll(w)) = conv(x, A λ roll(w)) and the same holds for the routing
// convolution: no gated copy of the feature map exists. What remains over the map is one mean, one pass of the routing
// (convolution, norm, GELU and pooling in one: cagr_routing.cpp), and the main convolution.
//
// Forward, for sample b:                                     Backward, with G = ∂loss/∂y:
//   z = mean(x)                        [C]                     (∂x, ∂K) = conv'(G; x, K)
//   A = sigmoid(F [z ; shuffle z])     [C]                     (∂w, ∂A, ∂λ, ∂o) = roll'(∂K)              (roll.cpp)
//   V = A · routing kernel             [C, C/n, 3...]          ∂h = ∂o Oᵀ + ∂λ λ(1-λ) Sᵀ
//   h = mean(gelu(norm(conv(x, V))))   [C]                     ∂v = pool'(∂h)                    (cagr_routing.cpp)
//   o = O h,  λ = sigmoid(S h + s)     [dn], [n]               (∂x, ∂V) += conv'(∂v; x, V);  ∂A += Σ ∂V · kernel
//   K = A · λ · roll(w, o)             [C', C, 3...]           ∂z = F'(∂A A(1-A));  ∂x += ∂z / pixels
//   y = conv(x, K)
//
// Samples go one after the other through the main convolution, straight into their places in the batch: no batch of
// kernels exists. The ReLU that follows in a residual block is applied as outputs are written.
//
// Kept for the backward: x, the parameters and the kernels w as they were laid out anew, A, h, o, λ, conv(x, V) where it is to
// be kept, and y where a ReLU follows. The kernels K (28 MB a sample at full width) are made again.
// A derivative that is to be differentiated again comes from the module composed of LibTorch's operators instead.
#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "cagr.h"
#include "../wall/direct.h"
#include "../wall/recorded.h"
#include "../wall/wall.h"
#include "../winograd/winograd.h"

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Parameter = std::optional<at::Tensor>;

namespace cagr {
namespace {

// The module's convolution of one sample into its place in the output, with the ReLU that follows.
void convolve(const Tensor &x, const Tensor &kernel, bool rectifies, const Tensor &y) {
  if (winograd::serves(x, kernel)) return winograd::convolve_into(y, x, kernel, {}, rectifies);
  const auto result = direct::convolve(x, kernel);
  if (rectifies) at::clamp_min_out(const_cast<Tensor &>(y), result, 0); else y.copy_(result);
}

// The derivative of the map into its place, and that of the kernel in whatever layout the library makes it.
Tensor convolve_backward(const Tensor &up, const Tensor &x, const Tensor &kernel, const Tensor &image) {
  if (winograd::serves(x, kernel)) {
    winograd::convolve_backward_into(image, up, kernel);
    return std::get<0>(winograd::kernel_derivative(up, x, kernel, false));
  }
  const auto [share, derivative, bias] = direct::convolve_backward(up, x, kernel, {true, true, false});
  image.copy_(share);
  return derivative;
}

// A · w for every sample, [B·O, C, 3...]: the module's kernels without routing.
Tensor gated_kernels(const Tensor &w, const Tensor &gate) {
  const auto last = w.movedim(1, -1).unsqueeze(0);
  std::vector<int64_t> sizes(last.dim(), 1);
  sizes.front() = gate.size(0);
  sizes.back() = gate.size(1);
  return (last * gate.view(sizes)).flatten(0, 1).movedim(-1, 1);
}

// The kernels of one sample, or those that all samples share.
Tensor kernels_of(const Tensor &kernels, int64_t b, int64_t outputs) {
  return kernels.size(0) == outputs ? kernels : kernels.narrow(0, b * outputs, outputs);
}

// MARK: The operator

class Module : public torch::autograd::Function<Module> {
 public:
  // x is channels-last. Attention or routing parameters may be missing: then that half of the module is not there.
  // (Autograd asks every plain Tensor argument for its device, so what may be missing is optional.)
  static variable_list forward(
    AutogradContext *context, const Tensor &x, const Tensor &weight, const Parameter &gate_weights,
    const Parameter &gate_biases, const Parameter &routings, const Parameter &norm_weights, const Parameter &norm_biases,
    const Parameter &offset_weights, const Parameter &scale_weights, const Parameter &scale_biases, int64_t groups,
    bool rectifies, bool keeps) {
    const auto given = [](const Parameter &parameter) { return parameter.value_or(Tensor()); };
    const auto gate_weight = given(gate_weights), gate_bias = given(gate_biases), routing = given(routings),
               norm_weight = given(norm_weights), norm_bias = given(norm_biases), offset_weight = given(offset_weights),
               scale_weight = given(scale_weights), scale_bias = given(scale_biases);
    const auto w = kernels_last(weight);
    const auto outputs = w.size(0), channels = w.size(1), batch = x.size(0);
    TORCH_CHECK(x.size(1) == channels, "the module takes ", channels, " channels, and the map has ", x.size(1));
    TORCH_CHECK(groups > 0 && channels % groups == 0, groups, " groups do not divide ", channels, " channels");
    if (routing.defined())
      TORCH_CHECK(routing.size(0) == channels && routing.size(1) == channels / groups && norm_weight.numel() == channels &&
                    norm_bias.numel() == channels && offset_weight.size(1) == channels && scale_weight.size(1) == channels,
                  "the routing's kernels are not those of ", channels, " channels in ", groups, " groups");
    Gate attention;
    if (gate_weight.defined()) attention = attend(x, gate_weight, gate_bias, groups);

    const auto y = winograd::empty_map(x, outputs);
    Tensor features, offsets, scales, map;
    if (routing.defined()) {
      features = route(x, {routing, norm_weight, norm_bias, groups}, attention.gate, keeps ? &map : nullptr);
      offsets = at::linear(features, offset_weight);
      scales = at::linear(features, scale_weight, scale_bias).sigmoid();
      const auto roll = roll_by(offsets, scales, attention.gate, channels);
      for (int64_t b = 0; b < batch; ++b) convolve(sample(x, b), rolled(w, roll, b, groups), rectifies, sample(y, b));
    } else {
      const auto kernels = gated_kernels(w, attention.gate);
      for (int64_t b = 0; b < batch; ++b) convolve(sample(x, b), kernels_of(kernels, b, outputs), rectifies, sample(y, b));
    }
    variable_list kept{x, weight, gate_weight, gate_bias, routing, norm_weight, norm_bias, offset_weight, scale_weight, scale_bias,
                       attention.descriptors, attention.gate, features, offsets, scales,
                       rectifies ? y : Tensor(), map, w};
    context->save_for_backward(kept);
    context->saved_data["groups"] = groups;
    context->saved_data["rectifies"] = rectifies;
    variable_list shown{offsets.defined() ? offsets : at::empty({0}, x.options()),
                        scales.defined() ? scales : at::empty({0}, x.options()),
                        attention.gate.defined() ? attention.gate : at::empty({0}, x.options())};
    context->mark_non_differentiable(shown);
    return {y, shown[0], shown[1], shown[2]};
  }

  static variable_list backward(AutogradContext *context, variable_list derivatives) {
    const auto kept = context->get_saved_variables();
    const auto groups = context->saved_data["groups"].toInt();
    if (at::GradMode::is_enabled()) {
      const bool rectifies = context->saved_data["rectifies"].toBool();
      auto recorded = recorded_derivatives(
        context, variable_list(kept.begin(), kept.begin() + 10), derivatives[0],
        [&](const variable_list &inputs) { return composed(inputs, groups, rectifies); });
      recorded.resize(13);
      return recorded;
    }
    const auto &x = kept[0], &w = kept[17], &gate_weight = kept[2], &routing = kept[4], &norm_weight = kept[5],
               &norm_bias = kept[6], &offset_weight = kept[7], &scale_weight = kept[8], &features = kept[12],
               &offsets = kept[13], &scales = kept[14], &y = kept[15], &map = kept[16];
    const Gate attention{kept[10], kept[11]};
    const auto batch = x.size(0), outputs = w.size(0), channels = w.size(1);
    const auto all = channels_last(derivatives[0]);
    const auto up = [&](int64_t b) {
      return y.defined() ? at::threshold_backward(sample(all, b), sample(y, b), 0) : sample(all, b);
    };

    const auto dx = at::empty_like(x);
    Tensor dw, dgate, drouting, dnorm_weight, dnorm_bias, doffset, dscale, dscale_bias;
    if (routing.defined()) {
      const auto roll = roll_by(offsets, scales, attention.gate, channels);
      RollDerivatives rolling(w, roll, groups);
      for (int64_t b = 0; b < batch; ++b) {
        rolling.add(convolve_backward(up(b), sample(x, b), rolled(w, roll, b, groups), sample(dx, b)), b);
      }
      dw = rolling.weight;
      Tensor dscales, doffsets;
      std::tie(dgate, dscales, doffsets) = rolling.finish(scales, attention.gate);
      const auto dlogits = dscales * scales * (1 - scales);
      doffset = at::matmul(doffsets.t(), features);
      dscale = at::matmul(dlogits.t(), features);
      dscale_bias = dlogits.sum(0);
      const auto dfeatures = at::matmul(doffsets, offset_weight) + at::matmul(dlogits, scale_weight);

      const auto routed =
        route_backward(x, {routing, norm_weight, norm_bias, groups}, attention.gate, map, dfeatures, dx);
      std::tie(drouting, dnorm_weight, dnorm_bias) = std::tie(routed.kernel, routed.weight, routed.bias);
      if (routed.gate.defined()) dgate = dgate + routed.gate;
    } else {
      const auto kernels = gated_kernels(w, attention.gate);
      dw = at::zeros_like(w);
      auto axes = spatial(w);
      axes.insert(axes.begin(), 0);
      variable_list rows;
      for (int64_t b = 0; b < batch; ++b) {
        const auto kernel = convolve_backward(up(b), sample(x, b), kernels_of(kernels, b, outputs), sample(dx, b));
        dw.add_(kernel * beside(attention.gate[b], w));
        rows.push_back((kernel * w).sum(axes));
      }
      dgate = at::stack(rows);
    }
    Tensor dgate_weight, dgate_bias;
    if (gate_weight.defined()) {
      Tensor dmean;
      std::tie(dmean, dgate_weight, dgate_bias) = attend_backward(attention, gate_weight, dgate, groups);
      dx.add_(beside(dmean, x), 1.0 / static_cast<double>(pixels_of(x)));
    }
    return {dx, laid_out_as(kept[1], dw), dgate_weight, dgate_bias, drouting, dnorm_weight, dnorm_bias, doffset, dscale, dscale_bias,
            Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace
}  // namespace cagr

int ct_cagr(const ct_tensor *inputs, int groups, bool rectifies, ct_tensor *outputs) {
  return wall::act([&] {
    const auto in = [&](int index) { return wall::maybe(inputs[index]); };
    // Kernels of volumes change their layout inside, where that need not be recorded.
    const auto &weight = inputs[1]->value;
    const auto results = cagr::Module::apply(
      channels_last(inputs[0]->value), weight.dim() == 5 ? weight : channels_last(weight), in(2), in(3), in(4), in(5), in(6), in(7), in(8), in(9),
      static_cast<int64_t>(groups), rectifies, at::GradMode::is_enabled());
    // A convolution and its routing's meet every pixel, the other maps every sample; an entry of a rolled kernel is mixed
    // from four, in 3-D from eight, and scaled.
    const auto &x = inputs[0]->value;
    const int64_t samples = x.size(0), pixels = x.numel() / x.size(1);
    for (int i : {1, 4}) if (inputs[i]) wall::multiply_adds += pixels * inputs[i]->value.numel();
    for (int i : {2, 7, 8}) if (inputs[i]) wall::multiply_adds += samples * inputs[i]->value.numel();
    if (inputs[4]) wall::multiply_adds += samples * ((1 << (x.dim() - 2)) + 1) * inputs[1]->value.numel();
    for (size_t i = 0; i < results.size(); ++i) outputs[i] = new ct_tensor_s(results[i]);
  });
}
