// Which vector instructions the plain loops use.
#include "CTorch.h"
#include "kernels.h"

namespace {

int widest() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return CT_V4;
  if (__builtin_cpu_supports("x86-64-v3")) return CT_V3;
#endif
  return CT_ANY;
}

}  // namespace

std::atomic<int> ct_instructions{widest()};

int ct_limit_instructions(int version) {
  const int best = widest(), wanted = version >= CT_V4 ? CT_V4 : version >= CT_V3 ? CT_V3 : CT_ANY;
  return ct_instructions = wanted < best ? wanted : best;
}
