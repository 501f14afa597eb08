import Torch

/// Cross-group Attention and Group-wise Rolling: a drop-in for any convolution with stride 1 (paper §3).
///
/// Feature channels form n groups. Attention gates every channel by what all groups saw; a routing function reads from
/// the gated map, for every sample, how far each group's block of the kernel is rolled and how strongly it counts; the
/// rolled kernel is then convolved with the gated map. Modalities that are misaligned by fractions of a voxel can so
/// be matched group by group. Parameters: `weight`, `attention.*`, `routing.*`.
public struct CAGR: Layer {
  let scope: Scope
  let weight: Tensor
  let attention: CrossGroupAttention?, routing: Routing?
  let shape: ConvolutionShape, groups: Int

  /// - Parameters:
  ///   - groups: n; divides the input channels. 8 is the paper's best.
  ///   - attends: whether the gates are there (the CA half of the ablation).
  ///   - rolls: whether the kernels roll (the GR half).
  ///   - startsEven: whether the kernel starts larger by what gates (about 1/2) and scales (0.731) take from it at first, so
  ///     that the module starts as strong as a plain convolution. The paper's start, without, slows short trainings.
  public init(
    _ scope: Scope, _ shape: ConvolutionShape, groups: Int = 8, attends: Bool = true, rolls: Bool = true,
    startsEven: Bool = false
  ) {
    precondition(shape.input % groups == 0, "\(groups) groups do not divide \(shape.input) channels")
    precondition(
      shape.stride == 1 && !shape.bias, "CAGR stands in for convolutions with stride 1 and no bias")
    self.scope = scope
    let taken = (attends ? 0.5 : 1) * (rolls ? Routing.firstScale : 1)
    weight = scope.parameter("weight", shape.weight(), startsEven ? .kaiming(times: 1 / taken) : .kaiming)
    attention =
      attends
      ? CrossGroupAttention(
        scope / "attention", channels: shape.input, groups: groups, dimensions: shape.dimensions) : nil
    routing = rolls ? Routing(scope / "routing", shape, groups: groups) : nil
    self.shape = shape
    self.groups = groups
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { canFuse(x) ? fused(x) : reference(x) }

  public func rectified(_ x: Tensor) -> Tensor {
    canFuse(x) ? fused(x, rectifies: true) : reference(x).reluInPlace()
  }

  /// Whether the one-operator form serves: kernels of 3 in 2-D and 3-D on the CPU, in float32 or float64.
  private func canFuse(_ x: Tensor) -> Bool {
    (2...3).contains(shape.dimensions) && shape.kernel == 3 && shape.padding == 1
      && (attention != nil || routing != nil) && x.runsFused
  }

  /// The module as one operator (CTorch, cagr.cpp).
  package func fused(_ x: Tensor, rectifies: Bool = false) -> Tensor {
    let result = x.cagr(
      weight: weight, attention: attention.map { ($0.weight, $0.bias) },
      routing: routing.map {
        ($0.convolution, $0.normWeight, $0.normBias, $0.offset, $0.scale, $0.scaleBias)
      },
      groups: groups, rectifies: rectifies)
    if attention != nil { scope.show("gate", result.gates) }
    if routing != nil {
      scope.show("offset", result.offsets.reshaped([x.size(0), groups, shape.dimensions]))
      scope.show("scale", result.scales)
    }
    return result.output
  }

  /// The module as the paper writes it, step by step: what every faster form is tested against.
  package func reference(_ x: Tensor) -> Tensor {
    let (batch, channels) = (x.size(0), x.size(1))
    var gated = x
    if let gate = attention?(x) {
      scope.show("gate", gate)
      let factors = gate.reshaped([batch, channels] + Array(repeating: 1, count: shape.dimensions))
      // A map of bfloat16 stays one.
      gated = x * factors.to(x.type)
    }
    guard let (offsets, scales) = routing?(gated) else {
      return gated.convolved(with: weight, padding: shape.padding)
    }
    scope.show("offset", offsets)
    scope.show("scale", scales)
    return gated.convolved(withOwn: rolledKernels(offsets, scales), padding: shape.padding)
  }

  /// `[B, O, C, k…]`: every group's block of the kernel rolled by its offsets `[B, n, d]`, times its scale `[B, n]`.
  func rolledKernels(_ offsets: Tensor, _ scales: Tensor) -> Tensor {
    let batch = offsets.size(0)
    let members = shape.input / groups
    let taps = weight.count / (shape.input * shape.output)
    // As the arithmetic of Eq. 4 counts: an entry is mixed from 4 neighbours, in 3-D from 8, and scaled.
    LibTorch.addMultiplyAdds(batch * weight.count * ((1 << shape.dimensions) + 1))
    // [B, n, k^d, k^d]
    let mixing = LibTorch.inFullPrecision(on: offsets.device) {
      FloatRoll.mixing(offsets, size: shape.kernel) * scales.reshaped([batch, groups, 1, 1])
    }
    let blocks = weight.reshaped([shape.output, groups, members, taps])
    return Tensor.einsum("bnij,oncj->bonci", mixing, blocks)
      .reshaped([batch, shape.output, shape.input] + Array(repeating: shape.kernel, count: shape.dimensions))
  }
}

extension ConvolutionKind {
  /// CAGR with `groups` groups, or one of its halves.
  public static func cagr(
    groups: Int = 8, attends: Bool = true, rolls: Bool = true, startsEven: Bool = false
  ) -> ConvolutionKind {
    let name = attends && rolls ? "cagr" : rolls ? "rolling" : "attention"
    return ConvolutionKind(name: name) { shape in
      if groups < 1 || shape.input % groups != 0 {
        return "\(groups) groups do not divide \(shape.input) channels"
      }
      return shape.stride == 1 && !shape.bias
        ? nil : "\(name) stands in for convolutions with stride 1 and no bias"
    } build: {
      CAGR($0, $1, groups: groups, attends: attends, rolls: rolls, startsEven: startsEven)
    }
  }
}
