// LibTorch's switches of mixed precision, as <ATen/autocast_mode.h> declares them: that header brings in every operator
// that there is, which takes longer to read than all of the file that asks for it.
#pragma once
#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>
#include <c10/macros/Export.h>

namespace at::autocast {

TORCH_API bool is_autocast_enabled(c10::DeviceType device);
TORCH_API void set_autocast_enabled(c10::DeviceType device, bool enabled);
TORCH_API void set_autocast_dtype(c10::DeviceType device, c10::ScalarType type);
TORCH_API void clear_cache();

}  // namespace at::autocast
