// The bands of rows in which the routing goes over a map, and the rows that a band's outputs see.
#pragma once
#include <ATen/core/Tensor.h>
#include <algorithm>
#include <array>

#include "../loops/kernels.h"

namespace cagr {

// A map of a batch cut into bands of rows, of a volume those of some planes, alike whatever the number of threads, so that
// sums do not depend on it.
struct Bands {
  bool is_volume;
  int64_t samples, depth, height, width, channels, fours, each, thickness, layers;

  explicit Bands(const at::Tensor &x)
      : is_volume(x.dim() == 5), samples(x.size(0)), depth(is_volume ? x.size(2) : 1), height(x.size(-2)), width(x.size(-1)),
        channels(x.size(1)), fours((height + grouped::rows_at_once - 1) / grouped::rows_at_once),
        each(std::clamp<int64_t>(fours / 4, 1, 16)), thickness(is_volume ? thickness_of(depth, width * channels) : 1),
        layers((depth + thickness - 1) / thickness) {}

  // Planes at a time: of what they see two are seen by the next ones too, and a window of them is to stay in the cache.
  static int64_t thickness_of(int64_t depth, int64_t row) {
    constexpr int64_t largest_window = 1 << 19;
    const auto fitting = largest_window / (grouped::rows_seen * row) - 2;
    return std::max<int64_t>(std::min<int64_t>({fitting / 2, depth / 4, 8}) * 2, 2);
  }

  int64_t of_sample() const { return layers * each; }
  int64_t count() const { return samples * of_sample(); }
  int64_t sample(int64_t band) const { return band / of_sample(); }
  int64_t first(int64_t band) const { return band % each * fours / each * grouped::rows_at_once; }
  int64_t end(int64_t band) const { return std::min((band % each + 1) * fours / each * grouped::rows_at_once, height); }
  int64_t front(int64_t band) const { return band / each % layers * thickness; }
  int64_t back(int64_t band) const { return std::min(front(band) + thickness, depth); }

  int64_t row(int64_t sample, int64_t z, int64_t y) const { return (((sample * depth + z) * height + y) * width) * channels; }
  int64_t row_length() const { return width * channels; }
  int64_t planes_seen() const { return is_volume ? thickness + 2 : 1; }
  int64_t pixels() const { return depth * height * width; }
  // Rows of outputs as they are computed, and one of inputs with its margins.
  int64_t made_length() const { return grouped::whole_width(is_volume, width) * channels; }
  int64_t made_rows() const { return grouped::planes_at_once(is_volume) * grouped::rows_at_once; }
  int64_t seen_length() const { return made_length() + 2 * channels; }
};

// The rows that four outputs of a band's planes see, with margins of zeros, each made once by `make(z, y, to)`.
class Window {
 public:
  static int64_t space(const Bands &bands) { return bands.planes_seen() * grouped::rows_seen * bands.seen_length(); }

  Window(const Bands &bands, int64_t band, float *space)
      : bands_(bands), front_(bands.front(band) - (bands.is_volume ? 1 : 0)), space_(space) {
    std::fill_n(space, Window::space(bands), 0.0f);
  }

  // Rows begin..<end; what lies outside the map is zero.
  template <class Make>
  void take(int64_t begin, int64_t end, const Make &make) {
    for (auto z = front_; z < front_ + bands_.planes_seen(); ++z) {
      for (auto y = begin; y < end; ++y) {
        float *to = row(z, y) + bands_.channels;
        if (z < 0 || z >= bands_.depth || y < 0 || y >= bands_.height) {
          std::fill_n(to, bands_.row_length(), 0.0f);
        } else {
          make(z, y, to);
        }
      }
    }
  }

  float *row(int64_t z, int64_t y) const {
    return space_ + ((z - front_) * grouped::rows_seen + (y + grouped::rows_seen) % grouped::rows_seen) * bands_.seen_length();
  }

  // What the outputs from row y on in the planes from z on see.
  std::array<const float *, 4 * grouped::rows_seen> around(int64_t z, int64_t y) const {
    std::array<const float *, 4 * grouped::rows_seen> rows{};
    const auto planes = grouped::planes_seen(bands_.is_volume);
    for (int64_t k = 0; k < planes; ++k) {
      for (int64_t i = 0; i < grouped::rows_seen; ++i) rows[k * grouped::rows_seen + i] = row(z - planes / 4 + k, y - 1 + i);
    }
    return rows;
  }

 private:
  const Bands &bands_;
  const int64_t front_;
  float *space_;
};

}  // namespace cagr
