// Gradients that are added up over processes while the backward that computes them still runs.
//
// LibTorch's own Reducer is of no use here: it waits for the others inside the backward, whether they live or not, throws out of
// it, and must be told before each which outputs it begins with.
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <exception>
#include <numeric>

#include "buckets.h"

using namespace wall;
using namespace ranks;
namespace autograd = torch::autograd::impl;

// Buckets are filled in an order that never changes, as of three summands and more it decides on the rounding: the reverse of
// the parameters', which is nearly that of a backward. They are sent off in the order in which rank 0 had them last time, which
// all processes are told. All of this is done by the thread that a backward runs on, while who called it waits.
struct ct_averaging_s {
  ct_averaging_s(ct_group group, const std::vector<at::Tensor> &tensors, int64_t bytes);
  ~ct_averaging_s();
  ct_averaging_s(const ct_averaging_s &) = delete;

  void ready(size_t index) noexcept;
  void finish(double factor);
  int early = 0;

 private:
  struct Hook : torch::autograd::PostAccumulateGradHook {
    ct_averaging_s *const owner;
    const size_t index;
    Hook(ct_averaging_s *owner, size_t index) : owner(owner), index(index) {}
    void operator()(const at::Tensor &) override { owner->ready(index); }
  };
  struct Parameter {
    at::Tensor tensor;
    size_t bucket;
    // Whether it has had a gradient, here or elsewhere; what never has is not waited for.
    bool is_used = true, is_ready = false;
  };
  struct State {
    // Parameters that are still waited for, and how many buckets were full before.
    int missing = 0, place = 0;
    bool is_sent = false;
  };

  const ct_group group_;
  std::vector<Parameter> parameters_;
  std::vector<Bucket> buckets_;
  std::vector<State> states_;
  std::vector<size_t> order_;
  size_t sent_ = 0;
  int full_ = 0;
  bool is_first_ = true;
  // Whether a gradient changed after it was sent, as with a second backward: then all are sent again.
  bool is_stale_ = false;
  std::exception_ptr failure_;

  void begin();
  void send_next();
  void send_rest();
  void await();
  at::Tensor agree();
};

ct_averaging_s::ct_averaging_s(ct_group group, const std::vector<at::Tensor> &tensors, int64_t bytes) : group_(group) {
  std::vector<at::Tensor> reversed;
  std::copy_if(tensors.rbegin(), tensors.rend(), std::back_inserter(reversed), [](auto &x) { return x.numel() > 0; });
  buckets_ = buckets(reversed, bytes);
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    buckets_[bucket].allocate();
    for (const auto &tensor : buckets_[bucket].tensors) parameters_.push_back({tensor, bucket});
  }
  order_.resize(buckets_.size());
  std::iota(order_.begin(), order_.end(), size_t(0));
  begin();
  for (size_t index = 0; index < parameters_.size(); ++index) {
    autograd::set_post_acc_grad_hooks(parameters_[index].tensor, std::make_unique<Hook>(this, index));
  }
}

ct_averaging_s::~ct_averaging_s() {
  for (const auto &parameter : parameters_) {
    // Another may have taken its place.
    const auto *hook = dynamic_cast<Hook *>(autograd::post_acc_grad_hooks(parameter.tensor).get());
    if (hook && hook->owner == this) autograd::set_post_acc_grad_hooks(parameter.tensor, nullptr);
  }
  if (sent_ == 0) return;
  // The others wait for the rest, which nobody sends.
  group_->under_way.clear();
  group_->broken = true;
}

void ct_averaging_s::begin() {
  states_.assign(buckets_.size(), {});
  for (auto &parameter : parameters_) {
    parameter.is_ready = false;
    states_[parameter.bucket].missing += parameter.is_used;
  }
  sent_ = 0;
  full_ = 0;
  is_stale_ = false;
}

// To be called where a parameter's gradient has been added to. What goes wrong is told by `finish`: a backward that fails ends the
// program.
void ct_averaging_s::ready(size_t index) noexcept {
  if (failure_ || group_->broken) return;
  try {
    auto &parameter = parameters_[index];
    auto &state = states_[parameter.bucket];
    if (state.is_sent) is_stale_ = true;
    if (parameter.is_ready) return;
    parameter.is_ready = true;
    if (!parameter.is_used || --state.missing > 0) return;
    state.place = full_++;
    while (sent_ < order_.size() && states_[order_[sent_]].missing == 0) send_next();
  } catch (...) {
    failure_ = std::current_exception();
  }
}

// Copies are sent: another backward may add to a gradient whose sum is under way.
void ct_averaging_s::send_next() {
  TORCH_CHECK(sent_ > 0 || group_->under_way.empty(), "other gradients are under way, which must be waited for first");
  at::NoGradGuard guard;
  const auto index = order_[sent_++];
  const auto &bucket = buckets_[index];
  bucket.each([](const at::Tensor &parameter, const at::Tensor &place) {
    if (parameter.grad().defined()) place.copy_(parameter.grad()); else place.zero_();
  });
  std::vector<at::Tensor> flat{bucket.flat};
  group_->under_way.push_back(group_->group->allreduce(flat));
  states_[index].is_sent = true;
}

void ct_averaging_s::send_rest() {
  while (sent_ < order_.size()) send_next();
}

void ct_averaging_s::await() {
  for (const auto &work : group_->under_way) wait(group_, work);
  group_->under_way.clear();
}

// Added up over all processes: which parameters have a gradient, whether all must be sent again, and of rank 0 when each bucket
// was full.
at::Tensor ct_averaging_s::agree() {
  auto all = at::zeros({static_cast<int64_t>(parameters_.size() + 1 + buckets_.size())}, at::kDouble);
  auto *value = all.data_ptr<double>();
  for (const auto &parameter : parameters_) *value++ = parameter.tensor.grad().defined();
  *value++ = is_stale_;
  for (const auto &state : states_) *value++ = group_->rank != 0 ? 0 : state.missing > 0 ? full_ : state.place;
  std::vector<at::Tensor> flat{all};
  wait(group_, group_->group->allreduce(flat));
  return all;
}

void ct_averaging_s::finish(double factor) {
  TORCH_CHECK(!group_->broken, "the processes have lost one another");
  at::NoGradGuard guard;
  try {
    if (failure_) std::rethrow_exception(failure_);
    early = static_cast<int>(sent_);
    send_rest();
    const auto agreed = agree();
    const auto *used = agreed.data_ptr<double>();
    const auto *stale = used + parameters_.size(), *places = stale + 1;
    await();
    if (*stale > 0) {
      sent_ = 0;
      send_rest();
      await();
    }
    for (auto &bucket : buckets_) {
      if (factor != 1) bucket.flat.mul_(factor);
      bucket.each([&](const at::Tensor &parameter, const at::Tensor &place) {
        if (*used++ == 0) return;
        if (parameter.grad().defined()) parameter.grad().copy_(place);
        else parameter.mutable_grad() = at::empty_like(parameter).copy_(place);
      });
    }
    used = agreed.data_ptr<double>();
    for (auto &parameter : parameters_) {
      const bool has_gradient = *used++ > 0;
      parameter.is_used = has_gradient || (parameter.is_used && !is_first_);
    }
    is_first_ = false;
    std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return places[a] < places[b]; });
    begin();
  } catch (...) {
    group_->broken = true;
    throw;
  }
}

ct_averaging ct_averaging_make(ct_group group, const ct_tensor *parameters, int count, int64_t bytes) {
  return guard([&] { return new ct_averaging_s(group, list(parameters, count), bytes); }, static_cast<ct_averaging>(nullptr));
}
void ct_averaging_free(ct_averaging averaging) { delete averaging; }
int ct_averaging_finish(ct_averaging averaging, double factor) { return act([&] { averaging->finish(factor); }); }
int ct_averaging_early(ct_averaging averaging) { return averaging->early; }
