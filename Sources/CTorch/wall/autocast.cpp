// Mixed precision. A file of its own, as this header of LibTorch's brings in every operator that there is.
#include <ATen/autocast_mode.h>

#include "wall.h"

bool ct_set_autocast(int number, bool on) {
  return wall::guard([&] {
    const auto type = wall::device(number).type();
    const bool before = at::autocast::is_autocast_enabled(type);
    at::autocast::set_autocast_dtype(type, at::kBFloat16);
    at::autocast::set_autocast_enabled(type, on);
    // Parameters that were converted are kept until here, where they may change.
    if (!on) at::autocast::clear_cache();
    return before;
  }, false);
}
bool ct_autocasts(int number) {
  return wall::guard([&] { return at::autocast::is_autocast_enabled(wall::device(number).type()); }, false);
}
