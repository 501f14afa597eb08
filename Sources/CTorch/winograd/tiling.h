// Where the tiles of a batch of maps lie.
#pragma once
#include <ATen/core/Tensor.h>

#include "tiles.h"

namespace winograd {

struct Tiling {
  bool is_volume;
  Depth deep;
  int64_t depth, height, width, layers, rows, columns, count;

  // x is [B, C, H, W] or [B, C, D, H, W].
  explicit Tiling(const at::Tensor &x)
      : is_volume(x.dim() == 5), deep(depth_of(is_volume)), depth(is_volume ? x.size(2) : 1), height(x.size(-2)),
        width(x.size(-1)), layers((depth + deep.outputs - 1) / deep.outputs),
        rows((height + tile_outputs - 1) / tile_outputs), columns((width + tile_outputs - 1) / tile_outputs),
        count(x.size(0) * layers * rows * columns) {}

  int64_t products() const { return tile_products * deep.inputs; }

  // The addresses of a tile's inputs or outputs, `outside` where there are none.
  template <class T>
  void inputs(int64_t tile, T *map, int64_t channels, T *outside, T **to) const {
    pixels(tile, map, channels, {deep.inputs, tile_inputs, tile_inputs, deep.taps / 2, 1}, outside, to);
  }
  template <class T>
  void outputs(int64_t tile, T *map, int64_t channels, T *outside, T **to) const {
    pixels(tile, map, channels, {deep.outputs, tile_outputs, tile_outputs, 0, 0}, outside, to);
  }
  static constexpr int most_inputs = 4 * tile_products, most_outputs = 2 * tile_outputs * tile_outputs;

 private:
  struct Box {
    int64_t planes, rows, columns, before, margin;
  };

  template <class T>
  void pixels(int64_t tile, T *map, int64_t channels, const Box &box, T *outside, T **to) const {
    const auto area = rows * columns, b = tile / (layers * area), front = tile / area % layers * deep.outputs - box.before,
               top = tile / columns % rows * tile_outputs - box.margin, left = tile % columns * tile_outputs - box.margin;
    for (auto z = front; z < front + box.planes; ++z) {
      for (auto y = top; y < top + box.rows; ++y) {
        const bool has_row = z >= 0 && z < depth && y >= 0 && y < height;
        for (auto x = left; x < left + box.columns; ++x) {
          *to++ = has_row && x >= 0 && x < width ? map + (((b * depth + z) * height + y) * width + x) * channels : outside;
        }
      }
    }
  }
};

// How far the products' matrices [tiles, channels] lie apart: by a line more than they take, or all would compete for few
// places in the cache.
inline int64_t step_of(int64_t tiles, int64_t channels) { return tiles * channels + lane_count; }

}  // namespace winograd
