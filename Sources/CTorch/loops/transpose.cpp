// Kernels from channels-first to channels-last and back, one output channel after the other.
#include "kernels.h"

namespace layout {

CT_CLONES(transpose, (const float *from, int64_t rows, int64_t columns, float *to), (from, rows, columns, to)) {
  constexpr int64_t strip = 16;
  for (int64_t first = 0; first < rows; first += strip) {
    const auto count = rows - first < strip ? rows - first : strip;
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t r = 0; r < count; ++r) to[c * rows + first + r] = from[(first + r) * columns + c];
    }
  }
}

}  // namespace layout
