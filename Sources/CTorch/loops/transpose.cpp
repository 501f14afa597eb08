// Kernels from channels-first to channels-last and back, one output channel after the other.
#include <algorithm>

#include "kernels.h"
#include "lanes.h"

namespace layout {

CT_CLONES(transpose, (const float *from, int64_t rows, int64_t columns, float *to), (from, rows, columns, to)) {
  if (rows < lane_count || columns < lane_count) {
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t r = 0; r < rows; ++r) to[c * rows + r] = from[r * columns + c];
    }
    return;
  }
  // Squares of sixteen; the last ones lie over those before them, where sixteen do not divide a side.
  for (int64_t r = 0; r < rows; r += lane_count) {
    const auto row = std::min(r, rows - lane_count);
    for (int64_t c = 0; c < columns; c += lane_count) {
      const auto column = std::min(c, columns - lane_count);
      Lanes square[lane_count];
      for (int64_t i = 0; i < lane_count; ++i) square[i] = lanes(from + (row + i) * columns + column);
      ::transpose(square);
      for (int64_t i = 0; i < lane_count; ++i) lanes(to + (column + i) * rows + row) = square[i];
    }
  }
}

}  // namespace layout
