import Failures
import Imaging
import Layers
import Methods
import Networks
import Torch

/// The generators that can be named.
public enum NetworkCatalog {
  /// Convolution kind of the replaced stages, by the network's name.
  static let kinds: [(name: String, kind: @Sendable (Experiment) -> ConvolutionKind)] = [
    ("resunet", { _ in .standard }),
    ("agi-net", { .cagr(groups: $0.groups) }),
    ("rolling-resunet", { .cagr(groups: $0.groups, attends: false) }),
    ("attention-resunet", { .cagr(groups: $0.groups, rolls: false) }),
  ]

  public static let names = kinds.map(\.name)

  /// - Throws: `.usage` for an unknown name, or a width that the convolution kind cannot divide.
  static func check(_ experiment: Experiment) throws {
    let kind = try kind(of: experiment)
    for level in 0..<4 {
      let channels = experiment.width << level
      if let reason = kind.refusal(ConvolutionShape(channels, channels)) {
        throw Failure(.usage, "network \(experiment.network) at width \(experiment.width): \(reason)")
      }
    }
  }

  private static func kind(of experiment: Experiment) throws -> ConvolutionKind {
    guard let entry = kinds.first(where: { $0.name == experiment.network }) else {
      throw Failure(
        .usage, "network '\(experiment.network)' is not known; known are \(names.joined(separator: ", "))")
    }
    return entry.kind(experiment)
  }

  /// Builds the named generator into `store`.
  public static func build(_ experiment: Experiment, in store: Parameters, dimensions: Int = 2) throws
    -> any Layer
  {
    ResUnet(
      store.root, sources: experiment.scenario.sources.count, width: experiment.width,
      blocks: experiment.blocks,
      dimensions: dimensions, replacing: try kind(of: experiment), in: experiment.stages)
  }
}

/// The frameworks that can be named.
public enum MethodCatalog {
  private static let builders: [(name: String, build: @Sendable (Experiment, Device) throws -> any Method)] =
    [
      ("pix2pix", pix2pix)
    ]

  public static let names = builders.map(\.name)

  /// The networks at their starting values, with their optimisers.
  public static func build(_ experiment: Experiment, device: Device) throws -> any Method {
    guard let entry = builders.first(where: { $0.name == experiment.method }) else {
      throw Failure(
        .usage, "method '\(experiment.method)' is not known; known are \(names.joined(separator: ", "))")
    }
    return try entry.build(experiment, device)
  }

  /// Refuses slices that the method's networks would shrink to nothing.
  /// - Throws: `.inconsistent` with the smallest size.
  static func check(_ experiment: Experiment, height: Int, width: Int) throws {
    // What the discriminator's layers leave of fewer rows or columns is less than their kernels.
    let smallest =
      experiment.pix2pix.weightAdversarial == 0 ? 8 : experiment.pix2pix.discriminator == .isola ? 24 : 16
    guard min(height, width) >= smallest else {
      throw Failure(
        .inconsistent,
        "the cohort's slices are \(height) x \(width); \(experiment.method) needs \(smallest) x \(smallest) or more, "
          + "prepare with a larger --size")
    }
  }

  @Sendable private static func pix2pix(_ experiment: Experiment, _ device: Device) throws -> any Method {
    let store = Parameters(seed: experiment.seed, device: device)
    return Pix2Pix(
      generator: try NetworkCatalog.build(experiment, in: store), store,
      sources: experiment.scenario.sources.count, options: experiment.pix2pix, rate: experiment.learningRate)
  }
}
