// One fused optimiser step over a whole network.
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
    for (auto &step : steps) step += 1;
    at::_fused_adamw_(
      values, gradients, firsts, seconds, {}, steps, rate, beta1, beta2, decay, epsilon,
      /*amsgrad=*/false, /*maximize=*/false);
  });
}
