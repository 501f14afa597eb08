import Layers
import Torch

/// MedSynth's generator (Nie et al. 2018): a residual U-Net over five levels that computes what is to be added to one of
/// its sources; `[B, sources, H, W]` to `[B, 1, H, W]`, linear, sides multiples of 16.
///
/// Every convolution is followed by batch norm and ReLU; channel dropout after every pooling. Weights start Xavier-uniform
/// with gain √2, biases at 0.
public struct MedSynthUnet: Layer {
  /// The factor by which the deepest level is smaller.
  public static let multiple = 16

  private let input: [NormedConvolution]
  private let down: [ResidualUnit]
  private let up: [(sample: NormedConvolution, unit: ResidualUnit)]
  private let tail: Convolution
  private let scope: Scope
  private let longSkip: Int, dropout: Double

  /// - Parameters:
  ///   - width: channels of the first level; the others have 2, 4, 8 and 16 times as many. 64 as published.
  ///   - longSkip: the source that is added to the output.
  ///   - dropout: probability that a channel is dropped after a pooling.
  public init(_ scope: Scope, sources: Int, longSkip: Int = 0, width: Int = 64, dropout: Double = 0.2) {
    precondition((0..<sources).contains(longSkip), "source \(longSkip) of \(sources) cannot be skipped")
    let widths = (0..<5).map { width << $0 }
    input = [(1, sources), (2, width)].map { NormedConvolution(scope / "input" / "conv\($0)", $1, width) }
    down = (1...4).map { ResidualUnit(scope / "down\($0)", widths[$0 - 1], widths[$0]) }
    up = (1...4).map { step in
      let (deep, shallow) = (widths[5 - step], widths[4 - step])
      return (
        NormedConvolution(doubling: scope / "up\(step)" / "sample", deep, shallow),
        ResidualUnit(scope / "up\(step)", 2 * shallow, shallow)
      )
    }
    let last = ConvolutionShape(width, 1, kernel: 1, bias: true)
    tail = Convolution(scope / "tail", last, start: .xavier(last), biasStart: .zeros)
    self.scope = scope
    (self.longSkip, self.dropout) = (longSkip, dropout)
  }

  public func callAsFunction(_ sources: Tensor) -> Tensor {
    var x = input[1](input[0](sources.channelsLast()))
    var skips: [Tensor] = []
    for unit in down {
      skips.append(x)
      x = x.maxPooled(2)
      x = unit(scope.store.isTraining ? x.channelDropout(dropout, from: scope.store.random) : x)
    }
    for (sample, unit) in up { x = unit(.concatenated([sample(x), skips.removeLast()], axis: 1)) }
    return tail(x) + sources.narrowed(1, from: longSkip, length: 1)
  }
}

/// Two convolutions beside a pointwise one, added after all activations.
private struct ResidualUnit: Layer {
  let first: NormedConvolution, second: NormedConvolution, shortcut: NormedConvolution

  init(_ scope: Scope, _ input: Int, _ output: Int) {
    first = NormedConvolution(scope / "first", input, output)
    second = NormedConvolution(scope / "second", output, output)
    shortcut = NormedConvolution(scope / "shortcut", input, output, kernel: 1)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { second(first(x)) + shortcut(x) }
}

/// Convolution, batch norm, ReLU.
private struct NormedConvolution: Layer {
  let convolution: any Layer, norm: BatchNorm

  init(_ scope: Scope, _ input: Int, _ output: Int, kernel: Int = 3) {
    let shape = ConvolutionShape(input, output, kernel: kernel, bias: true)
    convolution = Convolution(scope, shape, start: .xavier(shape), biasStart: .zeros)
    norm = BatchNorm(scope / "norm", output)
  }

  /// With a transposed convolution that doubles the resolution.
  init(doubling scope: Scope, _ input: Int, _ output: Int) {
    convolution = TransposedConvolution(
      scope, input, output, bias: true, start: .xavier(.init(input, output, kernel: 2)), biasStart: .zeros)
    norm = BatchNorm(scope / "norm", output)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { norm(convolution(x)).relu() }
}

extension Start {
  /// Xavier-uniform with gain √2 (Glorot and Bengio 2010): within ± √(12 / (fan in + fan out)).
  static func xavier(_ shape: ConvolutionShape) -> Start {
    let taps = shape.kernel * shape.kernel
    return .uniform((12 / Double((shape.input + shape.output) * taps)).squareRoot())
  }
}

extension GeneratorKind {
  /// - Parameter longSkip: the channel that is added to the output.
  public static func medSynthUnet(longSkip: Int = 0) -> GeneratorKind {
    GeneratorKind(
      name: "medsynth-unet", title: "U-Net (MedSynth)", demands: [.side(2 * MedSynthUnet.multiple)],
      refusal: { shape, _ in shape.outputs == 1 ? nil : "medsynth-unet gives one channel" },
      plain: { scope, shape, settings in
        let network = MedSynthUnet(
          scope, sources: shape.inputs, longSkip: longSkip, width: settings.width)
        return Fitted(network, multiple: MedSynthUnet.multiple)
      })
  }
}
