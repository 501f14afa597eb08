// One CAGR module as one operator with a backward of its own (paper §3; the plain composition is Layers' CAGR.swift).
//
// Why it is fast. The gate A is one number per sample and channel, the scale λ one per sample and group, and a
// convolution is linear in its kernel, so conv(x·A, λ roll(w)) = conv(x, A λ roll(w)) and the same holds for the routing
// convolution: no gated copy of the feature map exists. What remains over the map is one mean, the routing
// convolution (1/n of the work of the main one), one pass of norm + GELU + pool (pool.cpp), and the main convolution.
//
// Forward, for sample b:                                     Backward, with G = ∂loss/∂y:
//   z = mean(x)                        [C]                     (∂x, ∂K) = conv'(G; x, K)
//   A = sigmoid(F [z ; shuffle z])     [C]                     (∂w, ∂A, ∂λ, ∂o) = roll'(∂K)              (roll.cpp)
//   V = A · routing kernel             [C, C/n, 3, 3]          ∂h = ∂o Oᵀ + ∂λ λ(1-λ) Sᵀ
//   h = mean(gelu(norm(conv(x, V))))   [C]                     ∂v = pool'(∂h)                            (pool.cpp)
//   o = O h,  λ = sigmoid(S h + s)     [2n], [n]               (∂x, ∂V) += conv'(∂v; x, V);  ∂A += Σ ∂V · kernel
//   K = A · λ · roll(w, o)             [C', C, 3, 3]           ∂z = F'(∂A A(1-A));  ∂x += ∂z / pixels
//   y = conv(x, K)
//
// Kept for the backward: x, conv(x, V), and small vectors. The kernels K (28 MB a sample at full width) are made again.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels.h"
#include "wall.h"

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Parameter = std::optional<Tensor>;

namespace cagr {
namespace {

constexpr double epsilon = 1e-5;
const std::vector<int64_t> one{1, 1}, zero{0, 0};

Tensor last(const Tensor &x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

// Memory whose order is [outputs][3][3][inputs] whatever the sizes: a 1-wide kernel would fit both layouts.
Tensor kernels_like(int64_t batch, const Tensor &weight) {
  return at::empty({batch * weight.size(0), weight.size(1), 3, 3}, weight.options(), at::MemoryFormat::ChannelsLast);
}

// MARK: The gate

struct Gate {
  Tensor descriptors, gate;  // [B, n, 2C/n], [B, C]
};

Tensor shuffled(const Tensor &z, int64_t groups) {  // [B, C] -> [B, n, C/n]
  return z.view({z.size(0), groups, -1}).transpose(1, 2).reshape({z.size(0), groups, -1});
}

Gate attend(const Tensor &x, const Tensor &weight, const Tensor &bias, int64_t groups) {
  const auto z = x.mean({2, 3});
  const auto descriptors = at::cat({z.view({z.size(0), groups, -1}), shuffled(z, groups)}, 2);
  const auto kernels = weight.reshape({groups, -1, descriptors.size(2)});  // [n, C/n, 2C/n]
  const auto logits = at::matmul(kernels.unsqueeze(0), descriptors.unsqueeze(3)).reshape(z.sizes()) + bias;
  return {descriptors, logits.sigmoid()};
}

// From ∂A to ∂z, ∂F and ∂bias.
std::tuple<Tensor, Tensor, Tensor> attend_backward(const Gate &kept, const Tensor &weight, const Tensor &up, int64_t groups) {
  const auto batch = up.size(0);
  const auto logits = (up * kept.gate * (1 - kept.gate)).view({batch, groups, -1});  // [B, n, C/n]
  const auto kernels = weight.reshape({groups, -1, kept.descriptors.size(2)});
  const auto weights = at::einsum("bni,bnj->nij", {logits, kept.descriptors}).reshape(weight.sizes());
  const auto down = at::einsum("bni,nij->bnj", {logits, kernels}).chunk(2, 2);
  // The shuffle's inverse: a view of C/n by n, transposed back.
  const auto back = down[1].reshape({batch, -1, groups}).transpose(1, 2).reshape({batch, -1});
  return {down[0].reshape({batch, -1}) + back, weights, logits.sum(0).reshape({-1})};
}

// MARK: Convolutions with one kernel a sample

// `kernels` [B·O, C/groups, 3, 3], or [O, …] shared by all samples.
Tensor convolve(const Tensor &x, const Tensor &kernels, int64_t outputs, int64_t groups) {
  const auto batch = x.size(0);
  if (kernels.size(0) == outputs) return at::convolution(x, kernels, {}, one, one, one, false, zero, groups);
  auto y = at::empty({batch, outputs, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
  for (int64_t b = 0; b < batch; ++b) {
    const auto kernel = kernels.narrow(0, b * outputs, outputs);
    y.narrow(0, b, 1).copy_(at::convolution(x.narrow(0, b, 1), kernel, {}, one, one, one, false, zero, groups));
  }
  return y;
}

// Adds to `down` (or makes it) and returns the kernels' derivatives, in whatever layout the library makes them.
Tensor convolve_backward(const Tensor &up, const Tensor &x, const Tensor &kernels, int64_t groups, Tensor &down) {
  const auto batch = x.size(0), outputs = up.size(1);
  const auto derive = [&](const Tensor &up, const Tensor &x, const Tensor &kernel) {
    return at::convolution_backward(up, x, kernel, std::nullopt, one, one, one, false, zero, groups, {true, true, false});
  };
  if (kernels.size(0) == outputs) {
    const auto [image, kernel, bias] = derive(up, x, kernels);
    down = down.defined() ? down.add_(image) : image;
    return kernel;
  }
  const bool fresh = !down.defined();
  if (fresh) down = at::empty_like(x);
  auto derivatives = at::empty(kernels.sizes(), kernels.options());
  for (int64_t b = 0; b < batch; ++b) {
    const auto [image, kernel, bias] =
      derive(up.narrow(0, b, 1), x.narrow(0, b, 1), kernels.narrow(0, b * outputs, outputs));
    if (fresh) down.narrow(0, b, 1).copy_(image); else down.narrow(0, b, 1).add_(image);
    derivatives.narrow(0, b * outputs, outputs).copy_(kernel);
  }
  return derivatives;
}

// MARK: The routing kernel

// A · kernel, [B·C, C/n, 3, 3]: output channels of group g see the gates of group g's inputs.
Tensor gated(const Tensor &kernel, const Tensor &gate, int64_t groups) {
  const auto batch = gate.size(0), members = kernel.size(1);
  const auto flat = kernel.permute({0, 2, 3, 1}).reshape({1, groups, members, 9, members});
  const auto product = flat * gate.view({batch, groups, 1, 1, members});
  return product.reshape({batch * kernel.size(0), 3, 3, members}).permute({0, 3, 1, 2});
}

// From ∂(A · kernel) to ∂kernel and ∂A.
std::pair<Tensor, Tensor> gated_backward(const Tensor &up, const Tensor &kernel, const Tensor &gate, int64_t groups) {
  const auto batch = gate.size(0), members = kernel.size(1);
  const auto derivative = up.permute({0, 2, 3, 1}).reshape({batch, groups, members * 9, members});
  const auto flat = kernel.permute({0, 2, 3, 1}).reshape({groups, members * 9, members});
  const auto kernels = at::einsum("bgim,bgm->gim", {derivative, gate.view({batch, groups, members})});
  const auto gates = at::einsum("bgim,gim->bgm", {derivative, flat});
  return {kernels.reshape({kernel.size(0), 3, 3, members}).permute({0, 3, 1, 2}), gates.reshape(gate.sizes())};
}

// Convolutions with few channels a group waste most of a vector register. Up to 16 channels, several groups are made one,
// with zeros between them: the same result from more but faster arithmetic (measured: a quarter less time at 4 channels).
int64_t packing(int64_t members, int64_t groups) {
  int64_t factor = 1;
  while (members < 8 && members * factor < 16 && groups % (2 * factor) == 0) factor *= 2;
  return factor;
}

// [K, m, 3, 3] in groups of m outputs to [K, factor·m, 3, 3], zero where an input belongs to another group.
Tensor packed(const Tensor &kernels, int64_t factor) {
  if (factor == 1) return kernels;
  const auto members = kernels.size(1), blocks = kernels.size(0) / (members * factor);
  const auto flat = kernels.permute({0, 2, 3, 1}).reshape({blocks, factor, members, 9, members});
  auto wide = at::zeros({blocks, factor, members, 9, factor, members}, kernels.options());
  for (int64_t i = 0; i < factor; ++i) wide.select(1, i).select(3, i).copy_(flat.select(1, i));
  return wide.view({kernels.size(0), 3, 3, factor * members}).permute({0, 3, 1, 2});
}

// The derivative of `packed`: only what was put in is taken out.
Tensor unpacked(const Tensor &kernels, int64_t factor) {
  if (factor == 1) return kernels;
  const auto members = kernels.size(1) / factor, blocks = kernels.size(0) / (members * factor);
  const auto wide = kernels.permute({0, 2, 3, 1}).reshape({blocks, factor, members, 9, factor, members});
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < factor; ++i) parts.push_back(wide.select(1, i).select(3, i));
  return at::stack(parts, 1).reshape({kernels.size(0), 3, 3, members}).permute({0, 3, 1, 2});
}

// MARK: Norm + GELU + pool

// Pixels are cut into this many pieces whatever the number of threads, so that sums do not depend on it.
constexpr int64_t pieces = 32;

template <class T>
void each_piece(int64_t pixels, const T &body) {
  at::parallel_for(0, pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const auto from = piece * pixels / pieces, to = (piece + 1) * pixels / pieces;
      if (to > from) body(piece, from, to - from);
    }
  });
}

Tensor pooled(const Tensor &map, const Tensor &weight, const Tensor &bias) {
  const auto batch = map.size(0), channels = map.size(1), pixels = map.size(2) * map.size(3);
  auto sums = at::zeros({batch, pieces, channels}, map.options().memory_format(at::MemoryFormat::Contiguous));
  const auto run = [&](auto zero, auto pool) {
    using T = decltype(zero);
    for (int64_t b = 0; b < batch; ++b) {
      const T *from = map.const_data_ptr<T>() + b * pixels * channels;
      T *sum = sums.mutable_data_ptr<T>() + b * pieces * channels;
      each_piece(pixels, [&](int64_t piece, int64_t first, int64_t count) {
        pool(
          from + first * channels, weight.const_data_ptr<T>(), bias.const_data_ptr<T>(), count, channels,
          static_cast<T>(epsilon), sum + piece * channels);
      });
    }
  };
  if (map.scalar_type() == at::kDouble) run(0.0, pool_f64); else run(0.0f, pool_f32);
  return sums.sum(1) / static_cast<double>(pixels);
}

// From ∂h [B, C] to the derivatives of the map, the weight and the bias.
std::tuple<Tensor, Tensor, Tensor> pooled_backward(const Tensor &map, const Tensor &weight, const Tensor &bias, const Tensor &up) {
  const auto batch = map.size(0), channels = map.size(1), pixels = map.size(2) * map.size(3);
  const auto each = (up / static_cast<double>(pixels)).contiguous();
  auto down = at::empty_like(map);
  auto sums = at::zeros({2, batch * pieces, channels}, each.options());
  const auto run = [&](auto zero, auto backward) {
    using T = decltype(zero);
    T *weights = sums.mutable_data_ptr<T>(), *biases = weights + batch * pieces * channels;
    for (int64_t b = 0; b < batch; ++b) {
      const T *from = map.const_data_ptr<T>() + b * pixels * channels;
      T *to = down.mutable_data_ptr<T>() + b * pixels * channels;
      const T *derivative = each.const_data_ptr<T>() + b * channels;
      each_piece(pixels, [&](int64_t piece, int64_t first, int64_t count) {
        const auto place = (b * pieces + piece) * channels;
        backward(
          from + first * channels, weight.const_data_ptr<T>(), bias.const_data_ptr<T>(), derivative, count, channels,
          static_cast<T>(epsilon), to + first * channels, weights + place, biases + place);
      });
    }
  };
  if (map.scalar_type() == at::kDouble) run(0.0, pool_backward_f64); else run(0.0f, pool_backward_f32);
  const auto total = sums.sum(1);
  return {down, total[0], total[1]};
}

// MARK: Rolled kernels

// What rolls and scales each sample's kernel: shifts [B][n][2] and A·λ [B, C].
struct Roll {
  std::vector<Shift> shifts;
  Tensor scales;
};

Roll roll_by(const Tensor &offsets, const Tensor &scales, const Tensor &gate, int64_t channels) {
  const auto batch = scales.size(0), groups = scales.size(1);
  Roll roll;
  const auto values = offsets.to(at::kDouble).contiguous();
  const double *offset = values.const_data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    const double whole = std::floor(offset[i]);
    // Only the remainder counts; brought near zero it fits an int whatever the network says. What is not a number
    // becomes a kernel that is not one, for the training loop to see.
    const bool finite = std::isfinite(whole);
    roll.shifts.push_back({finite ? static_cast<int>(std::fmod(whole, 3)) : 0, offset[i] - whole});
  }
  const auto wide = scales.unsqueeze(2).expand({batch, groups, channels / groups}).reshape({batch, channels});
  roll.scales = (gate.defined() ? wide * gate : wide).contiguous();
  return roll;
}

// [B·O, C, 3, 3], channels-last.
Tensor rolled(const Tensor &weight, const Roll &roll, int64_t groups) {
  const auto outputs = weight.size(0), inputs = weight.size(1), batch = roll.scales.size(0);
  auto kernels = kernels_like(batch, weight);
  const auto run = [&](auto zero, auto one) {
    using T = decltype(zero);
    const T *from = weight.const_data_ptr<T>(), *scales = roll.scales.const_data_ptr<T>();
    T *to = kernels.mutable_data_ptr<T>();
    at::parallel_for(0, batch * outputs, 8, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const auto b = row / outputs, o = row % outputs;
        one(
          from + o * 9 * inputs, roll.shifts.data() + b * groups * 2, scales + b * inputs, inputs, groups,
          to + row * 9 * inputs);
      }
    });
  };
  if (weight.scalar_type() == at::kDouble) run(0.0, roll_f64); else run(0.0f, roll_f32);
  return kernels;
}

struct RollDerivatives {
  Tensor weight, gate, scales, offsets;  // [O, C, 3, 3], [B, C], [B, n], [B, 2n]
};

// [C][9] to [9][C]: the library gives kernels' derivatives channels-first.
template <class T>
void transpose(const T *from, int64_t inputs, T *to) {
  for (int64_t c = 0; c < inputs; ++c) {
    for (int64_t tap = 0; tap < 9; ++tap) to[tap * inputs + c] = from[c * 9 + tap];
  }
}

RollDerivatives rolled_backward(const Tensor &derivatives, const Tensor &weight, const Roll &roll, const Tensor &scales, const Tensor &gate) {
  const auto outputs = weight.size(0), inputs = weight.size(1), batch = scales.size(0), groups = scales.size(1);
  const bool first_channels = derivatives.is_contiguous();
  const auto up = first_channels ? derivatives : last(derivatives);
  auto weights = at::zeros_like(weight);
  // Output channels in pieces, as the pixels above.
  auto sums = at::zeros({pieces, batch, 3, inputs}, scales.options());
  const auto run = [&](auto zero, auto one) {
    using T = decltype(zero);
    const T *from = weight.const_data_ptr<T>(), *derivative = up.const_data_ptr<T>();
    const T *factors = roll.scales.const_data_ptr<T>();
    T *to = weights.mutable_data_ptr<T>(), *sum = sums.mutable_data_ptr<T>();
    each_piece(outputs, [&](int64_t piece, int64_t first, int64_t count) {
      std::vector<T> row(first_channels ? 9 * inputs : 0);
      for (int64_t o = first; o < first + count; ++o) {
        for (int64_t b = 0; b < batch; ++b) {
          const T *in = derivative + (b * outputs + o) * 9 * inputs;
          if (first_channels) transpose(in, inputs, row.data());
          one(
            from + o * 9 * inputs, roll.shifts.data() + b * groups * 2, factors + b * inputs,
            first_channels ? row.data() : in, inputs, groups, to + o * 9 * inputs, sum + (piece * batch + b) * 3 * inputs);
        }
      }
    });
  };
  if (weight.scalar_type() == at::kDouble) run(0.0, roll_backward_f64); else run(0.0f, roll_backward_f32);

  const auto total = sums.sum(0).view({batch, 3, groups, inputs / groups});
  const auto gates = gate.defined() ? gate.view({batch, groups, -1}) : Tensor();
  const auto weighted = gate.defined() ? total * gates.unsqueeze(1) : total;
  const auto by_group = weighted.sum(3);  // [B, 3, n]
  RollDerivatives result;
  result.weight = weights;
  if (gate.defined()) result.gate = (total.select(1, 0) * scales.unsqueeze(2)).reshape({batch, inputs});
  result.scales = by_group.select(1, 0);
  result.offsets = (by_group.narrow(1, 1, 2) * scales.unsqueeze(1)).transpose(1, 2).reshape({batch, 2 * groups});
  return result;
}

// MARK: The operator

class Module : public torch::autograd::Function<Module> {
 public:
  // Attention or routing parameters may be missing: then that half of the module is not there. (Autograd asks every
  // plain Tensor argument for its device, so what may be missing is optional.)
  static variable_list forward(
    AutogradContext *context, const Tensor &input, const Tensor &weight, const Parameter &gate_weights,
    const Parameter &gate_biases, const Parameter &routings, const Parameter &norm_weights, const Parameter &norm_biases,
    const Parameter &offset_weights, const Parameter &scale_weights, const Parameter &scale_biases, int64_t groups) {
    const auto given = [](const Parameter &parameter) { return parameter.value_or(Tensor()); };
    const auto gate_weight = given(gate_weights), gate_bias = given(gate_biases), routing = given(routings),
               norm_weight = given(norm_weights), norm_bias = given(norm_biases), offset_weight = given(offset_weights),
               scale_weight = given(scale_weights), scale_bias = given(scale_biases);
    const auto x = last(input), w = last(weight);
    const auto outputs = w.size(0), channels = w.size(1), batch = x.size(0);
    Gate attention;
    if (gate_weight.defined()) attention = attend(x, gate_weight, gate_bias, groups);

    Tensor map, features, offsets, scales, y;
    if (routing.defined()) {
      const auto factor = packing(channels / groups, groups);
      const auto kernels = packed(routing_kernels(routing, attention.gate, groups), factor);
      map = last(convolve(x, kernels, channels, groups / factor));
      features = pooled(map, norm_weight, norm_bias);
      offsets = at::linear(features, offset_weight);
      scales = at::linear(features, scale_weight, scale_bias).sigmoid();
      y = convolve(x, rolled(w, roll_by(offsets, scales, attention.gate, channels), groups), outputs, 1);
    } else {
      y = convolve(x, scaled_kernels(w, attention.gate), outputs, 1);
    }
    context->save_for_backward(
      {x, w, gate_weight, routing, norm_weight, norm_bias, offset_weight, scale_weight, attention.descriptors,
       attention.gate, map, features, offsets, scales});
    context->saved_data["groups"] = groups;
    variable_list shown{offsets.defined() ? offsets : at::empty({0}, x.options()),
                        scales.defined() ? scales : at::empty({0}, x.options()),
                        attention.gate.defined() ? attention.gate : at::empty({0}, x.options())};
    context->mark_non_differentiable(shown);
    return {y, shown[0], shown[1], shown[2]};
  }

  static variable_list backward(AutogradContext *context, variable_list derivatives) {
    const auto kept = context->get_saved_variables();
    const auto &x = kept[0], &w = kept[1], &gate_weight = kept[2], &routing = kept[3], &norm_weight = kept[4],
               &norm_bias = kept[5], &offset_weight = kept[6], &scale_weight = kept[7], &map = kept[10],
               &features = kept[11], &offsets = kept[12], &scales = kept[13];
    const Gate attention{kept[8], kept[9]};
    const auto groups = context->saved_data["groups"].toInt();
    const auto up = last(derivatives[0]);

    Tensor dx, dw, dgate, drouting, dnorm_weight, dnorm_bias, doffset, dscale, dscale_bias;
    if (routing.defined()) {
      const auto roll = roll_by(offsets, scales, attention.gate, w.size(1));
      const auto dkernels = convolve_backward(up, x, rolled(w, roll, groups), 1, dx);
      const auto rolling = rolled_backward(dkernels, w, roll, scales, attention.gate);
      dw = rolling.weight;
      dgate = rolling.gate;
      const auto dlogits = rolling.scales * scales * (1 - scales);
      doffset = at::matmul(rolling.offsets.t(), features);
      dscale = at::matmul(dlogits.t(), features);
      dscale_bias = dlogits.sum(0);
      const auto dfeatures = at::matmul(rolling.offsets, offset_weight) + at::matmul(dlogits, scale_weight);
      Tensor dmap;
      std::tie(dmap, dnorm_weight, dnorm_bias) = pooled_backward(map, norm_weight, norm_bias, dfeatures);
      const auto factor = packing(w.size(1) / groups, groups);
      const auto kernels = packed(routing_kernels(routing, attention.gate, groups), factor);
      const auto dkernel = unpacked(convolve_backward(dmap, x, kernels, groups / factor, dx), factor);
      if (attention.gate.defined()) {
        const auto [kernel, gate] = gated_backward(dkernel, routing, attention.gate, groups);
        drouting = kernel;
        dgate = dgate + gate;
      } else {
        drouting = dkernel;
      }
    } else {
      const auto batch = x.size(0), outputs = w.size(0);
      const auto dkernels = convolve_backward(up, x, scaled_kernels(w, attention.gate), 1, dx)
                              .contiguous().view({batch, outputs, w.size(1), 3, 3});
      dw = at::einsum("bocij,bc->ocij", {dkernels, attention.gate});
      dgate = at::einsum("bocij,ocij->bc", {dkernels, w});
    }
    Tensor dgate_weight, dgate_bias;
    if (gate_weight.defined()) {
      Tensor dmean;
      std::tie(dmean, dgate_weight, dgate_bias) = attend_backward(attention, gate_weight, dgate, groups);
      dx.add_(dmean.view({x.size(0), x.size(1), 1, 1}), 1.0 / static_cast<double>(x.size(2) * x.size(3)));
    }
    return {dx, dw, dgate_weight, dgate_bias, drouting, dnorm_weight, dnorm_bias, doffset, dscale, dscale_bias, Tensor()};
  }

 private:
  static Tensor routing_kernels(const Tensor &kernel, const Tensor &gate, int64_t groups) {
    return gate.defined() ? gated(kernel, gate, groups) : last(kernel);
  }

  static Tensor scaled_kernels(const Tensor &w, const Tensor &gate) {
    const auto product = w.permute({0, 2, 3, 1}).unsqueeze(0) * gate.view({gate.size(0), 1, 1, 1, -1});
    return product.reshape({-1, 3, 3, w.size(1)}).permute({0, 3, 1, 2});
  }
};

}  // namespace
}  // namespace cagr

int ct_cagr(const ct_tensor *inputs, int groups, ct_tensor *outputs) {
  return wall::act([&] {
    const auto in = [&](int index) { return wall::maybe(inputs[index]); };
    const auto results = cagr::Module::apply(
      inputs[0]->value, inputs[1]->value, in(2), in(3), in(4), in(5), in(6), in(7), in(8), in(9),
      static_cast<int64_t>(groups));
    for (size_t i = 0; i < results.size(); ++i) outputs[i] = new ct_tensor_s(results[i]);
  });
}
