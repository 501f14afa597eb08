import Layers
import Torch

/// Stages of the U-shape in the order of the data: three down, the body, three up (`up1` is the deepest).
public enum Stage: String, CaseIterable, Codable, Sendable {
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
/// `ResUnet(scope, sources: 2, replacing: .cagr(groups: 8), in: .agiNet)` is AGI-Net.
public struct ResUnet: Layer {
  private let head: Convolution, tail: Convolution
  private let down: [(blocks: [ResidualBlock], sample: Convolution)]
  private let body: [ResidualBlock]
  private let up: [(sample: TransposedConvolution, blocks: [ResidualBlock])]
  private let dimensions: Int
  /// Under which stages show what comes out of their blocks.
  private let shown: Scope

  /// - Parameters:
  ///   - sources: channels in, one a source modality (or neighbouring slice).
  ///   - targets: channels out.
  ///   - width: channels of the first level; the others have 2, 4 and 8 times as many. The paper's is 64.
  ///   - blocks: residual blocks a stage.
  ///   - dimensions: 2 for slices `[B, C, H, W]`, 3 for volumes `[B, C, D, H, W]`.
  ///   - kind: the kind of the first convolution of each block in `stages`.
  public init(
    _ scope: Scope, sources: Int, targets: Int = 1, width: Int = 64, blocks: Int = 2, dimensions: Int = 2,
    replacing kind: ConvolutionKind = .standard, in stages: [Stage] = []
  ) {
    let widths = [1, 2, 4, 8].map { $0 * width }
    func blocksOf(_ stage: Stage, _ channels: Int) -> [ResidualBlock] {
      let first = stages.contains(stage) ? kind : .standard
      return (1...blocks).map {
        ResidualBlock(scope / stage.rawValue / "block\($0)", channels, first: first, dimensions: dimensions)
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
    self.dimensions = dimensions
    shown = scope / ResUnet.features
  }

  /// The name under which an observer sees what comes out of each stage's blocks: `features.down1`.
  public static let features = "features"

  /// The factor by which the deepest level is smaller.
  public static let multiple = 8

  /// `[B, sources, spatial…]` to `[B, targets, spatial…]`, any size: what is not a multiple of 8 is padded by replication at the
  /// far ends and cropped back.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let space = Array(x.shape.dropFirst(2))
    let missing = space.map { (ResUnet.multiple - $0 % ResUnet.multiple) % ResUnet.multiple }
    guard missing.contains(where: { $0 > 0 }) else { return whole(x) }
    var y = whole(x.padded(missing.reversed().flatMap { [0, $0] }, .replicate))
    for (axis, size) in space.enumerated() { y = y.narrowed(axis + 2, from: 0, length: size) }
    return y
  }

  private func whole(_ x: Tensor) -> Tensor {
    var x = head(x.channelsLast())
    var skips: [Tensor] = []
    for (stage, (blocks, sample)) in zip([Stage.down1, .down2, .down3], down) {
      skips.append(x)
      for block in blocks { x = block(x) }
      shown.show(stage.rawValue, x)
      x = sample(x)
    }
    skips.append(x)
    for block in body { x = block(x) }
    shown.show(Stage.body.rawValue, x)
    for (stage, (sample, blocks)) in zip([Stage.up1, .up2, .up3], up) {
      x = sample(x + skips.removeLast())
      for block in blocks { x = block(x) }
      shown.show(stage.rawValue, x)
    }
    return tail(x + skips.removeLast())
  }
}

/// z + second(relu(first(z))), with as many channels out as in.
struct ResidualBlock: Layer {
  let first: any Layer, second: Convolution

  init(_ scope: Scope, _ channels: Int, first kind: ConvolutionKind, dimensions: Int) {
    let shape = ConvolutionShape(channels, channels, dimensions: dimensions)
    first = kind(scope / "first", shape)
    second = Convolution(scope / "second", shape)
  }

  func callAsFunction(_ z: Tensor) -> Tensor { second(first.rectified(z)).addingInPlace(z) }
}
