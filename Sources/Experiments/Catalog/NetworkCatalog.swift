import Failures
import Files
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
    Backbone(name: "deform-resunet", title: "Deform-ResUnet") { _ in .dcnv3 },
    Backbone(name: "deform2-resunet", title: "Deform-ResUnet (DCNv2)") { _ in .dcnv2 },
    Backbone(name: "arc-resunet", title: "ARC-ResUnet") { .arc(kernels: $0.arcKernels) },
    Backbone(name: "gra-resunet", title: "GRA-ResUnet") { .gra(groups: $0.groups) },
  ]

  public static let names = [published] + backbones.map(\.name)

  /// - Throws: `.usage` for a width that the convolution kind cannot divide, or dimensions that it does not have.
  static func check(_ experiment: Experiment, dimensions: Int = 2) throws {
    guard experiment.network != published else { return }
    let kind = try backbone(of: experiment).kind(experiment)
    for level in 0..<4 {
      let channels = experiment.width << level
      if let reason = kind.refusal(ConvolutionShape(channels, channels, dimensions: dimensions)) {
        throw Failure(.usage, "network \(experiment.network) at width \(experiment.width): \(reason)")
      }
    }
  }

  static func backbone(of experiment: Experiment) throws -> Backbone {
    guard let entry = backbones.first(where: { $0.name == experiment.network }) else {
      throw Failure(.usage, "network \(UnknownName(experiment.network, known: names))")
    }
    return entry
  }

  /// Builds the method's own generator into `store` where the experiment asks for that, else the named backbone.
  static func build(
    _ experiment: Experiment, in store: Parameters, inputs: Int? = nil, outputs: Int = 1,
    published generator: () -> any Layer
  ) throws -> any Layer {
    experiment.network == published
      ? generator() : try build(experiment, in: store, inputs: inputs, outputs: outputs)
  }

  /// Builds the named backbone into `store`.
  /// - Parameters:
  ///   - inputs: channels in; one a source modality where nothing is said.
  ///   - outputs: channels out.
  ///   - timed: whether the network is told a time, as diffusions need.
  /// - Throws: `.usage` for a network that cannot be built so.
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
    try check(experiment, dimensions: dimensions)
    let kind = try backbone(of: experiment).kind(experiment)
    return { store in
      ResUnet(
        store.root, sources: inputs ?? experiment.scenario.sources.count, targets: outputs,
        width: experiment.width, blocks: experiment.blocks, dimensions: dimensions, replacing: kind,
        in: experiment.stages, timed: timed)
    }
  }
}
