// Several processes that compute together, by LibTorch's own c10d: where they meet, and what they add up.
#include <ATen/ops/empty.h>
#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <thread>

#include "buckets.h"

using namespace wall;
using namespace ranks;
using std::chrono::milliseconds;

static milliseconds milliseconds_of(double seconds) { return milliseconds(static_cast<int64_t>(seconds * 1e3)); }

// MARK: The table

ct_store ct_store_make(const char *host, int port, bool serves, double patience) {
  return guard([&] {
    // A process that is gone is told of once, and not by pages of addresses.
    if (!std::getenv("TORCH_CPP_LOG_LEVEL")) FLAGS_caffe2_log_level = c10::GLOG_FATAL;
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = serves;
    options.waitWorkers = false;
    // Where nothing answers it begins anew just before its time is up.
    options.timeout = milliseconds_of(patience / 2);
    auto table = c10::make_intrusive<c10d::TCPStore>(host, options);
    return new ct_store_s{table, table, patience};
  }, static_cast<ct_store>(nullptr));
}
ct_store ct_store_under(ct_store store, const char *prefix) {
  return guard([&] {
    return new ct_store_s{
      store->table, c10::make_intrusive<c10d::PrefixStore>(prefix, store->store), store->patience};
  }, static_cast<ct_store>(nullptr));
}
void ct_store_free(ct_store store) { delete store; }
int ct_store_port(ct_store store) { return store->table->getPort(); }

// What a store answers, asked on a thread of its own: of one whose process is stopped the answer would be waited for for ever.
// `refuse` is asked now and then, and throws where it has been waited for long enough.
template <class Body, class Refuse>
static std::string answer(const c10::intrusive_ptr<c10d::Store> &store, Body body, Refuse refuse) {
  std::packaged_task<std::string()> task([store, body] { return body(*store); });
  auto answer = task.get_future();
  std::thread(std::move(task)).detach();
  while (answer.wait_for(milliseconds(200)) != std::future_status::ready) refuse();
  return answer.get();
}

// After `patience` seconds from now on.
static auto refuse_after(double patience) {
  return [patience, begin = std::chrono::steady_clock::now()] {
    TORCH_CHECK(
      std::chrono::steady_clock::now() - begin < milliseconds_of(patience), "no answer in ", patience, " seconds");
  };
}

// Into a buffer of the caller's; how long the text is, or -1.
static int64_t copied(const std::string &text, char *into, int64_t capacity) {
  TORCH_CHECK(static_cast<int64_t>(text.size()) < capacity, "a text of ", text.size(), " bytes is too long");
  std::copy(text.begin(), text.end(), into);
  into[text.size()] = 0;
  return static_cast<int64_t>(text.size());
}

// Sets what nobody has set, unless `mine` is empty; what then stands there.
static auto claim(const char *key, const char *value) {
  return [key = std::string(key), mine = std::string(value)](c10d::Store &store) {
    if (!mine.empty()) return store.compareSet(key, std::string(), mine);
    return store.check({key}) ? store.get_to_str(key) : mine;
  };
}

int ct_store_set(ct_store store, const char *key, const char *value) {
  return act([&] {
    answer(store->store, [key = std::string(key), text = std::string(value)](c10d::Store &store) {
      store.set(key, text);
      return text;
    }, refuse_after(store->patience));
  });
}

int64_t ct_store_claim(ct_store store, const char *key, const char *value, char *into, int64_t capacity) {
  return guard([&] {
    return copied(answer(store->store, claim(key, value), refuse_after(store->patience)), into, capacity);
  }, int64_t(-1));
}

// MARK: The group

// Not inlined: what the class itself does by this is written in LibTorch, and the names of Gloo here have no bodies.
__attribute__((noinline)) void set_timeout(c10d::Backend &backend, milliseconds timeout) { backend.setTimeout(timeout); }

ct_group ct_group_make(ct_store store, int rank, int count, const char *host, const char *interfaces, double patience) {
  return guard([&] {
    // All are there, and none of them is heard of before they have joined.
    const auto options =
      c10::make_intrusive<c10d::ProcessGroupGloo::Options>(milliseconds_of(std::max(patience, 120.0)));
    std::string names = interfaces;
    while (!names.empty()) {
      const auto comma = names.find(',');
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(names.substr(0, comma)));
      names = comma == std::string::npos ? "" : names.substr(comma + 1);
    }
    if (options->devices.empty()) {
      options->devices.push_back(
        *host ? c10d::ProcessGroupGloo::createDeviceForHostname(host)
              : c10d::ProcessGroupGloo::createDefaultDevice());
    }
    auto group = std::make_unique<ct_group_s>();
    group->store = store->store;
    group->group = c10::make_intrusive<c10d::ProcessGroupGloo>(store->store, rank, count, options);
    // What no sign of life can tell, as a process that waits for a disk for ever, ends by this.
    set_timeout(*group->group, std::chrono::minutes(30));
    group->rank = rank;
    group->count = count;
    group->patience = patience;
    group->pulse = std::make_unique<ranks::Pulse>(store->store, rank, count, patience);
    return group.release();
  }, static_cast<ct_group>(nullptr));
}

void ct_group_free(ct_group group) {
  // What waits for a process that is gone cannot be ended; the program is about to be.
  if (group->broken) {
    group->group.release();
    group->pulse.release();
  }
  delete group;
}

void ct_group_leave(ct_group group) {
  // Where an operation hangs, its connections cannot be closed either.
  if (group->broken) return;
  group->broken = true;
  // Gradients that are under way keep the connections, and may never arrive.
  const bool waits = !group->under_way.empty();
  group->under_way.clear();
  act([&] {
    if (waits) std::thread([held = std::move(group->group)]() mutable { held.reset(); }).detach();
    else group->group.reset();
  });
}

static void refuse_silence(ct_group group) {
  const int silent = group->pulse->silent();
  TORCH_CHECK(
    silent == -1, silent == -2 ? "the process where they meet" : "rank " + std::to_string(silent),
    " has not been heard of for ", group->patience, " seconds");
}

int ct_group_check(ct_group group) {
  const int status = act([&] { refuse_silence(group); });
  if (status != 0) group->broken = true;
  return status;
}

int64_t ct_group_claim(ct_group group, const char *key, const char *value, char *into, int64_t capacity) {
  return guard([&] {
    const auto refuse = [group] {
      try {
        refuse_silence(group);
      } catch (...) {
        group->broken = true;
        throw;
      }
    };
    return copied(answer(group->store, claim(key, value), refuse), into, capacity);
  }, int64_t(-1));
}

int ct_group_quiet(ct_group group) { return group->pulse->quiet(); }

void ranks::wait(ct_group group, const c10::intrusive_ptr<c10d::Work> &work) {
  while (true) {
    try {
      work->wait(milliseconds(200));
      return;
    } catch (...) {
      // It may have been done since: then there is nothing to wait for, and its own failure is thrown, if there is one.
      if (work->isCompleted()) {
        work->wait();
        return;
      }
    }
    refuse_silence(group);
  }
}

void Bucket::allocate() {
  int64_t count = 0;
  for (const auto &tensor : tensors) count += tensor.numel();
  // Gloo is built for the CPU: what a GPU holds comes here and goes back.
  flat = at::empty({count}, tensors[0].options().device(at::kCPU));
}

at::Tensor Bucket::view(const at::Tensor &tensor, int64_t start) const {
  // All processes hold a tensor in the same layout; one with gaps goes by its logical order.
  return tensor.is_non_overlapping_and_dense()
    ? flat.as_strided(tensor.sizes(), tensor.strides(), start)
    : flat.narrow(0, start, tensor.numel()).view(tensor.sizes());
}

std::vector<Bucket> ranks::buckets(const std::vector<at::Tensor> &tensors, int64_t bytes) {
  std::vector<Bucket> result;
  int64_t held = 0;
  for (const auto &tensor : tensors) {
    if (tensor.numel() == 0) continue;
    const int64_t size = tensor.numel() * tensor.element_size();
    if (result.empty() || held + size > bytes || result.back().tensors[0].scalar_type() != tensor.scalar_type()) {
      result.emplace_back();
      held = 0;
    }
    result.back().tensors.push_back(tensor);
    held += size;
  }
  return result;
}

// While one bucket is under way the next is gathered.
template <class Start, class Finish>
static int exchange(ct_group group, const std::vector<at::Tensor> &tensors, int64_t bytes, Start start, Finish finish) {
  return act([&] {
    TORCH_CHECK(!group->broken, "the processes have lost one another");
    TORCH_CHECK(group->under_way.empty(), "gradients are under way, which must be waited for first");
    at::NoGradGuard guard;
    try {
      auto all = buckets(tensors, bytes);
      std::vector<c10::intrusive_ptr<c10d::Work>> works;
      for (auto &bucket : all) {
        bucket.allocate();
        bucket.each([](const at::Tensor &tensor, const at::Tensor &place) { place.copy_(tensor); });
        std::vector<at::Tensor> flat{bucket.flat};
        works.push_back(start(flat));
      }
      for (size_t i = 0; i < all.size(); ++i) {
        auto &bucket = all[i];
        wait(group, works[i]);
        finish(bucket.flat);
        bucket.each([](const at::Tensor &tensor, const at::Tensor &place) { tensor.copy_(place); });
      }
    } catch (...) {
      group->broken = true;
      throw;
    }
  });
}

int ct_group_sum(ct_group group, const ct_tensor *tensors, int count, double factor, int64_t bytes) {
  return exchange(
    group, list(tensors, count), bytes, [&](std::vector<at::Tensor> &flat) { return group->group->allreduce(flat); },
    [&](at::Tensor &flat) { if (factor != 1) flat.mul_(factor); });
}

int ct_group_broadcast(ct_group group, const ct_tensor *tensors, int count, int64_t bytes) {
  return exchange(
    group, list(tensors, count), bytes, [&](std::vector<at::Tensor> &flat) { return group->group->broadcast(flat); },
    [](at::Tensor &) {});
}
