// The plain loops of pool.cpp and roll.cpp over tensors and threads.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <cmath>

#include "cagr.h"
#include "../loops/parallel.h"
#include "../loops/read.h"

namespace cagr {
namespace {

// Work is cut into this many pieces whatever the number of threads, so that sums do not depend on it.
constexpr int64_t pieces = 32;

template <class Body>
void each_piece(int64_t count, const Body &body) {
  parallel_for(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const auto from = piece * count / pieces, to = (piece + 1) * count / pieces;
      if (to > from) body(piece, from, to - from);
    }
  });
}

}  // namespace

// MARK: Norm + GELU + pool

Tensor pooled(const Tensor &map, const Tensor &weight, const Tensor &bias) {
  const auto channels = map.size(1), pixels = pixels_of(map);
  auto sums = at::zeros({pieces, channels}, weight.options());
  const auto run = [&](auto zero, auto pool) {
    using T = decltype(zero);
    const T *from = read<T>(map), *w = read<T>(weight), *b = read<T>(bias);
    T *sum = sums.mutable_data_ptr<T>();
    each_piece(pixels, [&](int64_t piece, int64_t first, int64_t count) {
      pool(from + first * channels, w, b, count, channels, static_cast<T>(epsilon), sum + piece * channels);
    });
  };
  if (map.scalar_type() == at::kDouble) run(0.0, pool_f64); else run(0.0f, pool_f32);
  return sums.sum(0) / static_cast<double>(pixels);
}

std::tuple<Tensor, Tensor, Tensor> pooled_backward(const Tensor &map, const Tensor &weight, const Tensor &bias, const Tensor &up) {
  const auto channels = map.size(1), pixels = pixels_of(map);
  const auto each = (up / static_cast<double>(pixels)).contiguous();
  auto down = at::empty_like(map);
  auto sums = at::zeros({2, pieces, channels}, weight.options());
  const auto run = [&](auto zero, auto backward) {
    using T = decltype(zero);
    const T *from = read<T>(map), *derivative = read<T>(each);
    const T *w = read<T>(weight), *b = read<T>(bias);
    T *to = down.mutable_data_ptr<T>(), *weights = sums.mutable_data_ptr<T>(), *biases = weights + pieces * channels;
    each_piece(pixels, [&](int64_t piece, int64_t first, int64_t count) {
      backward(
        from + first * channels, w, b, derivative, count, channels, static_cast<T>(epsilon), to + first * channels,
        weights + piece * channels, biases + piece * channels);
    });
  };
  if (map.scalar_type() == at::kDouble) run(0.0, pool_backward_f64); else run(0.0f, pool_backward_f32);
  const auto total = sums.sum(1);
  return {down, total[0], total[1]};
}

// MARK: Rolled kernels

Roll roll_by(const Tensor &offsets, const Tensor &scales, const Tensor &gate, int64_t channels) {
  const auto batch = scales.size(0), groups = scales.size(1);
  Roll roll;
  const auto values = offsets.to(at::kDouble).contiguous();
  const double *offset = read<double>(values);
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

Tensor rolled(const Tensor &weight, const Roll &roll, int64_t sample, int64_t groups) {
  const auto outputs = weight.size(0), inputs = weight.size(1), length = weight.numel() / outputs;
  const int dimensions = static_cast<int>(weight.dim() - 2);
  // The layout is named whatever the sizes: a 1-wide kernel would fit both.
  auto kernel = at::empty(weight.sizes(), weight.options(), last(weight));
  const auto run = [&](auto zero, auto one) {
    using T = decltype(zero);
    const T *from = read<T>(weight), *scales = read<T>(roll.scales) + sample * inputs;
    const Shift *shifts = roll.shifts.data() + sample * groups * dimensions;
    T *to = kernel.mutable_data_ptr<T>();
    parallel_for(outputs, 8, [&](int64_t begin, int64_t end) {
      for (auto o = begin; o < end; ++o) {
        one(dimensions, from + o * length, shifts, scales, inputs, groups, to + o * length);
      }
    });
  };
  if (weight.scalar_type() == at::kDouble) run(0.0, roll_f64); else run(0.0f, roll_f32);
  return kernel;
}

RollDerivatives::RollDerivatives(const Tensor &kernel, const Roll &roll, int64_t groups)
    : weight(at::zeros_like(kernel)), kernel_(kernel), roll_(roll), groups_(groups),
      sums_(at::zeros({pieces, roll.scales.size(0), kernel.dim() - 1, kernel.size(1)}, roll.scales.options())) {}

namespace {

// [C][taps] to [taps][C]: the library gives kernels' derivatives channels-first.
template <class T>
void transpose(const T *from, int64_t inputs, int64_t taps, T *to) {
  for (int64_t c = 0; c < inputs; ++c) {
    for (int64_t tap = 0; tap < taps; ++tap) to[tap * inputs + c] = from[c * taps + tap];
  }
}

}  // namespace

void RollDerivatives::add(const Tensor &derivatives, int64_t sample) {
  const auto outputs = kernel_.size(0), inputs = kernel_.size(1), batch = roll_.scales.size(0),
             length = kernel_.numel() / outputs;
  const int dimensions = static_cast<int>(kernel_.dim() - 2);
  const bool first_channels = derivatives.is_contiguous();
  const auto up = first_channels ? derivatives : channels_last(derivatives);
  const auto run = [&](auto zero, auto one) {
    using T = decltype(zero);
    const T *from = read<T>(kernel_), *derivative = read<T>(up);
    const T *factors = read<T>(roll_.scales) + sample * inputs;
    const Shift *shifts = roll_.shifts.data() + sample * groups_ * dimensions;
    T *to = weight.mutable_data_ptr<T>(), *sum = sums_.mutable_data_ptr<T>();
    each_piece(outputs, [&](int64_t piece, int64_t first, int64_t count) {
      std::vector<T> row(first_channels ? length : 0);
      for (auto o = first; o < first + count; ++o) {
        const T *in = derivative + o * length;
        if (first_channels) transpose(in, inputs, length / inputs, row.data());
        one(
          dimensions, from + o * length, shifts, factors, first_channels ? row.data() : in, inputs, groups_,
          to + o * length, sum + (piece * batch + sample) * (1 + dimensions) * inputs);
      }
    });
  };
  if (kernel_.scalar_type() == at::kDouble) run(0.0, roll_backward_f64); else run(0.0f, roll_backward_f32);
}

std::tuple<Tensor, Tensor, Tensor> RollDerivatives::finish(const Tensor &scales, const Tensor &gate) const {
  const auto batch = scales.size(0), groups = scales.size(1), inputs = kernel_.size(1),
             dimensions = kernel_.dim() - 2;
  const auto total = sums_.sum(0).view({batch, 1 + dimensions, groups, inputs / groups});
  const auto weighted = gate.defined() ? total * gate.view({batch, 1, groups, -1}) : total;
  const auto by_group = weighted.sum(3);  // [B, 1 + d, n]
  Tensor gates;
  if (gate.defined()) gates = (total.select(1, 0) * scales.unsqueeze(2)).reshape({batch, inputs});
  const auto offsets = (by_group.narrow(1, 1, dimensions) * scales.unsqueeze(1)).transpose(1, 2).reshape({batch, dimensions * groups});
  return {gates, by_group.select(1, 0), offsets};
}

}  // namespace cagr
