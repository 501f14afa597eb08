// Deformable convolution composed of LibTorch's operators: its derivatives can be differentiated.
#pragma once
#include <ATen/core/Tensor.h>

namespace deform {

// The weighted samples [B, H, W, 9, C] of a map [B, H, W, C] at offsets [B, H, W, 18n] with weights [B, H, W, 9n], as
// `sample` of kernels.h takes them.
at::Tensor composed_samples(const at::Tensor &map, const at::Tensor &offsets, const at::Tensor &weights, int64_t groups, bool x_first);

}  // namespace deform
