import Layers
import Methods
import Networks
import Torch

/// What one repetition does.
enum Work: String, CaseIterable, Sendable {
  /// A training step of the generator alone: forward, mean absolute error, backward, Adam.
  case l1
  /// A training step of generator and discriminator.
  case pix2pix
  /// A forward pass without gradients.
  case inference

  var title: String { self == .inference ? "inference" : "\(rawValue) step" }
  var trains: Bool { self != .inference }
}

enum Network: String, CaseIterable, Sendable {
  case resunet
  case agiNet = "agi-net"

  var title: String { self == .agiNet ? "AGI-Net" : "ResUnet" }

  func generator(
    in store: Parameters, width: Int, dimensions: Int = 2, groups: Int = Case.groups
  ) -> any Layer {
    var settings = GeneratorSettings()
    (settings.width, settings.groups) = (width, groups)
    return (self == .agiNet ? GeneratorKind.agiNet : .resUnet).plain(
      store.root, GeneratorShape(Case.sources, dimensions: dimensions), settings)
  }
}

/// Batch, side of the square images or, in 3-D, of the cubes, channels of the first level.
struct Size: Sendable, Hashable, CustomStringConvertible {
  var batch: Int, side: Int, width: Int
  var dimensions = 2

  var space: [Int] { Array(repeating: side, count: dimensions) }
  var description: String {
    "batch \(batch), \(space.map(String.init).joined(separator: " x ")), width \(width)"
  }
  /// What is timed at this size: the peer's discriminator is one of slices.
  func timing(_ works: [Work]) -> [Work] { works.filter { dimensions == 2 || $0 != .pix2pix } }

  static let small = Size(batch: 4, side: 128, width: 32)
  static let single = Size(batch: 1, side: 256, width: 64)
  static let full = Size(batch: 4, side: 256, width: 64)
  /// The paper's batch, and one whose training has room beside the peer's in 24 GiB.
  static let paper = Size(batch: 16, side: 256, width: 64)
  static let halfPaper = Size(batch: 16, side: 256, width: 32)
  /// Patches of volumes.
  static let patch = Size(batch: 1, side: 32, width: 32, dimensions: 3)
  static let largePatch = Size(batch: 1, side: 64, width: 32, dimensions: 3)
  static let narrowPatch = Size(batch: 1, side: 48, width: 16, dimensions: 3)
}

/// One thing to be timed: the same in `peer/bench.py`.
struct Case: Sendable {
  var work: Work
  var network: Network
  var size: Size
  var device = Device.cpu
  /// AGI-Net's n.
  var groups = Case.groups

  /// Source modalities, and n where nothing else is said.
  static let sources = 2, groups = 8

  /// One repetition as a function: networks, optimisers and a batch made ready, from a fixed seed.
  func prepared() -> () -> Void {
    let (work, device) = (repetition(), device)
    return {
      work()
      LibTorch.synchronize(device)
    }
  }

  private func repetition() -> () -> Void {
    let store = Parameters(seed: 1, device: device)
    let generator = network.generator(
      in: store, width: size.width, dimensions: size.dimensions, groups: groups)
    let sources = Tensor.uniform([size.batch, Case.sources] + size.space, seed: 2, device: device)
      .channelsLast()
    let target = Tensor.uniform([size.batch, 1] + size.space, seed: 3, device: device).channelsLast()
    switch work {
    case .inference:
      store.freeze()
      return { withoutGradient { _ = generator(sources) } }
    case .l1:
      let adam = Adam(store, betas: (0.5, 0.999))
      return {
        let loss = generator(sources).meanAbsoluteError(target)
        loss.backward()
        adam.step()
        _ = loss.item
      }
    case .pix2pix:
      let method = Pix2Pix(generator: generator, store, sources: Case.sources)
      return {
        _ = method.step(
          Batch(sources: sources, target: target), random: RandomStream(seed: 1, device: device))
      }
    }
  }
}
