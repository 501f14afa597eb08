import Cohorts
import Failures
import Files
import Imaging
import Inference
import Layers
import Methods
import Networks
import Torch

/// A trained model as the start of a training: its weights in place of random ones.
public struct ModelStart: Sendable {
  public let file: String
  /// What an experiment names it by.
  public let sha256: String
  /// What the model was trained by.
  public let trained: Experiment
  /// What the model says of itself; nil of a checkpoint.
  package let card: ModelCard?
  private let tensors: Safetensors

  /// - Throws: `.notFound` for a missing file, `.invalidModel` for one that is not a model of aginet's or is damaged.
  public init(file: String) throws {
    self.file = file
    tensors = try Safetensors(contentsOf: file)
    trained = try TrainedModel.experiment(of: tensors)
    card = try tensors.metadata[ModelCard.key].map { try ModelCard(json: $0, file: file) }
    sha256 = try SHA256.ofFile(file).digest
  }

  /// An experiment that goes on from it unless it is told otherwise: the model's own, for a while, at a tenth of its rate (where it
  /// went on from another itself, and its rate was low already, at half, or at as much less as batches are smaller), in batches that
  /// any machine holds, a cohort's images scaled as the model's; heads that are computed beside it in the planes that it knows.
  public var experiment: Experiment {
    var experiment = trained
    experiment.from = sha256
    (experiment.iterations, experiment.validateEvery, experiment.checkpointEvery) = (2000, 250, 250)
    experiment.batchSize = min(trained.batchSize, Self.largestBatch)
    let smaller = Double(trained.batchSize) / Double(experiment.batchSize)
    experiment.learningRate = trained.learningRate / (trained.from.isEmpty ? 10 : max(2, smaller))
    experiment[Unified.self].intensity = card?.intensityRule ?? .percentile
    if let card, card.planes == nil { experiment.physics.options.anatomy.otherPlanes = 0 }
    return experiment
  }

  /// A model that was trained on a GPU has batches that take hours and most of the memory of a computer without one.
  private static let largestBatch = 4

  /// Gives the networks of a method that are built as the model is its weights.
  ///
  /// Where contrasts differ, the parts of the first and the last layer that belong to a contrast go with it by its name, and
  /// what tells a network which contrasts are there is left out where it is not told.
  /// - Parameters:
  ///   - method: built for `experiment`.
  ///   - experiment: another than the model's own may be.
  /// - Throws: `.inconsistent` with what does not fit, before anything is changed.
  public func load(into method: any Method, of experiment: Experiment) throws {
    guard experiment.from == sha256 else {
      throw Failure(
        .inconsistent,
        "\(file): is not the model that the experiment starts from (SHA-256 \(experiment.from.prefix(12))…)")
    }
    let names = method.generator.parameters.saved.map(\.name)
    // Beside the generator stands what trains it, where that is another.
    let networks = method.networks.map(\.parameters).filter { $0.saved.map(\.name) == names }
    let (mine, other) = (experiment.scenario, trained.scenario)
    let knows = names.contains("head.weight") && names.contains("tail.weight") && method.sampling == nil
    guard mine == other || knows else {
      throw Failure(
        .inconsistent,
        "\(file): only a network with one first and one last layer can start with other contrasts than \(other); "
          + "\(experiment.title) is another")
    }
    let channels = (try channels(experiment), try channels(trained))
    for network in networks.isEmpty ? [method.generator.parameters] : networks {
      let stored = try network.saved.map {
        ($0.tensor, try fitting($0.name, $0.tensor, of: experiment, channels))
      }
      for (tensor, stored) in stored { tensor.assign(stored.to(tensor.device)) }
    }
  }

  /// The model's tensor of that name, brought to the contrasts of an experiment.
  /// - Parameter channels: the experiment's, and the model's.
  private func fitting(
    _ name: String, _ tensor: Tensor, of experiment: Experiment, _ channels: (mine: Channels, other: Channels)
  ) throws -> Tensor {
    func failure(_ why: String) -> Failure {
      Failure(
        .inconsistent,
        "\(file): a \(experiment.title) of width \(experiment.network.width) cannot start from a \(trained.title) of width "
          + "\(trained.network.width): \(why); choose the model's own network"
      )
    }
    guard let stored = try tensors.tensor("\(prefix)\(name)") else { throw failure("\(name) is not there") }
    let (mine, other) = channels
    var fitted = stored
    switch name.split(separator: ".").dropLast().joined(separator: ".") {
    case "head" where stored.shape.count > 1 && mine.taken != other.taken:
      fitted = try picked(stored, 1, mine.taken, of: other.taken, failure)
    case "tail" where mine.given != other.given:
      fitted = try picked(stored, 0, mine.given, of: other.given, failure)
    case "tail" where mine.regions != other.regions:
      throw failure("it finds other regions")
    case "code.first" where stored.shape.count > 1 && experiment.scenario != trained.scenario:
      fitted = try picked(
        stored, 1, ContrastChannel.all(experiment.scenario.sources),
        of: ContrastChannel.all(trained.scenario.sources), failure)
    default: break
    }
    guard fitted.shape == tensor.shape else {
      throw failure("\(name) is \(fitted.shape), not \(tensor.shape)")
    }
    return fitted
  }

  private typealias Channels = (taken: [ContrastChannel], given: [ContrastChannel], regions: [LabelRegion]?)

  /// Whose the channels of an experiment's generator are.
  private func channels(_ experiment: Experiment) throws -> Channels {
    let told = try experiment.told()
    let channels = told.channels(experiment.scenario, depth: experiment.region.depth)
    return (channels.taken, channels.given, told.segments)
  }

  /// The parts of an axis that belong to some channels, in their order.
  private func picked(
    _ tensor: Tensor, _ axis: Int, _ wanted: [ContrastChannel], of known: [ContrastChannel],
    _ failure: (String) -> Failure
  ) throws -> Tensor {
    guard wanted.isEmpty == known.isEmpty else { throw failure("one makes images, the other finds regions") }
    guard tensor.size(axis) == known.count else { throw failure("it takes or gives more than contrasts") }
    let parts = try wanted.map { channel in
      guard let place = known.firstIndex(of: channel) else {
        let contrasts = known.reduce(into: [Modality]()) {
          if !$0.contains($1.contrast) { $0.append($1.contrast) }
        }
        guard contrasts.contains(channel.contrast) else {
          throw Failure(
            .inconsistent,
            "\(file): knows no \(channel.contrast.title), only \(contrasts.titles); choose among those")
        }
        throw failure("it sees another number of slices of each contrast")
      }
      return tensor.narrowed(axis, from: place, length: 1)
    }
    return .concatenated(parts, axis: axis)
  }

  /// What stands before the names of the weights.
  private var prefix: String {
    guard let name = tensors.entries.first?.name, let end = name.firstIndex(of: ".") else { return "" }
    return String(name[...end])
  }
}
