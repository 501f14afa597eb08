import Layers
import Torch

/// MedSynth's generator (Nie et al. 2018): a residual U-Net over five levels that computes what is to be added to one of
/// its sources; `[B, sources, spatial…]` to `[B, 1, spatial…]`, linear, sides multiples of 16.
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
  ///   - dimensions: 2 for slices, 3 for volumes, whose kernels have one axis more.
  public init(
    _ scope: Scope, sources: Int, longSkip: Int = 0, width: Int = 64, dropout: Double = 0.2,
    dimensions: Int = 2
  ) {
    precondition((0..<sources).contains(longSkip), "source \(longSkip) of \(sources) cannot be skipped")
    let widths = (0..<5).map { width << $0 }
    func shape(_ input: Int, _ output: Int, kernel: Int = 3) -> ConvolutionShape {
      ConvolutionShape(input, output, kernel: kernel, bias: true, dimensions: dimensions)
    }
    input = [(1, sources), (2, width)].map {
      NormedConvolution(scope / "input" / "conv\($0)", shape($1, width))
    }
    down = (1...4).map { ResidualUnit(scope / "down\($0)", shape(widths[$0 - 1], widths[$0])) }
    up = (1...4).map { step in
      let (deep, shallow) = (widths[5 - step], widths[4 - step])
      return (
        NormedConvolution(doubling: scope / "up\(step)" / "sample", shape(deep, shallow, kernel: 2)),
        ResidualUnit(scope / "up\(step)", shape(2 * shallow, shallow))
      )
    }
    let last = shape(width, 1, kernel: 1)
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

  /// - Parameter shape: of the first convolution.
  init(_ scope: Scope, _ shape: ConvolutionShape) {
    var (inner, beside) = (shape, shape)
    inner.input = shape.output
    (beside.kernel, beside.padding) = (1, 0)
    first = NormedConvolution(scope / "first", shape)
    second = NormedConvolution(scope / "second", inner)
    shortcut = NormedConvolution(scope / "shortcut", beside)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { second(first(x)) + shortcut(x) }
}

/// Convolution, batch norm, ReLU.
private struct NormedConvolution: Layer {
  let convolution: any Layer, norm: BatchNorm

  init(_ scope: Scope, _ shape: ConvolutionShape) {
    convolution = Convolution(scope, shape, start: .xavier(shape), biasStart: .zeros)
    norm = BatchNorm(scope / "norm", shape.output)
  }

  /// With a transposed convolution that doubles the resolution.
  init(doubling scope: Scope, _ shape: ConvolutionShape) {
    convolution = TransposedConvolution(
      scope, shape.input, shape.output, bias: true, dimensions: shape.dimensions, start: .xavier(shape),
      biasStart: .zeros)
    norm = BatchNorm(scope / "norm", shape.output)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { norm(convolution(x)).relu() }
}

extension Start {
  /// Xavier-uniform with gain √2 (Glorot and Bengio 2010): within ± √(12 / (fan in + fan out)).
  static func xavier(_ shape: ConvolutionShape) -> Start {
    let taps = shape.weight().dropFirst(2).reduce(1, *)
    return .uniform((12 / Double((shape.input + shape.output) * taps)).squareRoot())
  }
}

extension GeneratorKind {
  /// - Parameter longSkip: the channel that is added to the output.
  public static func medSynthUnet(longSkip: Int = 0) -> GeneratorKind {
    GeneratorKind(
      name: "medsynth-unet", title: "U-Net (MedSynth)", demands: [.side(2 * MedSynthUnet.multiple)],
      dimensions: 2...3,
      // As in any U-Net with two convolutions a side, each with a norm.
      firstLevel: FirstLevel(halvings: 0, kept: 8),
      refusal: { shape, _ in shape.outputs == 1 ? nil : "medsynth-unet gives one channel" },
      plain: { scope, shape, settings in
        let network = MedSynthUnet(
          scope, sources: shape.inputs, longSkip: longSkip, width: settings.width,
          dimensions: shape.dimensions)
        return Fitted(network, multiple: MedSynthUnet.multiple)
      })
  }
}
