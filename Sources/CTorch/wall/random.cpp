// Chance: from a generator of the call's own, or from a stream that goes on with every draw.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/randint.h>
#include <algorithm>

#include "../loops/read.h"
#include "wall.h"

using namespace wall;

struct ct_generator_s {
  // The device's, and the CPU's for what is drawn there whatever the device: one and the same where that is the CPU.
  at::Generator device, host;
  // Which part of a batch it draws for, of how many: it draws for the batch and keeps what is that part's.
  int64_t part = 0, parts = 1;

  // What `body` fills, for samples of `like`'s shape.
  template <class Body>
  at::Tensor draw(const at::Tensor &like, Body body) const {
    const auto own = at::empty_like(like);
    if (parts == 1 || own.numel() == 0) return body(own);
    // The whole batch in the layout that it would have.
    const auto sample = own.select(0, 0);
    const int64_t count = own.size(0);
    std::vector<int64_t> shape = own.sizes().vec(), strides = own.strides().vec();
    shape[0] = count * parts;
    strides[0] = sample.numel();
    const auto whole = sample.is_non_overlapping_and_dense() ? at::empty_strided(shape, strides, own.options())
                                                             : at::empty(shape, own.options());
    return body(whole).narrow(0, part * count, count);
  }
};

// Drawn on the CPU from a generator of their own, so that they do not depend on the device, on the order of calls, or on
// any global state.
ct_tensor ct_uniform(double low, double high, uint64_t seed, int type, const int64_t *shape, int rank, int number) {
  return make([&] {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    return sent(at::empty(sizes(shape, rank), options(type, CT_CPU)).uniform_(low, high, generator), device(number));
  });
}
ct_tensor ct_normal(double mean, double deviation, uint64_t seed, int type, const int64_t *shape, int rank, int number) {
  return make([&] {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    return sent(at::empty(sizes(shape, rank), options(type, CT_CPU)).normal_(mean, deviation, generator), device(number));
  });
}

ct_generator ct_generator_make(uint64_t seed, int number, int part, int parts) {
  return guard([&] {
    TORCH_CHECK(part >= 0 && part < parts, "part ", part, " of ", parts);
    const auto host = at::make_generator<at::CPUGeneratorImpl>(seed);
    if (number < 0) return new ct_generator_s{host, host, part, parts};
    auto own = at::globalContext().defaultGenerator(device(number)).clone();
    own.set_current_seed(seed);
    return new ct_generator_s{own, host, part, parts};
  }, static_cast<ct_generator>(nullptr));
}
void ct_generator_free(ct_generator generator) { delete generator; }

ct_tensor ct_random_normal(ct_generator generator, ct_tensor like) {
  return make([&] {
    return generator->draw(like->value, [&](at::Tensor all) { return all.normal_(0, 1, generator->device); });
  });
}
int ct_random_integers(ct_generator generator, int64_t bound, int64_t count, int64_t *into) {
  return act([&] {
    const auto all = at::randint(bound, {count * generator->parts}, generator->host, options(CT_INT64, CT_CPU));
    std::copy_n(read<int64_t>(all) + generator->part * count, count, into);
  });
}

// As in at::dropout and at::feature_dropout, which take no generator.
static at::Tensor dropped(const at::Tensor &x, const at::Tensor &like, double probability, ct_generator generator) {
  const auto mask = generator->draw(like, [&](at::Tensor all) {
    return all.bernoulli_(1 - probability, generator->device).div_(1 - probability);
  });
  return x * mask;
}
ct_tensor ct_dropout(ct_tensor x, double probability, ct_generator generator) {
  return make([&] { return dropped(x->value, x->value, probability, generator); });
}
ct_tensor ct_channel_dropout(ct_tensor x, double probability, ct_generator generator) {
  return make([&] {
    std::vector<int64_t> shape(x->value.dim(), 1);
    for (int axis = 0; axis < 2; ++axis) shape[axis] = x->value.size(axis);
    return dropped(x->value, at::empty(shape, x->value.options()), probability, generator);
  });
}
