// What stands behind the wall: the handle, and the guard that every entry runs in.
#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "CTorch.h"

struct ct_tensor_s {
  at::Tensor value;
  explicit ct_tensor_s(at::Tensor tensor) : value(std::move(tensor)) { ++live; }
  ~ct_tensor_s() { --live; }
  ct_tensor_s(const ct_tensor_s &) = delete;
  static std::atomic<int64_t> live;
};

namespace wall {

inline thread_local std::string message;

// Those of this thread's convolutions and linear maps so far, forward passes alone.
inline thread_local int64_t multiply_adds = 0;

// Those of the direct sums that filtering has saved this thread so far, forward and backward.
inline thread_local int64_t saved_multiply_adds = 0;

// How often this thread has read numbers out of tensors.
inline thread_local int64_t host_reads = 0;

// LibTorch throws; Swift must never see it. Everything is caught, even what is not a std::exception
// (two C++ runtimes may meet in one process), and leaves one line behind.
template <class Body>
auto guard(Body body, decltype(body()) otherwise) -> decltype(body()) {
  try {
    message.clear();
    return body();
  } catch (const c10::Error &error) {
    message = error.what_without_backtrace();
  } catch (const std::exception &error) {
    message = error.what();
  } catch (...) {
    message = "unknown C++ exception";
  }
  if (message.empty()) message = "LibTorch failed without a message";
  return otherwise;
}

template <class Body>
ct_tensor make(Body body) {
  return guard([&] { return new ct_tensor_s(body()); }, static_cast<ct_tensor>(nullptr));
}

template <class Body>
int act(Body body) {
  return guard([&] { body(); return 0; }, -1);
}

inline at::IntArrayRef sizes(const int64_t *values, int count) { return {values, static_cast<size_t>(count)}; }

inline std::optional<at::Tensor> maybe(ct_tensor x) {
  return x ? std::optional<at::Tensor>(x->value) : std::nullopt;
}

inline std::vector<at::Tensor> list(const ct_tensor *parts, int count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  for (int i = 0; i < count; ++i) tensors.push_back(parts[i]->value);
  return tensors;
}

inline at::ScalarType scalar(int type) {
  switch (type) {
    case CT_FLOAT32: return at::kFloat;
    case CT_FLOAT64: return at::kDouble;
    case CT_INT64: return at::kLong;
    case CT_UINT8: return at::kByte;
    case CT_BFLOAT16: return at::kBFloat16;
  }
  TORCH_CHECK(false, "unknown element type ", type);
}

inline at::Device device(int number) {
  return number < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<at::DeviceIndex>(number));
}

// A tensor of the CPU on a device. For a GPU it is copied into pages that are not swapped out, which the GPU reads by itself:
// the copy waits behind what was asked of it before, and nobody waits for the copy.
inline at::Tensor sent(const at::Tensor &x, at::Device to) {
  if (to.is_cpu() || x.requires_grad() || x.numel() == 0) return x.to(to);
  // Made first: such pages belong to a GPU that is in use, and that is to be this one.
  const auto there = at::empty_like(x, x.options().device(to));
  return there.copy_(x.pin_memory(), /*non_blocking=*/true);
}

inline at::TensorOptions options(int type, int number) {
  return at::TensorOptions().dtype(scalar(type)).device(device(number));
}

}  // namespace wall
