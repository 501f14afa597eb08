import Layers
import Torch

/// The discriminator of denoising diffusion GANs (Xiao et al. 2022): judges whether one state of a process is a likely
/// predecessor of another, at a given step.
///
/// Blocks that know the step and halve the resolution through a low-pass filter, the spread of features over the batch as
/// one channel more (Karras et al. 2018), a sum over space. Leaky ReLU 0.2, no norms. Parameters: `time.*`, `head.*`,
/// `block1.*`, …, `tail.conv.*`, `tail.score.*`.
public struct TimedDiscriminator {
  /// The defaults are SelfRDB's for 256 x 256.
  public struct Architecture: Codable, Sendable, Equatable {
    /// Channels of the first layer.
    public var width = 64
    /// Channels after every block as multiples of the width; each block halves the resolution.
    public var multipliers = [2, 4, 4, 4, 4, 4]
    /// Length of the step's embedding.
    public var time = 256
    public init() {}

    /// The factor by which the last map is smaller, and the fewest rows and columns that it can judge: one pixel of the
    /// last map, which no norm takes away.
    public var multiple: Int { 1 << multipliers.count }

    public var refusal: String? {
      Levels.refusal(multipliers: multipliers, of: "blocks")
        ?? outOfBounds([("width", width, 1...1024), ("time", time, 1...1024)])
    }
  }

  private let time: Embedding, head: Convolution, blocks: [Block]
  private let tail: (convolution: Convolution, score: Linear)

  public init(_ scope: Scope, _ architecture: Architecture = Architecture()) {
    let widths = ([1] + architecture.multipliers).map { $0 * architecture.width }
    let last = widths[widths.count - 1]
    time = Embedding(ofSteps: scope / "time", waves: architecture.time, output: architecture.time) {
      $0.leakyRelu(0.2)
    }
    head = .fanAverage(scope / "head", .init(2, architecture.width, kernel: 1, bias: true))
    blocks = zip(widths, widths.dropFirst()).enumerated().map { index, channels in
      Block(scope / "block\(index + 1)", channels.0, channels.1, time: architecture.time)
    }
    tail = (
      .fanAverage(scope / "tail" / "conv", .init(last + 1, last, bias: true)),
      .fanAverage(scope / "tail" / "score", last, 1)
    )
  }

  /// A score for every sample, `[B, 1]`: positive where the pair looks real.
  /// - Parameters:
  ///   - earlier: the states at step t - 1, `[B, 1, H, W]`; sides must be multiples of the architecture's.
  ///   - later: the states at step t.
  ///   - steps: t, `[B]`.
  public func callAsFunction(_ earlier: Tensor, _ later: Tensor, at steps: Tensor) -> Tensor {
    let embedded = time(steps).leakyRelu(0.2)
    var x = head(Tensor.concatenated([earlier, later], axis: 1).channelsLast())
    for block in blocks { x = block(x, embedded) }
    x = tail.convolution(.concatenated([x, TimedDiscriminator.spread(of: x)], axis: 1)).leakyRelu(0.2)
    return tail.score(x.sum(over: Array(2..<x.rank)))
  }

  /// How much the samples of a group of up to four differ, on average over channels and pixels: one number for all
  /// pixels of each of its samples, `[B, 1, spatial…]`. Sample i is grouped with those B / group places further on.
  static func spread(of x: Tensor) -> Tensor {
    let (batch, space) = (x.size(0), Array(x.shape.dropFirst(2)))
    let group = (1...4).last { batch % $0 == 0 } ?? 1
    let grouped = x.reshaped([group, batch / group, -1])
    let difference = grouped - grouped.mean(over: [0], keeping: true)
    let deviation = (difference.squared().mean(over: [0]) + 1e-8).sqrt()  // [B / group, C·H·W]
    return deviation.mean(over: [1]).reshaped([1, batch / group] + space.map { _ in 1 })
      .expanded([group, batch / group] + space).reshaped([batch, 1] + space)
  }
}

/// Leaky ReLU and convolution; the step; leaky ReLU, half the resolution and convolution; the sum with the halved input,
/// divided by √2. Parameters: `first.*`, `time.*`, `second.*`, `skip.*`.
private struct Block {
  private let first: Convolution, second: Convolution, skip: Convolution
  private let time: Linear
  private let inner: FIRResampling, outer: FIRResampling

  init(_ scope: Scope, _ input: Int, _ output: Int, time embedding: Int) {
    first = .fanAverage(scope / "first", .init(input, output, bias: true))
    time = .fanAverage(scope / "time", embedding, output)
    second = .fanAverage(scope / "second", .init(output, output, bias: true), scale: NCSNpp.nearZero)
    // Its bias would be the second convolution's once more.
    skip = .fanAverage(scope / "skip", .init(input, output, kernel: 1))
    inner = FIRResampling(scope.store, channels: output)
    outer = FIRResampling(scope.store, channels: input)
  }

  func callAsFunction(_ x: Tensor, _ embedded: Tensor) -> Tensor {
    let features = (first(x.leakyRelu(0.2)) + time(embedded).aligned(with: x)).leakyRelu(0.2)
    return (second(inner.halved(features)) + skip(outer.halved(x))) * 0.5.squareRoot()
  }
}
