import Files
import Layers
import Torch

/// Stages of the U-shape in the order of the data: three down, the body, three up (`up1` is the deepest).
public enum Stage: String, Choice {
  case down1, down2, down3, body, up1, up2, up3
}

extension [Stage] {
  /// The five stages in which the paper replaces the first convolution of each block (§3.3).
  public static let agiNet: [Stage] = [.down1, .down2, .down3, .body, .up1]
}

/// The residual U-Net of DRUNet with two blocks a stage; AGI-Net, where convolutions of some stages are of another kind.
///
/// Three levels down and up, additive skips, no normalisation, no biases, linear output (paper §3.3; KAIR,
/// models/network_unet.py). `ResUnet(scope, sources: 2)` is the backbone;
/// `ResUnet(scope, sources: 2, replacing: .cagr(groups: 8), in: .agiNet)` is AGI-Net. A timed one serves diffusions: every
/// block adds, after its first convolution, one number a channel that it reads off an embedding of the time.
public struct ResUnet: Layer, TimedNetwork {
  private let head: Convolution, tail: Convolution
  private let down: [(blocks: [ResidualBlock], sample: Convolution)]
  private let body: [ResidualBlock]
  private let up: [(sample: TransposedConvolution, blocks: [ResidualBlock])]
  private let time: TimeEmbedding?
  /// Under which stages show what comes out of their blocks.
  private let shown: Scope

  /// - Parameters:
  ///   - sources: channels in, one a source modality (or neighbouring slice).
  ///   - targets: channels out.
  ///   - width: channels of the first level; the others have 2, 4 and 8 times as many. The paper's is 64.
  ///   - blocks: residual blocks a stage.
  ///   - dimensions: 2 for slices `[B, C, H, W]`, 3 for volumes `[B, C, D, H, W]`.
  ///   - kind: the kind of the first convolution of each block in `stages`.
  ///   - timed: whether it is told a time.
  public init(
    _ scope: Scope, sources: Int, targets: Int = 1, width: Int = 64, blocks: Int = 2, dimensions: Int = 2,
    replacing kind: ConvolutionKind = .standard, in stages: [Stage] = [], timed: Bool = false
  ) {
    let widths = [1, 2, 4, 8].map { $0 * width }
    func blocksOf(_ stage: Stage, _ channels: Int) -> [ResidualBlock] {
      let first = stages.contains(stage) ? kind : .standard
      return (1...blocks).map {
        ResidualBlock(
          scope / stage.rawValue / "block\($0)", channels, first: first, dimensions: dimensions, timed: timed)
      }
    }

    head = Convolution(scope / "head", .init(sources, width, dimensions: dimensions))
    down = [Stage.down1, .down2, .down3].enumerated().map { level, stage in
      (
        blocksOf(stage, widths[level]),
        Convolution(
          scope / stage.rawValue / "sample",
          .init(widths[level], widths[level + 1], kernel: 2, stride: 2, padding: 0, dimensions: dimensions))
      )
    }
    body = blocksOf(.body, widths[3])
    up = [Stage.up1, .up2, .up3].enumerated().map { step, stage in
      (
        TransposedConvolution(
          scope / stage.rawValue / "sample", widths[3 - step], widths[2 - step], dimensions: dimensions),
        blocksOf(stage, widths[2 - step])
      )
    }
    tail = Convolution(scope / "tail", .init(width, targets, dimensions: dimensions))
    time =
      timed ? TimeEmbedding(scope / "time", waves: ResUnet.timeWaves, output: ResUnet.timeChannels) : nil
    shown = scope / ResUnet.features
  }

  /// Sinusoids of the time, and the length of the vector that the blocks read.
  static let timeWaves = 64, timeChannels = 256

  /// The name under which an observer sees what comes out of each stage's blocks: `features.down1`.
  public static let features = "features"

  /// The factor by which the deepest level is smaller.
  public static let multiple = 8

  /// `[B, sources, spatial…]` to `[B, targets, spatial…]`, any size: what is not a multiple of 8 is padded by replication at the
  /// far ends and cropped back.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(time == nil, "a timed ResUnet needs a time")
    return fitted(x, nil)
  }

  /// The same of a timed network.
  public func callAsFunction(_ x: Tensor, at times: Tensor, latent: Tensor?) -> Tensor {
    guard let time else { preconditionFailure("this ResUnet was not built for a time") }
    return fitted(x, time(times))
  }

  private func fitted(_ x: Tensor, _ time: Tensor?) -> Tensor {
    let fitting = Fitting(of: x, multiple: ResUnet.multiple, border: .replicate)
    return fitting.cropped(whole(fitting.padded(x), time))
  }

  private func whole(_ x: Tensor, _ time: Tensor?) -> Tensor {
    var x = head(x.channelsLast())
    var skips: [Tensor] = []
    for (stage, (blocks, sample)) in zip([Stage.down1, .down2, .down3], down) {
      skips.append(x)
      for block in blocks { x = block(x, time) }
      shown.show(stage.rawValue, x)
      x = sample(x)
    }
    skips.append(x)
    for block in body { x = block(x, time) }
    shown.show(Stage.body.rawValue, x)
    for (stage, (sample, blocks)) in zip([Stage.up1, .up2, .up3], up) {
      x = sample(x + skips.removeLast())
      for block in blocks { x = block(x, time) }
      shown.show(stage.rawValue, x)
    }
    return tail(x + skips.removeLast())
  }
}

/// z + second(relu(first(z) + shift(time))), with as many channels out as in; the shift only where there is a time.
struct ResidualBlock {
  let first: any Layer, second: Convolution
  private let shift: Linear?

  init(_ scope: Scope, _ channels: Int, first kind: ConvolutionKind, dimensions: Int, timed: Bool) {
    let shape = ConvolutionShape(channels, channels, dimensions: dimensions)
    first = kind(scope / "first", shape)
    second = Convolution(scope / "second", shape)
    shift = timed ? Linear(scope / "time", ResUnet.timeChannels, channels) : nil
  }

  /// - Parameter time: its embedding `[B, 256]`.
  func callAsFunction(_ z: Tensor, _ time: Tensor?) -> Tensor {
    guard let shift, let time else { return second(first.rectified(z)).addingInPlace(z) }
    return second(first(z).addingInPlace(shift(time).aligned(with: z)).reluInPlace()).addingInPlace(z)
  }
}
