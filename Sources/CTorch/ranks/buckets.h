// Stretches of memory in which tensors travel together.
#pragma once
#include "ranks.h"

namespace ranks {

// Until the work is done, or a process that it needs is gone.
void wait(ct_group group, const c10::intrusive_ptr<c10d::Work> &work);

// One stretch, which has a place for each of its tensors.
struct Bucket {
  std::vector<at::Tensor> tensors;
  at::Tensor flat;

  void allocate();
  // Calls `body` with every tensor and its place, which are in the same layout.
  template <class Body>
  void each(Body body) const {
    int64_t start = 0;
    for (const auto &tensor : tensors) {
      body(tensor, view(tensor, start));
      start += tensor.numel();
    }
  }

 private:
  at::Tensor view(const at::Tensor &tensor, int64_t start) const;
};

// The tensors in their order, but for those without elements, in buckets of one type and some size.
std::vector<Bucket> buckets(const std::vector<at::Tensor> &tensors, int64_t bytes);

}  // namespace ranks
