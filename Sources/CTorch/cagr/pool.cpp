// Layer norm + GELU + pooling in one pass over the routing convolution's output, and its derivative in another.
//
// With v the C values of a pixel, m and s² their mean and variance, x̂ = (v - m)/s, u = x̂ w + b, the forward sums
// gelu(u) = u Φ(u) over pixels. Nothing but v is kept: the backward computes x̂ and u again, then with g = up · gelu'(u)
//   gelu'(u) = Φ(u) + u φ(u),   ∂w += g x̂,   ∂b += g,   ∂v = (g w - mean(g w) - x̂ mean(g w x̂)) / s.
#include <cmath>

#include "../loops/kernels.h"
#include "../loops/lanes.h"

namespace cagr {
namespace {

CT_INLINE float sum(const Lanes &x) {
  const auto a = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                 __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  const auto b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  return (b[0] + b[2]) + (b[1] + b[3]);
}

// erf(z)/z and exp(-z²) as polynomials in t = 2 z²/limit² - 1, lowest coefficient first (Support/golden/normal_fit.py):
// neither a division nor a table, and errors of the order of single precision's rounding. Beyond the limit erf is 1 and
// the density 0 to that precision.
constexpr float limit = 3.8f;
constexpr float erf_over_z[] = {
  0.372107595f, -0.185641378f, 0.137740985f, -0.111179672f, 0.0908062384f,
  -0.0725686103f, 0.0552330911f, -0.0387373157f, 0.0261380505f, -0.0187042393f,
  0.0108377058f, -0.00297570508f, 0.00166734448f, -0.00280368398f, 0.00123749021f};
constexpr float exp_of_square[] = {
  0.000731683802f, -0.00529177953f, 0.0190888736f, -0.0456037112f, 0.0825458989f,
  -0.122834235f, 0.146423325f, -0.133701578f, 0.12462914f, -0.142326891f,
  0.0969469249f, -0.00819686055f, 0.00915947743f, -0.0420440845f, 0.0204748195f};

CT_INLINE void polynomial(const float (&coefficients)[15], const Lanes &t, Lanes &value) {
  value = CT_ALL(coefficients[14]);
  for (int i = 13; i >= 0; --i) value = value * t + coefficients[i];
}

// The normal distribution Φ(u) and its density φ(u).
CT_INLINE void normal(const Lanes &u, Lanes &cumulative, Lanes &density) {
  const Lanes free = u * 0.70710678f;
  const Lanes above = free > limit ? CT_ALL(limit) : free;
  const Lanes z = above < -limit ? CT_ALL(-limit) : above;
  const Lanes t = z * z * (2 / (limit * limit)) - 1.0f;
  Lanes ratio, power;
  polynomial(erf_over_z, t, ratio);
  polynomial(exp_of_square, t, power);
  cumulative = z * ratio * 0.5f + 0.5f;
  density = free == z ? power * 0.39894228f : free * 0.0f;
}
CT_INLINE void normal(float u, float &cumulative, float &density) {
  cumulative = 0.5f * std::erfc(-u * 0.70710678f);
  density = 0.39894228f * std::exp(-0.5f * u * u);
}
CT_INLINE void normal(double u, double &cumulative, double &density) {
  cumulative = 0.5 * std::erfc(-u * 0.70710678118654752440);
  density = 0.39894228040143267794 * std::exp(-0.5 * u * u);
}

// MARK: Any number of channels, in either precision

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
CT_INLINE void pool_backward(const T *map, const T *weight, const T *bias, const T *up, int64_t pixels, int64_t channels, T epsilon, T *__restrict down, T *__restrict weights, T *__restrict biases) {
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
      down[c] = s;
      total += s;
      along += s * x;
    }
    total /= channels;
    along /= channels;
    for (int64_t c = 0; c < channels; ++c) {
      down[c] = (down[c] - total - (map[c] - mean) * inverse * along) * inverse;
    }
  }
}

// MARK: Channels in whole registers, in single precision

CT_INLINE void moments(const float *v, int64_t channels, float epsilon, float &mean, float &inverse) {
  Lanes total = {};
  for (int64_t c = 0; c < channels; c += lane_count) total += lanes(v + c);
  mean = sum(total) / channels;
  Lanes squares = {};
  for (int64_t c = 0; c < channels; c += lane_count) {
    const Lanes d = lanes(v + c) - mean;
    squares += d * d;
  }
  inverse = 1 / std::sqrt(sum(squares) / channels + epsilon);
}

CT_CLONES(pool_lanes, (const float *map, const float *weight, const float *bias, int64_t pixels, int64_t channels, float epsilon, float *sum), (map, weight, bias, pixels, channels, epsilon, sum)) {
  for (int64_t p = 0; p < pixels; ++p, map += channels) {
    float mean, inverse;
    moments(map, channels, epsilon, mean, inverse);
    for (int64_t c = 0; c < channels; c += lane_count) {
      const Lanes u = (lanes(map + c) - mean) * inverse * lanes(weight + c) + lanes(bias + c);
      Lanes cumulative, density;
      normal(u, cumulative, density);
      lanes(sum + c) += u * cumulative;
    }
  }
}

CT_CLONES(pool_backward_lanes, (const float *map, const float *weight, const float *bias, const float *up, int64_t pixels, int64_t channels, float epsilon, float *down, float *weights, float *biases), (map, weight, bias, up, pixels, channels, epsilon, down, weights, biases)) {
  for (int64_t p = 0; p < pixels; ++p, map += channels, down += channels) {
    float mean, inverse;
    moments(map, channels, epsilon, mean, inverse);
    Lanes totals = {}, alongs = {};
    for (int64_t c = 0; c < channels; c += lane_count) {
      const Lanes x = (lanes(map + c) - mean) * inverse, w = lanes(weight + c);
      const Lanes u = x * w + lanes(bias + c);
      Lanes cumulative, density;
      normal(u, cumulative, density);
      const Lanes g = lanes(up + c) * (cumulative + u * density);
      lanes(weights + c) += g * x;
      lanes(biases + c) += g;
      const Lanes scaled = g * w;
      lanes(down + c) = scaled;
      totals += scaled;
      alongs += scaled * x;
    }
    const float total = sum(totals) / channels, along = sum(alongs) / channels * inverse;
    for (int64_t c = 0; c < channels; c += lane_count) {
      lanes(down + c) = (lanes(down + c) - total - (lanes(map + c) - mean) * along) * inverse;
    }
  }
}

}  // namespace

void pool_f32(const float *map, const float *weight, const float *bias, int64_t pixels, int64_t channels, float epsilon, float *sum) {
  if (channels % lane_count == 0) {
    pool_lanes(map, weight, bias, pixels, channels, epsilon, sum);
  } else {
    pool(map, weight, bias, pixels, channels, epsilon, sum);
  }
}
void pool_f64(const double *map, const double *weight, const double *bias, int64_t pixels, int64_t channels, double epsilon, double *sum) {
  pool(map, weight, bias, pixels, channels, epsilon, sum);
}
void pool_backward_f32(const float *map, const float *weight, const float *bias, const float *up, int64_t pixels, int64_t channels, float epsilon, float *down, float *weights, float *biases) {
  if (channels % lane_count == 0) {
    pool_backward_lanes(map, weight, bias, up, pixels, channels, epsilon, down, weights, biases);
  } else {
    pool_backward(map, weight, bias, up, pixels, channels, epsilon, down, weights, biases);
  }
}
void pool_backward_f64(const double *map, const double *weight, const double *bias, const double *up, int64_t pixels, int64_t channels, double epsilon, double *down, double *weights, double *biases) {
  pool_backward(map, weight, bias, up, pixels, channels, epsilon, down, weights, biases);
}

}  // namespace cagr
