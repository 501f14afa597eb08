// What an optimiser does with a whole network at once: on a GPU a few kernels, and nothing that waits for it.
#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/stack.h>

#include "wall.h"

using namespace wall;

int ct_adam_step(const ct_tensor *tensors, int count, double rate, double beta1, double beta2, double decay, double epsilon) {
  return act([&] {
    at::NoGradGuard guard;
    std::vector<at::Tensor> values, gradients, firsts, seconds, steps;
    // A parameter that took no part in the loss has no gradient and stays as it is, as in torch.optim.
    for (int i = 0; i < count; ++i) {
      const auto &gradient = tensors[i]->value.grad();
      if (!gradient.defined()) continue;
      values.push_back(tensors[i]->value);
      gradients.push_back(gradient);
      firsts.push_back(tensors[count + i]->value);
      seconds.push_back(tensors[2 * count + i]->value);
      steps.push_back(tensors[3 * count + i]->value);
    }
    if (values.empty()) return;
    at::_foreach_add_(steps, 1);
    at::_fused_adamw_(
      values, gradients, firsts, seconds, {}, steps, rate, beta1, beta2, decay, epsilon,
      /*amsgrad=*/false, /*maximize=*/false);
  });
}

int ct_clip_gradients(const ct_tensor *tensors, int count, double largest) {
  return act([&] {
    at::NoGradGuard guard;
    std::vector<at::Tensor> gradients;
    for (int i = 0; i < count; ++i) {
      const auto &gradient = tensors[i]->value.grad();
      if (gradient.defined()) gradients.push_back(gradient);
    }
    if (gradients.empty()) return;
    const auto norm = at::stack(at::_foreach_norm(gradients)).norm();
    // A norm that is not a number makes all gradients such, so that nothing goes wrong unseen.
    at::_foreach_mul_(gradients, (largest / (norm + 1e-6)).clamp_max(1));
  });
}

int ct_lerp_all(const ct_tensor *tensors, int count, double weight) {
  return act([&] {
    at::NoGradGuard guard;
    std::vector<at::Tensor> moved, ends;
    for (int i = 0; i < count; ++i) {
      moved.push_back(tensors[i]->value);
      ends.push_back(tensors[count + i]->value);
    }
    if (count > 0) at::_foreach_lerp_(moved, ends, weight);
  });
}
