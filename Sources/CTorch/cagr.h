// The parts of a fused CAGR module as functions of tensors. Feature maps and kernels are channels-last; x is one
// sample's map [1, C, H, W] where a function says so.
#pragma once
#include <ATen/ATen.h>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels.h"

namespace cagr {

using at::Tensor;

inline Tensor channels_last(const Tensor &x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

// MARK: The gate (cagr_gate.cpp)

struct Gate {
  Tensor descriptors, gate;  // [B, n, 2C/n], [B, C]
};

// A = sigmoid(F [z ; shuffle z]) from the means over x [B, C, H, W].
Gate attend(const Tensor &x, const Tensor &weight, const Tensor &bias, int64_t groups);

// From ∂A to ∂z, ∂F and ∂bias.
std::tuple<Tensor, Tensor, Tensor> attend_backward(const Gate &kept, const Tensor &weight, const Tensor &up, int64_t groups);

// MARK: The routing kernels (cagr_gate.cpp)

// How many groups of the routing convolution are computed as one. Convolutions with few channels a group waste most of a
// vector register: where there are fewer than `fewest`, groups are joined up to 16 channels, with zeros between them, which
// is the same result from more but faster arithmetic. Measured at 8 channels: forward a quarter slower, backward twice as fast.
int64_t packing(int64_t members, int64_t groups, int64_t fewest);
constexpr int64_t fewest_forward = 8, fewest_backward = 16;

// A · kernel for every sample, packed: [B·C, factor·C/n, 3, 3], or [C, …] for all samples where there is no gate.
Tensor routing_kernels(const Tensor &kernel, const Tensor &gate, int64_t groups, int64_t factor);

// From the derivatives of `routing_kernels` to ∂kernel and ∂A.
std::pair<Tensor, Tensor> routing_kernels_backward(const Tensor &up, const Tensor &kernel, const Tensor &gate, int64_t groups, int64_t factor);

// MARK: Norm + GELU + pool of one sample's map (cagr_loops.cpp)

// h, [C].
Tensor pooled(const Tensor &map, const Tensor &weight, const Tensor &bias);

// From ∂h [C] to the derivatives of the map, the weight and the bias.
std::tuple<Tensor, Tensor, Tensor> pooled_backward(const Tensor &map, const Tensor &weight, const Tensor &bias, const Tensor &up);

// MARK: Rolled kernels (cagr_loops.cpp)

// What rolls and scales each sample's kernel: shifts [B][n][2] and A·λ [B, C].
struct Roll {
  std::vector<Shift> shifts;
  Tensor scales;
};

Roll roll_by(const Tensor &offsets, const Tensor &scales, const Tensor &gate, int64_t channels);

// The kernel of one sample, [O, C, 3, 3].
Tensor rolled(const Tensor &weight, const Roll &roll, int64_t sample, int64_t groups);

// The derivatives of all samples' rolled kernels, gathered one sample after the other.
class RollDerivatives {
 public:
  Tensor weight;  // [O, C, 3, 3]

  RollDerivatives(const Tensor &weight, const Roll &roll, int64_t groups);

  // Takes ∂K of one sample, [O, C, 3, 3] in either layout.
  void add(const Tensor &derivatives, int64_t sample);

  // ∂A [B, C] (undefined without a gate), ∂λ [B, n] and ∂o [B, 2n].
  std::tuple<Tensor, Tensor, Tensor> finish(const Tensor &scales, const Tensor &gate) const;

 private:
  const Tensor kernel_;
  const Roll &roll_;
  const int64_t groups_;
  Tensor sums_;  // [pieces, B, 3, C]
};

}  // namespace cagr
