// Channels running fastest, in 2-D [B, C, H, W] and in 3-D [B, C, D, H, W], of maps and kernels alike.
#pragma once
#include <ATen/core/Tensor.h>
#include <numeric>
#include <vector>

inline at::MemoryFormat last(const at::Tensor &x) {
  return x.dim() == 5 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
}

inline at::Tensor channels_last(const at::Tensor &x) { return x.contiguous(last(x)); }

// The same of kernels, and a derivative as its kernels lie. Not recorded. (layout.cpp)
at::Tensor kernels_last(const at::Tensor &kernels);
at::Tensor laid_out_as(const at::Tensor &kernels, const at::Tensor &derivative);

// The axes behind the channels.
inline std::vector<int64_t> spatial(const at::Tensor &x) {
  std::vector<int64_t> axes(x.dim() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}
// Numbers [B, C] or [C] of channels as factors of a map or a kernel.
inline at::Tensor beside(const at::Tensor &numbers, const at::Tensor &x) {
  std::vector<int64_t> sizes(x.dim(), 1);
  sizes[0] = numbers.dim() == 2 ? numbers.size(0) : 1;
  sizes[1] = numbers.size(-1);
  return numbers.view(sizes);
}
inline int64_t pixels_of(const at::Tensor &x) { return x.numel() / (x.size(0) * x.size(1)); }
