import Layers
import Torch

/// The generator of denoising diffusion GANs and of SelfRDB: the U-Net NCSN++ (Song et al. 2021) whose norms obey a style
/// that is made from a random latent (Xiao et al. 2022).
///
/// Levels of blocks that know time and style, resampling through a low-pass filter, attention at chosen resolutions,
/// skips by concatenation from every block. The image itself, filtered and halved again and again, joins every level on
/// the way down. The output is a tanh.
///
/// Parameters: `time.*`, `style.*`, `head.*`, `down1.block1.*`, `down1.attention1.*`, `down1.sample.*`, `down1.image.*`, …,
/// `body.block1.*`, `body.attention.*`, `body.block2.*`, `up1.*` (the deepest), …, `tail.norm.*`, `tail.conv.*`.
public struct NCSNpp: TimedNetwork {
  /// What makes one network differ from another; the defaults are SelfRDB's for 256 x 256.
  public struct Architecture: Codable, Sendable, Equatable {
    /// Channels of the levels as multiples of the first; each level but the last halves the resolution.
    public var multipliers = [1, 1, 2, 2, 4, 4]
    /// Downsampling factors at which there is attention: 16 is 16 x 16 of 256 x 256. The deepest level's middle always
    /// attends.
    public var attention = [16]
    /// Length of the random latent, and of the style that is made from it.
    public var latent = 100, style = 256
    public init() {}

    /// The factor by which the deepest level is smaller.
    public var multiple: Int { 1 << (multipliers.count - 1) }

    public var refusal: String? {
      Levels.refusal(multipliers: multipliers, attention: attention)
        ?? outOfBounds([("latent", latent, 1...4096), ("style", style, 1...4096)])
    }
  }

  private let time: Embedding, style: StyleMapping, head: Convolution
  /// A block, and the attention that may follow it.
  private typealias Attended = (NCSNppBlock, NCSNppAttention?)
  private let down: [(blocks: [Attended], sample: (block: NCSNppBlock, image: FilteredConvolution)?)]
  private let body: (first: NCSNppBlock, attention: NCSNppAttention, second: NCSNppBlock)
  private let up: [(blocks: [NCSNppBlock], attention: NCSNppAttention?, sample: NCSNppBlock?)]
  private let tail: (norm: GroupNorm, convolution: Convolution)
  private let architecture: Architecture
  public var latent: Int? { architecture.latent }
  public var multiple: Int { architecture.multiple }

  /// - Parameters:
  ///   - inputs: channels in: the last guess, the state, and what it is conditioned on.
  ///   - outputs: channels out.
  ///   - width: channels of the first level; 64 as published.
  ///   - blocks: residual blocks a level on the way down; one more on the way up.
  public init(
    _ scope: Scope, inputs: Int, outputs: Int = 1, width: Int = 64, blocks: Int = 2,
    _ architecture: Architecture = Architecture()
  ) {
    func block(_ scope: Scope, _ input: Int, _ output: Int, _ resampling: Resampling = .none) -> NCSNppBlock {
      NCSNppBlock(scope, input, output, resampling, time: 4 * width, style: architecture.style)
    }
    time = Embedding(ofSteps: scope / "time", waves: width, output: 4 * width) { $0.silu() }
    style = StyleMapping(scope / "style", latent: architecture.latent, style: architecture.style)
    head = .fanAverage(scope / "head", .init(inputs, width, bias: true))
    // Channels of the features now, of the image beside them, and of every feature map that is handed across.
    var (channels, image) = (width, inputs)
    var skips = [width]
    let levels = architecture.multipliers.count
    down = architecture.multipliers.enumerated().map { level, multiplier in
      let scope = scope / "down\(level + 1)"
      let attends = architecture.attention.contains(1 << level)
      let blocks = (1...blocks).map { number in
        defer { channels = multiplier * width }
        skips.append(multiplier * width)
        return (
          block(scope / "block\(number)", channels, multiplier * width),
          attends ? NCSNppAttention(scope / "attention\(number)", multiplier * width) : nil
        )
      }
      guard level < levels - 1 else { return (blocks, nil) }
      defer { image = channels }
      skips.append(channels)
      return (
        blocks,
        (
          block(scope / "sample", channels, channels, .half),
          FilteredConvolution(scope / "image", image, channels)
        )
      )
    }
    body = (
      block(scope / "body" / "block1", channels, channels),
      NCSNppAttention(scope / "body" / "attention", channels),
      block(scope / "body" / "block2", channels, channels)
    )
    up = architecture.multipliers.enumerated().reversed().map { level, multiplier in
      let scope = scope / "up\(levels - level)"
      let blocks = (1...(blocks + 1)).map { number in
        defer { channels = multiplier * width }
        return block(scope / "block\(number)", channels + skips.removeLast(), multiplier * width)
      }
      let attends = architecture.attention.contains(1 << level)
      return (
        blocks, attends ? NCSNppAttention(scope / "attention", channels) : nil,
        level > 0 ? block(scope / "sample", channels, channels, .double) : nil
      )
    }
    tail = (
      GroupNorm(
        scope / "tail" / "norm", channels, groups: NCSNpp.groups(channels), epsilon: NCSNpp.epsilon),
      .fanAverage(scope / "tail" / "conv", .init(channels, outputs, bias: true), scale: NCSNpp.nearZero)
    )
    self.architecture = architecture
  }

  /// Four channels a group and at most 32 groups, as published; in thin networks the most that divide the channels.
  static func groups(_ channels: Int) -> Int {
    (1...max(1, min(channels / 4, 32))).last { channels % $0 == 0 } ?? 1
  }

  /// What the norms add to a variance.
  static let epsilon = 1e-6
  /// The variance scale of maps that begin by doing nothing; not zero, so that a gradient passes.
  static let nearZero = 1e-10

  /// `[B, inputs, H, W]` to `[B, outputs, H, W]` in (-1, 1); sides must be multiples of `multiple`.
  /// - Parameters:
  ///   - steps: `[B]`, in whole steps of the process.
  ///   - latent: standard normal, `[B, architecture.latent]`; it cannot be left out.
  public func callAsFunction(_ x: Tensor, at steps: Tensor, latent: Tensor?) -> Tensor {
    guard let latent else { preconditionFailure("NCSN++ needs a latent") }
    let embedded = time(steps).silu()
    let style = style(latent)
    var image = x.channelsLast()
    var x = head(image)
    var skips = [x]
    for (blocks, sample) in down {
      for (block, attention) in blocks {
        x = block(x, embedded, style)
        if let attention { x = attention(x) }
        skips.append(x)
      }
      if let sample {
        image = sample.image(image).addingInPlace(sample.block(x, embedded, style)) * 0.5.squareRoot()
        x = image
        skips.append(x)
      }
    }
    x = body.second(body.attention(body.first(x, embedded, style)), embedded, style)
    for (blocks, attention, sample) in up {
      for block in blocks { x = block(.concatenated([x, skips.removeLast()], axis: 1), embedded, style) }
      if let attention { x = attention(x) }
      if let sample { x = sample(x, embedded, style) }
    }
    return tail.convolution(tail.norm(x).silu()).tanh()
  }
}

/// A 3 x 3 convolution with stride 2 of the filtered image.
private struct FilteredConvolution {
  private let filter: FIRResampling, convolution: Convolution

  init(_ scope: Scope, _ input: Int, _ output: Int) {
    filter = FIRResampling(scope.store, channels: input)
    convolution = .fanAverage(scope, .init(input, output, stride: 2, padding: 0, bias: true))
  }

  func callAsFunction(_ x: Tensor) -> Tensor { convolution(filter.blurred(x)) }
}

extension GeneratorKind {
  public static func ncsnpp(_ architecture: NCSNpp.Architecture = NCSNpp.Architecture()) -> GeneratorKind {
    GeneratorKind(
      name: "ncsnpp", title: "NCSN++", demands: [.multiple(of: architecture.multiple)],
      needsLatent: true,
      timed: { scope, shape, settings in
        NCSNpp(
          scope, inputs: shape.inputs, outputs: shape.outputs, width: settings.width, blocks: settings.blocks,
          architecture)
      })
  }
}
