import Failures
import Layers
import Networks
import Torch

/// Samples on the training device, of any number of spatial axes; intensities in [0, 1].
public struct Batch {
  /// `[B, S, spatial…]`, the sources in their order, each with its neighbouring slices where those are seen; what is missing
  /// is zero.
  public let sources: Tensor
  /// `[B, 1, spatial…]`: the contrast, or the label of every voxel as a number; `[B, S, spatial…]`, each of the sources as it
  /// is to be predicted, where whatever is missing is asked for.
  public let target: Tensor
  /// `[B, S]`: 1 for the sources that a sample has, 0 for those it lacks; nil where all are there.
  public let present: Tensor?
  /// `[B, 1, spatial…]`: how much an error counts; nil where all count alike.
  public let weights: Tensor?
  /// The processes that have the rest of the batch, in equal shares; nil where this is all of it. A loss that is a mean over
  /// samples needs nothing of them, as gradients are averaged; any other takes its sums over all of them (`sum`).
  public let group: ProcessGroup?

  public init(
    sources: Tensor, target: Tensor, present: Tensor? = nil, weights: Tensor? = nil,
    group: ProcessGroup? = nil
  ) {
    (self.sources, self.target, self.present, self.weights) = (sources, target, present, weights)
    self.group = group
  }
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

  /// Names of the losses that `train` returns, in its order: the columns of a run's log, which a resumed run must know before
  /// its first step. A validation that was owed comes first, and a log that cannot be continued is put aside before any work.
  var losses: [String] { get }

  /// One improvement. Returns its losses by name, which nobody has waited for yet. Of a share of a batch, they are such that the
  /// mean over all shares is the whole's.
  ///
  /// No number is read out of a tensor on the way: a GPU works while whoever trains does something else.
  /// - Parameter random: what all chance in it is drawn from, that of the networks' layers too (`Parameters.random`).
  func train(on batch: Batch, random: RandomStream) -> [PendingLoss]

  /// How images are drawn; nil where they are made in one pass.
  var sampling: Sampling? { get }

  /// Channels that `synthesize` makes: 1, or one for each region of a segmentation.
  var outputs: Int { get }

  /// `[B, S, spatial…]` in [0, 1] to `[B, outputs, spatial…]` on the same scale, not clamped; to be called inside
  /// `withoutGradient`.
  ///
  /// A sample's image does not depend on the samples beside it in the batch, but for rounding.
  /// - Parameters:
  ///   - present: as a batch's.
  ///   - passed: what it throws ends the synthesis at once.
  func synthesize(_ sources: Tensor, present: Tensor?, passed: Passed) rethrows -> Tensor
}

/// Called after each pass through a network with how many are done, of how many.
public typealias Passed = (Int, Int) throws -> Void

extension Method {
  /// `train`, and its losses as numbers.
  public func step(_ batch: Batch, random: RandomStream) -> [Loss] { train(on: batch, random: random).read() }

  public func prepare() throws {}
  public var outputs: Int { 1 }
  public var sampling: Sampling? { nil }

  /// Of sources that are all there.
  public func synthesize(_ sources: Tensor, passed: Passed) rethrows -> Tensor {
    try synthesize(sources, present: nil, passed: passed)
  }

  /// Of sources that are all there, without a word on the way.
  public func synthesize(_ sources: Tensor) -> Tensor {
    synthesize(sources, present: nil, passed: { _, _ in })
  }

  /// Draws otherwise from here on.
  /// - Throws: `.usage` for a method that draws nothing, or options that make no sense.
  public func change(_ change: SamplingChange) throws {
    guard !change.isEmpty else { return }
    guard let sampling else {
      throw Failure(.usage, "this model makes an image in one pass: there are no sampling steps to choose")
    }
    try sampling.change(change)
  }

  /// Runs `body` with images drawn as validation does.
  public func validating<R>(_ body: () throws -> R) rethrows -> R {
    guard let sampling else { return try body() }
    let before = sampling.options
    sampling.options = sampling.validation
    defer { sampling.options = before }
    return try body()
  }
}

/// A method whose image is what one network makes of the sources.
public protocol OnePassMethod: Method {
  /// `[B, S, spatial…]` to `[B, 1, spatial…]`, both in [0, 1].
  var network: any Layer { get }
}

extension OnePassMethod {
  public func synthesize(_ sources: Tensor, present: Tensor?, passed: Passed) rethrows -> Tensor {
    let image = network(sources)
    try passed(1, 1)
    return image
  }
}

/// A loss by name.
public struct Loss: Sendable, Equatable {
  public let name: String, value: Double
  public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
}

/// A loss that a device may still be computing.
public struct PendingLoss {
  public let name: String
  private let value: Tensor, divisor: Double

  /// - Parameters:
  ///   - value: a scalar; what it was computed from is not kept.
  ///   - divisor: what the number is divided by when it is read.
  public init(_ name: String, _ value: Tensor, by divisor: Double = 1) {
    (self.name, self.value, self.divisor) = (name, value.detached, divisor)
  }

  /// All of them at once: a device is waited for once.
  fileprivate static func read(_ losses: [PendingLoss]) -> [Loss] {
    guard !losses.isEmpty else { return [] }
    let values = Tensor.stacked(losses.map(\.value), axis: 0).values(Double.self)
    return zip(losses, values).map { Loss($0.name, $1 / $0.divisor) }
  }
}

extension [PendingLoss] {
  /// The numbers, in their order, when they have been computed.
  public func read() -> [Loss] { PendingLoss.read(self) }
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
