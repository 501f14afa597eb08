// The gate of a fused CAGR module.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/matmul.h>

#include "cagr.h"

namespace cagr {

namespace {

Tensor shuffled(const Tensor &z, int64_t groups) {  // [B, C] -> [B, n, C/n]
  return z.view({z.size(0), groups, -1}).transpose(1, 2).reshape({z.size(0), groups, -1});
}

}  // namespace

Gate attend(const Tensor &x, const Tensor &weight, const Tensor &bias, int64_t groups) {
  const auto z = x.mean(spatial(x));
  const auto descriptors = at::cat({z.view({z.size(0), groups, -1}), shuffled(z, groups)}, 2);
  const auto kernels = weight.reshape({groups, -1, descriptors.size(2)});  // [n, C/n, 2C/n]
  const auto logits = at::matmul(kernels.unsqueeze(0), descriptors.unsqueeze(3)).reshape(z.sizes()) + bias;
  return {descriptors, logits.sigmoid()};
}

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

}  // namespace cagr
