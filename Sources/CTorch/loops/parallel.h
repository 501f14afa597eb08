// Loops over LibTorch's threads.
#pragma once
#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>
#include <ATen/ops/empty.h>

// body(begin, end) for ranges that make up 0..<count, of at least `grain` unless there is less.
//
// at::parallel_for is a template, parallel only in files compiled with the OpenMP that LibTorch was built with, which
// Swift's compiler does not bring: elsewhere it is silently serial. An iterator's loop is compiled in LibTorch, so one over
// a byte for every item does the same with the very threads that LibTorch's own operators use.
template <class Body>
void parallel_for(int64_t count, int64_t grain, const Body &body) {
  if (count <= 0) return;
  auto items = at::empty({count}, at::kByte);
  const char *first = static_cast<const char *>(items.const_data_ptr());
  auto iterator = at::TensorIteratorConfig().check_all_same_dtype(false).resize_outputs(false).add_output(items).build();
  iterator.for_each(
    [&](char **data, const int64_t *, int64_t size) {
      const int64_t begin = data[0] - first;
      body(begin, begin + size);
    },
    grain);
}
