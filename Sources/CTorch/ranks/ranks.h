// What stands behind the handles of several processes that compute together: c10d's store and process group.
#pragma once
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <memory>
#include <vector>

#include "../wall/wall.h"
#include "pulse.h"

struct ct_store_s {
  c10::intrusive_ptr<c10d::TCPStore> table;
  // The same under a prefix.
  c10::intrusive_ptr<c10d::Store> store;
  double patience;
};

struct ct_group_s {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group;
  std::unique_ptr<ranks::Pulse> pulse;
  int rank, count;
  double patience;
  // Whether an operation has failed: the group is then of no more use, and cannot be taken apart without waiting.
  bool broken = false;
  // Sums of gradients that nobody has waited for yet: nothing else may be asked of the group before.
  std::vector<c10::intrusive_ptr<c10d::Work>> under_way;
};
