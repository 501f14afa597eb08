// Chance: from a generator of the call's own, or from a stream that goes on with every draw.
#include <ATen/CPUGeneratorImpl.h>

#include "wall.h"

using namespace wall;

struct ct_generator_s {
  // The device's, and the CPU's for what is drawn there whatever the device: one and the same where that is the CPU.
  at::Generator device, host;
};

// Drawn on the CPU from a generator of their own, so that they do not depend on the device, on the order of calls, or on
// any global state.
ct_tensor ct_uniform(double low, double high, uint64_t seed, int type, const int64_t *shape, int rank, int number) {
  return make([&] {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    return at::empty(sizes(shape, rank), options(type, CT_CPU)).uniform_(low, high, generator).to(device(number));
  });
}
ct_tensor ct_normal(double mean, double deviation, uint64_t seed, int type, const int64_t *shape, int rank, int number) {
  return make([&] {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    return at::empty(sizes(shape, rank), options(type, CT_CPU)).normal_(mean, deviation, generator).to(device(number));
  });
}

ct_generator ct_generator_make(uint64_t seed, int number) {
  return guard([&] {
    const auto host = at::make_generator<at::CPUGeneratorImpl>(seed);
    if (number < 0) return new ct_generator_s{host, host};
    auto own = at::globalContext().defaultGenerator(device(number)).clone();
    own.set_current_seed(seed);
    return new ct_generator_s{own, host};
  }, static_cast<ct_generator>(nullptr));
}
void ct_generator_free(ct_generator generator) { delete generator; }

ct_tensor ct_random_normal(ct_generator generator, ct_tensor like) {
  return make([&] { return at::empty_like(like->value).normal_(0, 1, generator->device); });
}
ct_tensor ct_random_integers(ct_generator generator, int64_t bound, int64_t count) {
  return make([&] { return at::randint(bound, {count}, generator->host, options(CT_INT64, CT_CPU)); });
}

// `mask` has no numbers yet; as in at::dropout and at::feature_dropout, which take no generator.
static at::Tensor dropped(const at::Tensor &x, at::Tensor mask, double probability, ct_generator generator) {
  return x * mask.bernoulli_(1 - probability, generator->device).div_(1 - probability);
}
ct_tensor ct_dropout(ct_tensor x, double probability, ct_generator generator) {
  return make([&] { return dropped(x->value, at::empty_like(x->value), probability, generator); });
}
ct_tensor ct_channel_dropout(ct_tensor x, double probability, ct_generator generator) {
  return make([&] {
    std::vector<int64_t> shape(x->value.dim(), 1);
    for (int axis = 0; axis < 2; ++axis) shape[axis] = x->value.size(axis);
    return dropped(x->value, at::empty(shape, x->value.options()), probability, generator);
  });
}
