import Layers
import Networks
import Torch

/// Slices on the training device: `sources` `[B, S, H, W]` and `target` `[B, 1, H, W]`, intensities in [0, 1].
public struct Batch {
  public let sources: Tensor, target: Tensor
  public init(sources: Tensor, target: Tensor) { (self.sources, self.target) = (sources, target) }
}

/// How one batch improves the networks, and how an image is made afterwards: one framework, one file.
public protocol Method: AnyObject {
  /// The networks and, where one is trained, its optimiser: what a checkpoint holds. The first makes the images.
  var networks: [TrainedNetwork] { get }

  /// Names of the losses that `step` returns, in its order.
  var losses: [String] { get }

  /// One improvement. Returns its losses by name, as numbers: a kept loss tensor would keep its graph.
  func step(_ batch: Batch) -> [Loss]

  /// `[B, S, H, W]` to `[B, 1, H, W]`, not clamped; to be called inside `withoutGradient`.
  func synthesize(_ sources: Tensor) -> Tensor
}

/// A loss by name.
public struct Loss: Sendable, Equatable {
  public let name: String, value: Double
  public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
}

/// A network of a method with what trains it.
public struct TrainedNetwork {
  /// The prefix of its parameters in a checkpoint: `generator`, `discriminator`.
  public let name: String
  public let parameters: Parameters
  public let optimizer: Adam?
  public init(_ name: String, _ parameters: Parameters, _ optimizer: Adam?) {
    (self.name, self.parameters, self.optimizer) = (name, parameters, optimizer)
  }
}
