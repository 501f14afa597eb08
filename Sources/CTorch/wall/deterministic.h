// Operators whose derivatives LibTorch sums on a GPU in whatever order its threads come, from operators for which it has one order.
//
// Values and derivatives are those of LibTorch's own operators but for the rounding of sums.
#pragma once
#include <ATen/core/Tensor.h>

namespace deterministic {

// Whether the same bits are asked for in every run (`ct_set_deterministic`), and derivatives by one of these tensors are recorded.
bool asked(std::initializer_list<at::Tensor> tensors);

// Margins [before, after] from the last axis backwards, invented as mode "reflect" or "replicate" of `at::pad` does.
at::Tensor padded(const at::Tensor &x, at::IntArrayRef margins, bool reflects);

// The largest of every window of [B, C, D, H, W].
at::Tensor max_pool3d(const at::Tensor &x, int64_t size, int64_t stride);

// Bilinear or trilinear, zero outside: x [B, C, spatial…] at grid [B, places…, d] in [-1, 1], its last axis (x, y[, z]).
at::Tensor grid_sample(const at::Tensor &x, const at::Tensor &grid, bool align_corners);

}  // namespace deterministic
