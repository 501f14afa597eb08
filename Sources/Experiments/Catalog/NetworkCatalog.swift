import Failures
import Imaging
import Layers
import Methods
import Networks
import Torch

/// The generators that can be named: the method's own published one, and the residual U-Net with any convolution.
public enum NetworkCatalog {
  /// What the published generator of whatever method is called.
  public static let published = "published"

  struct Backbone: Sendable {
    let name: String
    /// As it is written in the literature.
    let title: String
    /// Convolution kind of the replaced stages.
    let kind: @Sendable (Experiment) -> ConvolutionKind
  }

  static let backbones: [Backbone] = [
    Backbone(name: "resunet", title: "ResUnet") { _ in .standard },
    Backbone(name: "agi-net", title: "AGI-Net") { .cagr(groups: $0.groups) },
    Backbone(name: "rolling-resunet", title: "ResUnet + rolling") {
      .cagr(groups: $0.groups, attends: false)
    },
    Backbone(name: "attention-resunet", title: "ResUnet + attention") {
      .cagr(groups: $0.groups, rolls: false)
    },
  ]

  public static let names = [published] + backbones.map(\.name)

  /// - Throws: `.usage` for a width that the convolution kind cannot divide.
  static func check(_ experiment: Experiment) throws {
    guard experiment.network != published else { return }
    let kind = try backbone(of: experiment).kind(experiment)
    for level in 0..<4 {
      let channels = experiment.width << level
      if let reason = kind.refusal(ConvolutionShape(channels, channels)) {
        throw Failure(.usage, "network \(experiment.network) at width \(experiment.width): \(reason)")
      }
    }
  }

  static func backbone(of experiment: Experiment) throws -> Backbone {
    guard let entry = backbones.first(where: { $0.name == experiment.network }) else {
      throw Failure(
        .usage, "network '\(experiment.network)' is not known; known are \(names.joined(separator: ", "))")
    }
    return entry
  }

  /// Builds the named backbone into `store`.
  /// - Parameters:
  ///   - inputs: channels in; one a source modality where nothing is said.
  ///   - outputs: channels out.
  ///   - timed: whether the network is told a time, as diffusions need.
  public static func build(
    _ experiment: Experiment, in store: Parameters, inputs: Int? = nil, outputs: Int = 1, dimensions: Int = 2,
    timed: Bool = false
  ) throws -> ResUnet {
    try builder(experiment, inputs: inputs, outputs: outputs, dimensions: dimensions, timed: timed)(store)
  }

  /// The same, for methods that build a network more than once and not at once.
  static func builder(
    _ experiment: Experiment, inputs: Int? = nil, outputs: Int = 1, dimensions: Int = 2, timed: Bool = false
  ) throws -> (Parameters) -> ResUnet {
    let kind = try backbone(of: experiment).kind(experiment)
    return { store in
      ResUnet(
        store.root, sources: inputs ?? experiment.scenario.sources.count, targets: outputs,
        width: experiment.width, blocks: experiment.blocks, dimensions: dimensions, replacing: kind,
        in: experiment.stages, timed: timed)
    }
  }
}
