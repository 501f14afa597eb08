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
/// `ResUnet(scope, sources: 2, replacing: .cagr(groups: 8), in: .agiNet)` is AGI-Net. One that is told something
/// beside the image, the time of a diffusion or a code of what is there, adds in every block, after its first convolution, one
/// number a channel that it reads off an embedding of that.
public struct ResUnet: Layer, TimedNetwork, CodedNetwork {
  private let head: Convolution, tail: Convolution
  private let down: [(blocks: [ResidualBlock], sample: Convolution)]
  private let body: [ResidualBlock]
  private let up: [(sample: TransposedConvolution, blocks: [ResidualBlock])]
  private let told: Told, embedding: Embedding?
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
  ///   - code: the length of a code that it is told instead; nil for none.
  public init(
    _ scope: Scope, sources: Int, targets: Int = 1, width: Int = 64, blocks: Int = 2, dimensions: Int = 2,
    replacing kind: ConvolutionKind = .standard, in stages: [Stage] = [], timed: Bool = false,
    code: Int? = nil
  ) {
    told = timed ? .time : code == nil ? .nothing : .code
    let (widths, told) = ([1, 2, 4, 8].map { $0 * width }, told)
    func blocksOf(_ stage: Stage, _ channels: Int) -> [ResidualBlock] {
      let first = stages.contains(stage) ? kind : .standard
      return (1...blocks).map {
        ResidualBlock(
          scope / stage.rawValue / "block\($0)", channels, first: first, dimensions: dimensions, told: told)
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
    let place = scope / told.rawValue
    embedding =
      switch told {
      case .nothing: nil
      case .time: Embedding(place, waves: ResUnet.timeWaves, output: ResUnet.toldChannels)
      case .code: Embedding(ofCode: place, length: code ?? 0, output: ResUnet.toldChannels)
      }
    shown = scope / ResUnet.features
  }

  /// Sinusoids of the time, and the length of the vector that the blocks read.
  static let timeWaves = 64, toldChannels = 256

  /// What it is told beside the image; under this name the parameters that serve it stand.
  enum Told: String { case nothing, time, code }

  /// The name under which an observer sees what comes out of each stage's blocks: `features.down1`.
  public static let features = "features"

  /// The factor by which the deepest level is smaller.
  public static let multiple = 8

  /// `[B, sources, spatial…]` to `[B, targets, spatial…]`, any size: what is not a multiple of 8 is padded by replication at the
  /// far ends and cropped back.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(told == .nothing, "this ResUnet must be told a \(told.rawValue)")
    return fitted(x, nil)
  }

  /// The same of a timed network.
  public func callAsFunction(_ x: Tensor, at times: Tensor, latent: Tensor?) -> Tensor {
    fitted(x, embedded(times, as: .time))
  }

  /// The same of one that is told a code.
  public func callAsFunction(_ x: Tensor, knowing code: Tensor) -> Tensor {
    fitted(x, embedded(code, as: .code))
  }

  private func embedded(_ value: Tensor, as kind: Told) -> Tensor {
    guard let embedding, told == kind else {
      preconditionFailure("this ResUnet was not built for a \(kind.rawValue)")
    }
    return embedding(value)
  }

  private func fitted(_ x: Tensor, _ told: Tensor?) -> Tensor {
    let fitting = Fitting(of: x, multiple: ResUnet.multiple, border: .replicate)
    return fitting.cropped(whole(fitting.padded(x), told))
  }

  private func whole(_ x: Tensor, _ told: Tensor?) -> Tensor {
    var x = head(x.channelsLast())
    var skips: [Tensor] = []
    for (stage, (blocks, sample)) in zip([Stage.down1, .down2, .down3], down) {
      skips.append(x)
      for block in blocks { x = block(x, told) }
      shown.show(stage.rawValue, x)
      x = sample(x)
    }
    skips.append(x)
    for block in body { x = block(x, told) }
    shown.show(Stage.body.rawValue, x)
    for (stage, (sample, blocks)) in zip([Stage.up1, .up2, .up3], up) {
      x = sample(x + skips.removeLast())
      for block in blocks { x = block(x, told) }
      shown.show(stage.rawValue, x)
    }
    return tail(x + skips.removeLast())
  }
}

/// z + second(relu(first(z) + shift(told))), with as many channels out as in; the shift only where something is told.
struct ResidualBlock {
  let first: any Layer, second: Convolution
  private let shift: Linear?

  init(_ scope: Scope, _ channels: Int, first kind: ConvolutionKind, dimensions: Int, told: ResUnet.Told) {
    let shape = ConvolutionShape(channels, channels, dimensions: dimensions)
    first = kind(scope / "first", shape)
    second = Convolution(scope / "second", shape)
    shift = told == .nothing ? nil : Linear(scope / told.rawValue, ResUnet.toldChannels, channels)
  }

  /// - Parameter told: its embedding `[B, 256]`.
  func callAsFunction(_ z: Tensor, _ told: Tensor?) -> Tensor {
    guard let shift, let told else { return second(first.rectified(z)).addingInPlace(z) }
    return second(first(z).addingInPlace(shift(told).aligned(with: z)).reluInPlace()).addingInPlace(z)
  }
}
