// Operators of LibTorch, one line each, recorded by its autograd.
#include "../loops/read.h"
#include "deterministic.h"
#include "wall.h"
#include "direct.h"
#include "../winograd/winograd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/conv_transpose3d.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/grid_sampler.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/instance_norm.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/max_pool3d.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/upsample_nearest3d.h>
#include <ATen/ops/where.h>
#include <algorithm>

using namespace wall;

ct_tensor ct_add(ct_tensor a, ct_tensor b) { return make([&] { return a->value + b->value; }); }
ct_tensor ct_add_in_place(ct_tensor a, ct_tensor b) { return make([&] { return a->value.add_(b->value); }); }
ct_tensor ct_subtract(ct_tensor a, ct_tensor b) { return make([&] { return a->value - b->value; }); }
ct_tensor ct_multiply(ct_tensor a, ct_tensor b) { return make([&] { return a->value * b->value; }); }
ct_tensor ct_divide(ct_tensor a, ct_tensor b) { return make([&] { return a->value / b->value; }); }
ct_tensor ct_add_scalar(ct_tensor a, double b) { return make([&] { return a->value + b; }); }
ct_tensor ct_multiply_scalar(ct_tensor a, double b) { return make([&] { return a->value * b; }); }
ct_tensor ct_matmul(ct_tensor a, ct_tensor b) { return make([&] { return at::matmul(a->value, b->value); }); }
ct_tensor ct_einsum(const char *equation, const ct_tensor *parts, int count) {
  return make([&] { return at::einsum(equation, list(parts, count)); });
}
int ct_eigenvectors(ct_tensor symmetric, ct_tensor *values, ct_tensor *vectors) {
  return act([&] {
    auto [found, directions] = at::linalg_eigh(symmetric->value);
    *values = new ct_tensor_s(found);
    *vectors = new ct_tensor_s(directions);
  });
}

ct_tensor ct_relu(ct_tensor x) { return make([&] { return x->value.relu(); }); }
ct_tensor ct_relu_in_place(ct_tensor x) { return make([&] { return x->value.relu_(); }); }
ct_tensor ct_leaky_relu(ct_tensor x, double slope) { return make([&] { return at::leaky_relu(x->value, slope); }); }
ct_tensor ct_gelu(ct_tensor x) { return make([&] { return at::gelu(x->value); }); }
ct_tensor ct_silu(ct_tensor x) { return make([&] { return at::silu(x->value); }); }
ct_tensor ct_softplus(ct_tensor x) { return make([&] { return at::softplus(x->value); }); }
ct_tensor ct_sigmoid(ct_tensor x) { return make([&] { return x->value.sigmoid(); }); }
ct_tensor ct_tanh(ct_tensor x) { return make([&] { return x->value.tanh(); }); }
ct_tensor ct_exp(ct_tensor x) { return make([&] { return x->value.exp(); }); }
ct_tensor ct_log(ct_tensor x) { return make([&] { return x->value.log(); }); }
ct_tensor ct_sqrt(ct_tensor x) { return make([&] { return x->value.sqrt(); }); }
ct_tensor ct_square(ct_tensor x) { return make([&] { return x->value.square(); }); }
ct_tensor ct_abs(ct_tensor x) { return make([&] { return x->value.abs(); }); }
ct_tensor ct_floor(ct_tensor x) { return make([&] { return x->value.floor(); }); }
ct_tensor ct_cos(ct_tensor x) { return make([&] { return x->value.cos(); }); }
ct_tensor ct_sin(ct_tensor x) { return make([&] { return x->value.sin(); }); }
ct_tensor ct_clamp(ct_tensor x, double low, double high) { return make([&] { return x->value.clamp(low, high); }); }
ct_tensor ct_remainder(ct_tensor x, double divisor) { return make([&] { return x->value.remainder(divisor); }); }
ct_tensor ct_where_below(ct_tensor x, double threshold, ct_tensor a, ct_tensor b) {
  return make([&] { return at::where(x->value < threshold, a->value, b->value); });
}
ct_tensor ct_softmax(ct_tensor x, int axis) { return make([&] { return x->value.softmax(axis); }); }

ct_tensor ct_sum(ct_tensor x) { return make([&] { return x->value.sum(); }); }
ct_tensor ct_mean(ct_tensor x) { return make([&] { return x->value.mean(); }); }
ct_tensor ct_sum_over(ct_tensor x, const int64_t *axes, int count, bool keep) {
  return make([&] { return x->value.sum(sizes(axes, count), keep); });
}
ct_tensor ct_mean_over(ct_tensor x, const int64_t *axes, int count, bool keep) {
  return make([&] { return x->value.mean(sizes(axes, count), keep); });
}
ct_tensor ct_max_over(ct_tensor x, int axis, bool keep) { return make([&] { return x->value.amax(axis, keep); }); }
int64_t ct_first_not_finite(const ct_tensor *tensors, int count) {
  return guard([&] {
    std::vector<at::Tensor> finite;
    for (int i = 0; i < count; ++i) finite.push_back(at::isfinite(tensors[i]->value).all());
    ++host_reads;
    const auto all = at::stack(finite).cpu();
    const bool *values = read<bool>(all), *found = std::find(values, values + count, false);
    return found == values + count ? int64_t(-1) : int64_t(found - values);
  }, int64_t(-2));
}

ct_tensor ct_reshape(ct_tensor x, const int64_t *shape, int rank) {
  return make([&] { return x->value.reshape(sizes(shape, rank)); });
}
ct_tensor ct_permute(ct_tensor x, const int64_t *axes, int rank) {
  return make([&] { return x->value.permute(sizes(axes, rank)); });
}
ct_tensor ct_narrow(ct_tensor x, int axis, int64_t start, int64_t length) {
  return make([&] { return x->value.narrow(axis, start, length); });
}
ct_tensor ct_expand(ct_tensor x, const int64_t *shape, int rank) {
  return make([&] { return x->value.expand(sizes(shape, rank)); });
}
ct_tensor ct_concatenate(const ct_tensor *parts, int count, int axis) {
  return make([&] { return at::cat(list(parts, count), axis); });
}
ct_tensor ct_stack(const ct_tensor *parts, int count, int axis) {
  return make([&] { return at::stack(list(parts, count), axis); });
}
ct_tensor ct_pad(ct_tensor x, const int64_t *amounts, int count, const char *mode) {
  return make([&] {
    const std::string border(mode);
    if (border != "constant" && deterministic::asked({x->value})) {
      return deterministic::padded(x->value, sizes(amounts, count), border == "reflect");
    }
    return at::pad(x->value, sizes(amounts, count), border);
  });
}
ct_tensor ct_roll(ct_tensor x, const int64_t *shifts, const int64_t *axes, int count) {
  return make([&] { return at::roll(x->value, sizes(shifts, count), sizes(axes, count)); });
}
ct_tensor ct_index_select(ct_tensor x, int axis, ct_tensor index) {
  return make([&] { return at::index_select(x->value, axis, index->value); });
}

using direct::each;

// Multiply-adds are counted as the field does: those of the direct sum whatever computes it, padding included, biases and
// everything elementwise left out.
int64_t ct_multiply_adds(void) { return multiply_adds; }
void ct_add_multiply_adds(int64_t count) { multiply_adds += count; }
int64_t ct_saved_multiply_adds(void) { return saved_multiply_adds; }

ct_tensor ct_convolution(ct_tensor x, ct_tensor weight, ct_tensor bias, int stride, int padding, int dilation, int groups) {
  return make([&] {
    const auto &w = weight->value;
    // The library's own convolutions are not in bfloat16.
    const bool isWinograd = stride == 1 && padding == 1 && dilation == 1 && groups == 1 && !ct_autocasts(-1) && winograd::serves(x->value, w);
    const auto direct = [&](auto convolve) {
      return convolve(x->value, w, maybe(bias), each(w, stride), each(w, padding), each(w, dilation), groups);
    };
    // Not `convolution`, which autocast does not know on a CPU.
    auto y = isWinograd ? winograd::convolution(x->value, w, maybe(bias))
      : w.dim() == 5    ? direct([](auto &&...all) { return at::conv3d(all...); })
                        : direct([](auto &&...all) { return at::conv2d(all...); });
    multiply_adds += y.numel() * (w.numel() / w.size(0));
    return y;
  });
}
ct_tensor ct_transposed_convolution(ct_tensor x, ct_tensor weight, ct_tensor bias, int stride, int padding, int output_padding, int groups) {
  return make([&] {
    const auto &w = weight->value;
    multiply_adds += x->value.numel() * (w.numel() / w.size(0));
    const auto transposed = [&](auto convolve) {
      return convolve(
        x->value, w, maybe(bias), each(w, stride), each(w, padding), each(w, output_padding), groups, each(w, 1));
    };
    return w.dim() == 5 ? transposed([](auto &&...all) { return at::conv_transpose3d(all...); })
                        : transposed([](auto &&...all) { return at::conv_transpose2d(all...); });
  });
}
ct_tensor ct_linear(ct_tensor x, ct_tensor weight, ct_tensor bias) {
  return make([&] {
    auto y = at::linear(x->value, weight->value, maybe(bias));
    multiply_adds += y.numel() * weight->value.size(-1);
    return y;
  });
}
ct_tensor ct_layer_norm(ct_tensor x, int axes, ct_tensor weight, ct_tensor bias, double epsilon) {
  return make([&] {
    // Autocast does so on a GPU; on a CPU the derivative of the weight would be summed over all pixels in bfloat16.
    const auto v = x->value.scalar_type() == at::kBFloat16 ? x->value.to(at::kFloat) : x->value;
    return at::layer_norm(v, v.sizes().slice(v.dim() - axes), maybe(weight), maybe(bias), epsilon);
  });
}
ct_tensor ct_group_norm(ct_tensor x, int groups, ct_tensor weight, ct_tensor bias, double epsilon) {
  return make([&] { return at::group_norm(x->value, groups, maybe(weight), maybe(bias), epsilon); });
}
ct_tensor ct_instance_norm(ct_tensor x, ct_tensor weight, ct_tensor bias, double epsilon) {
  return make([&] { return at::instance_norm(x->value, maybe(weight), maybe(bias), {}, {}, true, 0.1, epsilon, false); });
}
ct_tensor ct_batch_norm(ct_tensor x, ct_tensor weight, ct_tensor bias, ct_tensor mean, ct_tensor variance, bool training, double momentum, double epsilon) {
  return make([&] {
    return at::batch_norm(
      x->value, maybe(weight), maybe(bias), maybe(mean), maybe(variance), training, momentum, epsilon, false);
  });
}
ct_tensor ct_max_pool(ct_tensor x, int size, int stride) {
  return make([&] {
    const auto &v = x->value;
    if (v.dim() == 5 && deterministic::asked({v})) return deterministic::max_pool3d(v, size, stride);
    return v.dim() == 5 ? at::max_pool3d(v, each(v, size), each(v, stride)) : at::max_pool2d(v, each(v, size), each(v, stride));
  });
}
ct_tensor ct_upsample_nearest(ct_tensor x, int factor) {
  return make([&] {
    const auto &v = x->value;
    std::vector<int64_t> size;
    for (int64_t axis = 2; axis < v.dim(); ++axis) size.push_back(v.size(axis) * factor);
    return v.dim() == 5 ? at::upsample_nearest3d(v, size) : at::upsample_nearest2d(v, size);
  });
}
ct_tensor ct_grid_sample(ct_tensor x, ct_tensor grid, bool align_corners) {
  return make([&] {
    return deterministic::asked({x->value, grid->value}) ? deterministic::grid_sample(x->value, grid->value, align_corners)
                                                         : at::grid_sampler(x->value, grid->value, 0, 0, align_corners);
  });
}

ct_tensor ct_mse_loss(ct_tensor x, ct_tensor target) { return make([&] { return at::mse_loss(x->value, target->value); }); }
ct_tensor ct_l1_loss(ct_tensor x, ct_tensor target) { return make([&] { return at::l1_loss(x->value, target->value); }); }
ct_tensor ct_bce_with_logits(ct_tensor x, ct_tensor target) {
  return make([&] { return at::binary_cross_entropy_with_logits(x->value, target->value); });
}
