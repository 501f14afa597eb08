// Derivatives that are to be differentiated again, of operators whose own backward is plain loops.
#pragma once
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <vector>

// The derivatives of what `compose` makes of an operator's inputs, a composition of LibTorch's operators with the same
// values; undefined where none is wanted. Slower than loops, and needed only where a derivative is part of a loss.
//
// `inputs` are those that were saved for the backward, undefined where the operator had none, and `up` is the derivative of its
// output.
template <class Compose>
torch::autograd::variable_list recorded_derivatives(
  torch::autograd::AutogradContext *context, const torch::autograd::variable_list &inputs, const at::Tensor &up, const Compose &compose) {
  torch::autograd::variable_list copies, wanted, derivatives(inputs.size());
  std::vector<size_t> places;
  size_t edge = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    // Names of their own: one input may have been made from another, whose derivative must not go through it.
    copies.push_back(inputs[i].defined() ? inputs[i].alias() : inputs[i]);
    if (!inputs[i].defined() || !context->needs_input_grad(edge++)) continue;
    wanted.push_back(copies[i]);
    places.push_back(i);
  }
  if (wanted.empty()) return derivatives;
  const auto found = torch::autograd::grad(
    {compose(copies)}, wanted, {up}, /*retain_graph=*/true, /*create_graph=*/true, /*allow_unused=*/true);
  for (size_t i = 0; i < places.size(); ++i) derivatives[places[i]] = found[i];
  return derivatives;
}
