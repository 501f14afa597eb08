// The gate of a fused CAGR module, and the routing convolution's kernels with the gate folded in.
#include "cagr.h"

namespace cagr {

// MARK: The gate

namespace {

Tensor shuffled(const Tensor &z, int64_t groups) {  // [B, C] -> [B, n, C/n]
  return z.view({z.size(0), groups, -1}).transpose(1, 2).reshape({z.size(0), groups, -1});
}

}  // namespace

Gate attend(const Tensor &x, const Tensor &weight, const Tensor &bias, int64_t groups) {
  const auto z = x.mean({2, 3});
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

// MARK: The routing kernels

int64_t packing(int64_t members, int64_t groups, int64_t fewest) {
  int64_t factor = 1;
  while (members < fewest && members * factor < 16 && groups % (2 * factor) == 0) factor *= 2;
  return factor;
}

namespace {

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

}  // namespace

Tensor routing_kernels(const Tensor &kernel, const Tensor &gate, int64_t groups, int64_t factor) {
  if (!gate.defined()) return packed(channels_last(kernel), factor);
  // Output channels of group g see the gates of group g's inputs.
  const auto batch = gate.size(0), members = kernel.size(1);
  const auto flat = kernel.permute({0, 2, 3, 1}).reshape({1, groups, members, 9, members});
  const auto product = flat * gate.view({batch, groups, 1, 1, members});
  return packed(product.reshape({batch * kernel.size(0), 3, 3, members}).permute({0, 3, 1, 2}), factor);
}

std::pair<Tensor, Tensor> routing_kernels_backward(const Tensor &up, const Tensor &kernel, const Tensor &gate, int64_t groups, int64_t factor) {
  const auto derivatives = unpacked(up, factor);
  const auto members = kernel.size(1), batch = derivatives.size(0) / kernel.size(0);
  if (!gate.defined()) return {derivatives.reshape({batch, kernel.size(0), members, 3, 3}).sum(0), Tensor()};
  const auto derivative = derivatives.permute({0, 2, 3, 1}).reshape({batch, groups, members * 9, members});
  const auto flat = kernel.permute({0, 2, 3, 1}).reshape({groups, members * 9, members});
  const auto kernels = at::einsum("bgim,bgm->gim", {derivative, gate.view({batch, groups, members})});
  const auto gates = at::einsum("bgim,gim->bgm", {derivative, flat});
  return {kernels.reshape({kernel.size(0), 3, 3, members}).permute({0, 3, 1, 2}), gates.reshape(gate.sizes())};
}

}  // namespace cagr
