// The elements of a tensor, to be read.
#pragma once
#include <ATen/core/Tensor.h>

// Not LibTorch's template of that purpose: how compilers name its instances differs between 2.11 and 2.13.
template <class T>
const T *read(const at::Tensor &x) {
  return static_cast<const T *>(x.const_data_ptr());
}
