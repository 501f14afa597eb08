// Layer norm + GELU + pooling in one pass over the routing convolution's output, and its derivative in another.
//
// With v the C values of a pixel, m and s² their mean and variance, x̂ = (v - m)/s, u = x̂ w + b, the forward sums
// gelu(u) = u Φ(u) over pixels. Nothing but v is kept: the backward computes x̂ and u again, then with g = up · gelu'(u)
//   gelu'(u) = Φ(u) + u φ(u),   ∂w += g x̂,   ∂b += g,   ∂v = (g w - mean(g w) - x̂ mean(g w x̂)) / s.
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels.h"

namespace cagr {
namespace {

// e^x for x <= 0, to about one unit in the last place; branch-free, so that the loops below vectorise.
CT_INLINE float exponential(float x) {
  x = x < -87.0f ? -87.0f : x;
  const int k = static_cast<int>(x * 1.44269504f - 0.5f);
  const float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const int32_t bits = (k + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

// The normal distribution Φ(u) and its density φ(u).
struct Normal {
  float cumulative, density;
};
// Abramowitz and Stegun 7.1.26: erf to 1.5e-7, with the same exponential that the density needs.
CT_INLINE void normal(float u, float &cumulative, float &density) {
  const float z = std::fabs(u) * 0.70710678f;
  const float e = exponential(-z * z);
  const float t = 1.0f / (1.0f + 0.3275911f * z);
  const float tail =
    0.5f * e * t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  cumulative = u < 0 ? tail : 1.0f - tail;
  density = 0.39894228f * e;
}
CT_INLINE void normal(double u, double &cumulative, double &density) {
  cumulative = 0.5 * std::erfc(-u * 0.70710678118654752440);
  density = 0.39894228040143267794 * std::exp(-0.5 * u * u);
}

template <class T>
CT_INLINE void moments(const T *v, int64_t channels, T epsilon, T &mean, T &inverse) {
#pragma clang fp reassociate(on)
  T sum = 0;
  for (int64_t c = 0; c < channels; ++c) sum += v[c];
  mean = sum / channels;
  T squares = 0;
  for (int64_t c = 0; c < channels; ++c) squares += (v[c] - mean) * (v[c] - mean);
  inverse = 1 / std::sqrt(squares / channels + epsilon);
}

template <class T>
CT_INLINE void pool(const T *map, const T *weight, const T *bias, int64_t pixels, int64_t channels, T epsilon, T *__restrict sum) {
  for (int64_t p = 0; p < pixels; ++p, map += channels) {
    T mean, inverse;
    moments(map, channels, epsilon, mean, inverse);
    for (int64_t c = 0; c < channels; ++c) {
      const T u = (map[c] - mean) * inverse * weight[c] + bias[c];
      T cumulative, density;
      normal(u, cumulative, density);
      sum[c] += u * cumulative;
    }
  }
}

template <class T>
CT_INLINE void pool_backward(const T *map, const T *weight, const T *bias, const T *up, int64_t pixels, int64_t channels, T epsilon, T *__restrict down, T *__restrict weights, T *__restrict biases, T *__restrict scaled) {
#pragma clang fp reassociate(on)
  for (int64_t p = 0; p < pixels; ++p, map += channels, down += channels) {
    T mean, inverse;
    moments(map, channels, epsilon, mean, inverse);
    T total = 0, along = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const T x = (map[c] - mean) * inverse;
      const T u = x * weight[c] + bias[c];
      T cumulative, density;
      normal(u, cumulative, density);
      const T g = up[c] * (cumulative + u * density);
      weights[c] += g * x;
      biases[c] += g;
      const T s = g * weight[c];
      scaled[c] = s;
      total += s;
      along += s * x;
    }
    total /= channels;
    along /= channels;
    for (int64_t c = 0; c < channels; ++c) {
      down[c] = (scaled[c] - total - (map[c] - mean) * inverse * along) * inverse;
    }
  }
}

}  // namespace

CT_CLONES void pool_f32(const float *map, const float *weight, const float *bias, int64_t pixels, int64_t channels, float epsilon, float *sum) {
  pool(map, weight, bias, pixels, channels, epsilon, sum);
}
void pool_f64(const double *map, const double *weight, const double *bias, int64_t pixels, int64_t channels, double epsilon, double *sum) {
  pool(map, weight, bias, pixels, channels, epsilon, sum);
}
namespace {
CT_CLONES void backward_f32(const float *map, const float *weight, const float *bias, const float *up, int64_t pixels, int64_t channels, float epsilon, float *down, float *weights, float *biases, float *scaled) {
  pool_backward(map, weight, bias, up, pixels, channels, epsilon, down, weights, biases, scaled);
}
}  // namespace
void pool_backward_f32(const float *map, const float *weight, const float *bias, const float *up, int64_t pixels, int64_t channels, float epsilon, float *down, float *weights, float *biases) {
  std::vector<float> scaled(channels);
  backward_f32(map, weight, bias, up, pixels, channels, epsilon, down, weights, biases, scaled.data());
}
void pool_backward_f64(const double *map, const double *weight, const double *bias, const double *up, int64_t pixels, int64_t channels, double epsilon, double *down, double *weights, double *biases) {
  std::vector<double> scaled(channels);
  pool_backward(map, weight, bias, up, pixels, channels, epsilon, down, weights, biases, scaled.data());
}

}  // namespace cagr
