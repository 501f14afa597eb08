import Layers
import Torch

/// The U-Net of denoising diffusion models (Ho et al. 2020), in the form of improved DDPM (Nichol and Dhariwal 2021).
///
/// Levels of residual blocks that know the time, attention at chosen resolutions, strided convolutions down, doubled
/// pixels and a convolution up, skips by concatenation from every block. The last convolutions of blocks and network
/// start at zero, so that an untrained network gives zero.
///
/// Parameters: `time.*`, `head.*`, `down1.block1.*`, `down1.attention1.*`, `down1.sample.*`, …, `body.block1.*`,
/// `body.attention.*`, `body.block2.*`, `up1.*` (the deepest), …, `tail.norm.*`, `tail.conv.*`.
public struct DiffusionUnet: TimedNetwork {
  /// What makes one U-Net differ from another; the defaults are DDPM's for 256 x 256.
  public struct Architecture: Codable, Sendable, Equatable {
    /// Channels of the levels as multiples of the first; each level but the last halves the resolution.
    public var multipliers = [1, 1, 2, 2, 4, 4]
    /// Downsampling factors at which attention follows every block: 16 is 16 x 16 of 256 x 256. The deepest level's middle
    /// always attends.
    public var attention = [16]
    /// Heads of an attention; fewer where so many do not divide the channels.
    public var heads = 1
    public var injection = TimeInjection.add
    /// Probability that dropout drops, in the middle of every block.
    public var dropout = 0.0
    public init() {}

    /// The factor by which the deepest level is smaller.
    public var multiple: Int { 1 << (multipliers.count - 1) }

    public var refusal: String? {
      Levels.refusal(multipliers: multipliers, attention: attention) ?? outOfBounds([("heads", heads, 1...64)]
      )
        ?? ((0..<1).contains(dropout) ? nil : "dropout is \(dropout); it must be at least 0 and below 1")
    }
  }

  private let time: Embedding, head: Convolution
  /// A block, and the attention that may follow it.
  private typealias Attended = (TimedBlock, SelfAttention?)
  private let down: [(blocks: [Attended], sample: Convolution?)]
  private let body: (first: TimedBlock, attention: SelfAttention, second: TimedBlock)
  private let up: [(blocks: [Attended], sample: Convolution?)]
  private let tail: (norm: GroupNorm, convolution: Convolution)
  private let divisor: Int

  /// - Parameters:
  ///   - inputs: channels in: the noised image and what it is conditioned on.
  ///   - outputs: channels out: the noise, and the variance where that is learned.
  ///   - width: channels of the first level; 128 as published.
  ///   - blocks: residual blocks a level on the way down; one more on the way up.
  public init(
    _ scope: Scope, inputs: Int, outputs: Int, width: Int, blocks: Int = 2, _ architecture: Architecture
  ) {
    let embedding = 4 * width
    func block(_ scope: Scope, _ input: Int, _ output: Int) -> TimedBlock {
      TimedBlock(scope, input, output, embedding: embedding, architecture)
    }
    func attended(_ scope: Scope, _ number: Int, _ input: Int, _ output: Int, _ factor: Int) -> Attended {
      let attention =
        architecture.attention.contains(factor)
        ? SelfAttention(scope / "attention\(number)", output, heads: architecture.heads) : nil
      return (block(scope / "block\(number)", input, output), attention)
    }

    time = Embedding(scope / "time", waves: width, output: embedding)
    head = Convolution(scope / "head", .init(inputs, width, bias: true))
    // Channels now, and those of every feature map that is handed across.
    var channels = width
    var skips = [width]
    let levels = architecture.multipliers.count
    down = architecture.multipliers.enumerated().map { level, multiplier in
      let scope = scope / "down\(level + 1)"
      let made = (1...blocks).map { number in
        defer { channels = multiplier * width }
        skips.append(multiplier * width)
        return attended(scope, number, channels, multiplier * width, 1 << level)
      }
      guard level < levels - 1 else { return (made, nil) }
      skips.append(channels)
      return (made, Convolution(scope / "sample", .init(channels, channels, stride: 2, bias: true)))
    }
    body = (
      block(scope / "body" / "block1", channels, channels),
      SelfAttention(scope / "body" / "attention", channels, heads: architecture.heads),
      block(scope / "body" / "block2", channels, channels)
    )
    up = architecture.multipliers.enumerated().reversed().map { level, multiplier in
      let scope = scope / "up\(levels - level)"
      let made = (1...(blocks + 1)).map { number in
        defer { channels = multiplier * width }
        return attended(scope, number, channels + skips.removeLast(), multiplier * width, 1 << level)
      }
      return (made, level > 0 ? Convolution(scope / "sample", .init(channels, channels, bias: true)) : nil)
    }
    tail = (
      GroupNorm(scope / "tail" / "norm", channels, groups: DiffusionUnet.groups(channels)),
      Convolution(
        scope / "tail" / "conv", .init(channels, outputs, bias: true), start: .zeros, biasStart: .zeros)
    )
    divisor = architecture.multiple
  }

  /// 32 groups as published; in thin networks the most that divide the channels and leave four a group.
  static func groups(_ channels: Int) -> Int {
    channels % 32 == 0 ? 32 : (1...max(1, channels / 4)).last { channels % $0 == 0 } ?? 1
  }

  /// Any size: what the levels do not divide is padded by replication at the far ends and cropped back.
  public func callAsFunction(_ x: Tensor, at times: Tensor, latent: Tensor?) -> Tensor {
    let embedding = time(times).silu()
    let fitting = Fitting(of: x, multiple: divisor, border: .replicate)
    return fitting.cropped(whole(fitting.padded(x), embedding))
  }

  private func whole(_ x: Tensor, _ time: Tensor) -> Tensor {
    var x = head(x.channelsLast())
    var skips = [x]
    for (blocks, sample) in down {
      for (block, attention) in blocks {
        x = block(x, time)
        if let attention { x = attention(x) }
        skips.append(x)
      }
      if let sample {
        x = sample(x)
        skips.append(x)
      }
    }
    x = body.second(body.attention(body.first(x, time)), time)
    for (blocks, sample) in up {
      for (block, attention) in blocks {
        x = block(.concatenated([x, skips.removeLast()], axis: 1), time)
        if let attention { x = attention(x) }
      }
      if let sample { x = sample(x.upsampledNearest(2)) }
    }
    return tail.convolution(tail.norm(x).silu())
  }
}

extension GeneratorKind {
  /// - Parameter option: the framework's that tells the levels.
  public static func diffusionUnet(
    _ architecture: DiffusionUnet.Architecture = DiffusionUnet.Architecture(), option: String? = nil
  ) -> GeneratorKind {
    GeneratorKind(
      name: "diffusion-unet", title: "U-Net (diffusion)",
      demands: [.side(architecture.multiple, levels: option)],
      timed: { scope, shape, settings in
        DiffusionUnet(
          scope, inputs: shape.inputs, outputs: shape.outputs, width: settings.width, blocks: settings.blocks,
          architecture)
      })
  }
}
