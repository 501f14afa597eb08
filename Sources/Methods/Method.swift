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
  /// The network that makes the images: what a model file holds, and all that `synthesize` uses.
  var generator: TrainedNetwork { get }

  /// All networks with their optimisers, the generator first: what a checkpoint holds. What only training needs is made
  /// when it is first asked for, so a model that only makes images does without.
  var networks: [TrainedNetwork] { get }

  /// Reads the files that only training needs; to be called before the first step.
  /// - Throws: where one of them is missing or is not what it should be.
  func prepare() throws

  /// Names of the losses that `step` returns, in its order.
  var losses: [String] { get }

  /// One improvement. Returns its losses by name, as numbers: a kept loss tensor would keep its graph.
  func step(_ batch: Batch) -> [Loss]

  /// `[B, S, H, W]` in [0, 1] to `[B, 1, H, W]` on the same scale, not clamped; to be called inside `withoutGradient`.
  ///
  /// A slice's image does not depend on the slices beside it in the batch.
  func synthesize(_ sources: Tensor) -> Tensor
}

extension Method {
  public func prepare() throws {}
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
  public init(_ name: String, _ parameters: Parameters, _ optimizer: Adam? = nil) {
    (self.name, self.parameters, self.optimizer) = (name, parameters, optimizer)
  }
}

/// What a framework can be told beyond what all share: its part of an experiment.
public protocol MethodOptions: Codable, Sendable, Equatable {
  /// The defaults.
  init()
  /// What is wrong with the values, as `weightL1 is -1; it must be 0 or more`, or nil.
  var refusal: String? { get }
}

extension MethodOptions {
  /// The sentence for the first of `weights` that is negative, no number, or larger than any use of it.
  func refusal(ofWeights weights: [(name: String, value: Double)]) -> String? {
    weights.first { !(0...1e9).contains($0.value) }.map {
      "\($0.name) is \($0.value); it must be \($0.value > 0 ? "from 0 to 1e9" : "0 or more")"
    }
  }

  func refusal(ofDiscriminatorWidth width: Int) -> String? {
    (1...1024).contains(width) ? nil : "discriminatorWidth is \(width); it must be from 1 to 1024"
  }

  /// The sentence for a U-Net that cannot halve so often.
  func refusal(ofLevels levels: Int) -> String? {
    (2...10).contains(levels) ? nil : "levels is \(levels); it must be from 2 to 10"
  }
}
