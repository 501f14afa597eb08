// The parts of a fused CAGR module as functions of tensors, in 2-D and 3-D. Feature maps [B, C, space...] and kernels
// [O, C, 3...] are channels-last; `taps` are a kernel's 9 or 27 entries and d is the number of dimensions.
#pragma once
#include <ATen/core/Tensor.h>
#include <tuple>
#include <vector>

#include "../loops/kernels.h"
#include "../wall/layout.h"

namespace cagr {

using at::Tensor;

// Of the layer norm.
constexpr double epsilon = 1e-5;

// One of a batch of maps, [1, C, space...].
inline Tensor sample(const Tensor &x, int64_t b) { return x.narrow(0, b, 1); }

// MARK: The gate (cagr_gate.cpp)

struct Gate {
  Tensor descriptors, gate;  // [B, n, 2C/n], [B, C]
};

// A = sigmoid(F [z ; shuffle z]) from the means over x.
Gate attend(const Tensor &x, const Tensor &weight, const Tensor &bias, int64_t groups);

// From ∂A to ∂z, ∂F and ∂bias.
std::tuple<Tensor, Tensor, Tensor> attend_backward(const Gate &kept, const Tensor &weight, const Tensor &up, int64_t groups);

// MARK: The routing (cagr_routing.cpp)

// Kernel [C, C/n, 3...], and weight and bias [C] of the layer norm.
struct Routing {
  Tensor kernel, weight, bias;
  int64_t groups;
};

// h [B, C] of x, its input gated by A [B, C] where that is defined; conv(x, V) goes to `map` where the
// backward will need it.
Tensor route(const Tensor &x, const Routing &routing, const Tensor &gate, Tensor *map);

struct RoutingDerivatives {
  Tensor kernel, gate, weight, bias;  // gate undefined without one
};

// From ∂h [B, C]. What x gets is added to `image`.
RoutingDerivatives route_backward(
  const Tensor &x, const Routing &routing, const Tensor &gate, const Tensor &map, const Tensor &up, const Tensor &image);

// MARK: Norm + GELU + pool of one sample's map, in either precision (cagr_loops.cpp)

// h, [C].
Tensor pooled(const Tensor &map, const Tensor &weight, const Tensor &bias);

// From ∂h [C] to the derivatives of the map, the weight and the bias.
std::tuple<Tensor, Tensor, Tensor> pooled_backward(const Tensor &map, const Tensor &weight, const Tensor &bias, const Tensor &up);

// MARK: Rolled kernels (cagr_loops.cpp)

// What rolls and scales each sample's kernel: shifts [B][n][d] and A·λ [B, C].
struct Roll {
  std::vector<Shift> shifts;
  Tensor scales;
};

Roll roll_by(const Tensor &offsets, const Tensor &scales, const Tensor &gate, int64_t channels);

// The kernel of one sample, [O, C, 3...].
Tensor rolled(const Tensor &weight, const Roll &roll, int64_t sample, int64_t groups);

// The derivatives of all samples' rolled kernels, gathered one sample after the other.
class RollDerivatives {
 public:
  Tensor weight;  // [O, C, 3...]

  RollDerivatives(const Tensor &weight, const Roll &roll, int64_t groups);

  // Takes ∂K of one sample, [O, C, 3...] in either layout.
  void add(const Tensor &derivatives, int64_t sample);

  // ∂A [B, C] (undefined without a gate), ∂λ [B, n] and ∂o [B, dn].
  std::tuple<Tensor, Tensor, Tensor> finish(const Tensor &scales, const Tensor &gate) const;

 private:
  const Tensor kernel_;
  const Roll &roll_;
  const int64_t groups_;
  Tensor sums_;  // [pieces, B, 1 + d, C]
};

// MARK: The same composed of LibTorch's operators (cagr_composed.cpp)

// y of the ten inputs of `ct_cagr`, undefined where a half is missing. Recorded where grad mode is on.
Tensor composed(const std::vector<Tensor> &inputs, int64_t groups, bool rectifies);

}  // namespace cagr
