import Torch

/// Deformable convolution, version 3 (Wang et al. 2023, InternImage): the compared "deformable" convolution.
///
/// Every pixel and group of channels chooses where its nine taps look and how they count; the taps have no weights of
/// their own. Two linear maps of the channels stand before and after. Parameters: `input.*`, `guide.conv.*`,
/// `guide.norm.*`, `offset.*`, `mask.*`, `output.*`.
public struct DCNv3: Layer {
  private let input: Linear, output: Linear, offset: Linear, mask: Linear
  private let guide: (convolution: Tensor, bias: Tensor, normWeight: Tensor, normBias: Tensor)
  private let groups: Int

  /// Channels of a group in the published networks; narrower maps are one group.
  static let members = 16

  public init(_ scope: Scope, _ shape: ConvolutionShape) {
    let channels = shape.input
    groups = max(1, channels / DCNv3.members)
    input = .fanAverage(scope / "input", channels, channels)
    let conv = scope / "guide" / "conv"
    let norm = scope / "guide" / "norm"
    guide = (
      conv.parameter("weight", shape.weight(groups: channels), .kaiming),
      conv.parameter("bias", [channels], .uniform(1 / 3)),
      norm.parameter("weight", [channels], .ones), norm.parameter("bias", [channels], .zeros)
    )
    // Zeros: training starts from taps in their places that count alike, a 3 x 3 mean.
    offset = Linear(scope / "offset", channels, 18 * groups, start: .zeros, biasStart: .zeros)
    mask = Linear(scope / "mask", channels, 9 * groups, start: .zeros, biasStart: .zeros)
    output = .fanAverage(scope / "output", channels, channels)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.runsFused
      ? aggregated(x) { $0.deformablySummed(offsets: $1, weights: $2, groups: groups) } : reference(x)
  }

  /// The module composed of plain operators: for other devices, and what the operator is tested against.
  package func reference(_ x: Tensor) -> Tensor {
    aggregated(x) { map, offsets, weights in
      let taps = DisplacedTaps(of: map, offsets: offsets, weights: weights, groups: groups, order: .columns)
      return (1..<9).reduce(taps[0]) { $0 + taps[$1] }.permuted([0, 2, 3, 1])
    }
  }

  /// - Parameter aggregate: the sum of displaced samples of a map `[B, H, W, C]`, given offsets and weights.
  private func aggregated(_ x: Tensor, by aggregate: (Tensor, Tensor, Tensor) -> Tensor) -> Tensor {
    let (batch, height, width) = (x.size(0), x.size(2), x.size(3))
    let guided = x.convolved(
      with: guide.convolution, bias: guide.bias, padding: 1, groups: x.size(1)
    ).permuted([0, 2, 3, 1])
      .layerNormalized(weight: guide.normWeight, bias: guide.normBias, epsilon: 1e-6).gelu()
    // Every group's taps share one unit of weight.
    let weights = mask(guided).reshaped([batch, height, width, groups, 9]).softmax(over: 4)
      .reshaped([batch, height, width, 9 * groups])
    return output(aggregate(input(x.permuted([0, 2, 3, 1])), offset(guided), weights)).permuted([0, 3, 1, 2])
  }
}

extension ConvolutionKind {
  /// DCNv3 with groups of 16 channels.
  public static let dcnv3 = ConvolutionKind(name: "dcnv3") { shape in
    if let reason = shape.refusalUnlessPlain(for: "dcnv3") { return reason }
    if shape.input != shape.output {
      return "dcnv3 keeps the number of channels; \(shape.input) in and \(shape.output) out"
    }
    let groups = max(1, shape.input / DCNv3.members)
    return shape.input % groups == 0
      ? nil : "dcnv3 makes \(groups) groups of \(shape.input) channels, which they do not divide"
  } build: {
    DCNv3($0, $1)
  }
}
