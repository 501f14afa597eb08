// The library's own state; a tensor's life, its data, its gradient.
#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include "../loops/parallel.h"
#include "wall.h"
#include "layout.h"

using namespace wall;

std::atomic<int64_t> ct_tensor_s::live{0};

const char *ct_error(void) { return message.c_str(); }
const char *ct_version(void) { return TORCH_VERSION; }
int64_t ct_live_tensors(void) { return ct_tensor_s::live; }
int ct_threads(void) { return at::get_num_threads(); }
int ct_set_threads(int count) { return act([&] { at::set_num_threads(count); }); }
int ct_threads_of_loops(void) {
  return guard([] {
    std::set<std::thread::id> seen;
    std::mutex lock;
    parallel_for(at::get_num_threads(), 1, [&](int64_t, int64_t) {
      const std::lock_guard<std::mutex> guard(lock);
      seen.insert(std::this_thread::get_id());
    });
    return static_cast<int>(seen.size());
  }, 0);
}
// A step allocates and frees the same large tensors again and again. By default glibc maps and unmaps each of them, and
// the kernel clears every page anew: 5 to 15 % of a training step. Kept in the heap, in huge pages, they are there already.
void ct_keep_memory(void) {
  setenv("THP_MEM_ALLOC_ENABLE", "1", 0);
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);  // never
#endif
}
int ct_flush_denormals(bool on) {
  return act([&] { TORCH_CHECK(at::globalContext().setFlushDenormal(on), "this processor cannot flush denormal numbers"); });
}
int ct_cuda_count(void) {
  return guard([] { return at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().deviceCount()) : 0; }, 0);
}
int ct_synchronize(int device) {
  return act([&] { if (device >= 0) at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(device)); });
}
void ct_allow_tf32(bool on) {
  act([&] {
    at::globalContext().setAllowTF32CuBLAS(on);
    at::globalContext().setAllowTF32CuDNN(on);
  });
}
void ct_tune_convolutions(bool on) {
  act([&] { at::globalContext().setBenchmarkCuDNN(on); });
}
bool ct_tunes_convolutions(void) {
  return guard([] { return at::globalContext().benchmarkCuDNN(); }, false);
}
bool ct_allows_tf32(void) {
  return guard([] { return at::globalContext().allowTF32CuBLAS() || at::globalContext().allowTF32CuDNN(); }, true);
}
int64_t ct_host_reads(void) { return host_reads; }
// LibTorch's default for cuDNN is on. Off before anything is computed, whatever device is chosen and however.
[[maybe_unused]] static const bool begins_without_tf32 = [] {
  ct_allow_tf32(false);
  return true;
}();
const char *ct_cpu_capability(void) {
  static thread_local std::string text;
  text = guard([] { return at::get_cpu_capability(); }, std::string());
  return text.c_str();
}
int ct_load_library(const char *path) {
  return act([&] {
    if (!dlopen(path, RTLD_NOW | RTLD_GLOBAL)) {
      const char *reason = dlerror();
      TORCH_CHECK(false, reason ? reason : "dlopen failed");
    }
  });
}

void ct_free(ct_tensor x) { delete x; }

ct_tensor ct_from(const void *data, int type, const int64_t *shape, int rank, int number) {
  return make([&] {
    auto borrowed = at::from_blob(const_cast<void *>(data), sizes(shape, rank), scalar(type));
    return number < 0 ? borrowed.clone() : sent(borrowed, device(number));
  });
}
ct_tensor ct_full(double value, int type, const int64_t *shape, int rank, int number) {
  return make([&] { return at::full(sizes(shape, rank), value, options(type, number)); });
}
ct_tensor ct_arange(double start, double end, int type, int number) {
  return make([&] { return at::arange(start, end, options(type, number)); });
}

int ct_read(ct_tensor x, void *into, int type, int64_t count) {
  return act([&] {
    TORCH_CHECK(x->value.numel() == count, "read ", count, " elements of ", x->value.numel());
    ++host_reads;
    at::NoGradGuard guard;
    auto destination = at::from_blob(into, x->value.sizes(), scalar(type));
    destination.copy_(x->value);
  });
}
double ct_item(ct_tensor x) {
  ++host_reads;
  return guard([&] { return x->value.item().toDouble(); }, std::nan(""));
}
int ct_rank(ct_tensor x) { return static_cast<int>(x->value.dim()); }
int64_t ct_size(ct_tensor x, int axis) { return guard([&] { return x->value.size(axis); }, int64_t(-1)); }
int64_t ct_count(ct_tensor x) { return x->value.numel(); }
int ct_type(ct_tensor x) {
  switch (x->value.scalar_type()) {
    case at::kFloat: return CT_FLOAT32;
    case at::kDouble: return CT_FLOAT64;
    case at::kLong: return CT_INT64;
    case at::kByte: return CT_UINT8;
    case at::kBFloat16: return CT_BFLOAT16;
    default: return -1;
  }
}
int ct_device(ct_tensor x) { return x->value.is_cuda() ? x->value.get_device() : CT_CPU; }
bool ct_is_channels_last(ct_tensor x) { return guard([&] { return x->value.is_contiguous(last(x->value)); }, false); }
ct_tensor ct_to(ct_tensor x, int type, int number) {
  return make([&] {
    const auto &v = x->value;
    return v.is_cpu() && number >= 0 ? sent(v.to(scalar(type)), device(number)) : v.to(options(type, number));
  });
}
ct_tensor ct_channels_last(ct_tensor x) { return make([&] { return channels_last(x->value); }); }
ct_tensor ct_contiguous(ct_tensor x) { return make([&] { return x->value.contiguous(); }); }
ct_tensor ct_clone(ct_tensor x) { return make([&] { return x->value.clone(); }); }

bool ct_grad_enabled(void) { return at::GradMode::is_enabled(); }
void ct_set_grad_enabled(bool on) { at::GradMode::set_enabled(on); }
int ct_requires_grad(ct_tensor x, bool on) { return act([&] { x->value.requires_grad_(on); }); }
bool ct_does_require_grad(ct_tensor x) { return x->value.requires_grad(); }
int ct_backward(ct_tensor loss) { return act([&] { loss->value.backward(); }); }
ct_tensor ct_derivative(ct_tensor scalar, ct_tensor by) {
  return make([&] {
    return torch::autograd::grad({scalar->value}, {by->value}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  });
}
ct_tensor ct_grad(ct_tensor x) {
  return guard(
    [&]() -> ct_tensor { return x->value.grad().defined() ? new ct_tensor_s(x->value.grad()) : nullptr; },
    static_cast<ct_tensor>(nullptr));
}
int ct_clear_grad(ct_tensor x) { return act([&] { x->value.mutable_grad().reset(); }); }
ct_tensor ct_detach(ct_tensor x) { return make([&] { return x->value.detach(); }); }

int ct_copy_into(ct_tensor destination, ct_tensor source) {
  return act([&] { at::NoGradGuard guard; destination->value.copy_(source->value); });
}
int ct_fill(ct_tensor x, double value) {
  return act([&] { at::NoGradGuard guard; x->value.fill_(value); });
}
