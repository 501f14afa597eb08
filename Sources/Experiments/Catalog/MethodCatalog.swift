import Failures
import Files
import Methods
import Torch

/// A framework as an experiment names it.
struct MethodEntry: Sendable {
  let name: String
  /// As it is written in the literature: `pGAN`, or `pGAN without VGG` where the experiment lacks a part.
  let title: @Sendable (Experiment) -> String
  /// The generator where none is named.
  let network: String
  /// Whether the method comes with a generator of its own.
  var hasPublishedNetwork = true
  /// Whether images are drawn, step by step from noise.
  var draws = false
  /// Steps of the process from which sampling may choose some; nil where there are none to choose.
  var steps: @Sendable (Experiment) -> Int? = { _ in nil }
  /// What of the method's options does not fit the rest of the experiment, as `longSkip is pd; …`, or nil.
  var mismatch: @Sendable (Experiment) -> String? = { _ in nil }
  /// Why the method cannot train on slices of (rows, columns), with what would help, or nil; throws for files that
  /// training needs and that are not what they should be.
  let refusal: @Sendable (Experiment, Int, Int) throws -> String?
  /// The method's part of the experiment.
  let options: @Sendable (Experiment) -> any MethodOptions
  let build: @Sendable (Experiment, Device) throws -> any Method
}

/// The frameworks that can be named.
public enum MethodCatalog {
  static let entries: [MethodEntry] = [.pix2pix, .pgan, .mmgan, .medSynth, .ddpm, .iddpm, .selfRDB]

  public static let names = entries.map(\.name)

  static func entry(_ name: String) throws -> MethodEntry {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw Failure(.usage, "method \(UnknownName(name, known: names))")
    }
    return entry
  }

  /// The generators that a method can have.
  public static func networks(of method: String) throws -> [String] {
    try NetworkCatalog.names.filter {
      try $0 != NetworkCatalog.published || entry(method).hasPublishedNetwork
    }
  }

  /// The networks at their starting values.
  public static func build(_ experiment: Experiment, device: Device) throws -> any Method {
    try entry(experiment.method).build(experiment, device)
  }

  /// - Throws: `.usage` for a method that does not exist, has no such generator, or was given options that make no sense.
  static func check(_ experiment: Experiment) throws {
    let entry = try entry(experiment.method)
    for entry in entries {
      if let refusal = entry.options(experiment).refusal { throw Failure(.usage, "\(entry.name).\(refusal)") }
    }
    if let mismatch = entry.mismatch(experiment) { throw Failure(.usage, "\(entry.name).\(mismatch)") }
    if experiment.network == NetworkCatalog.published && !entry.hasPublishedNetwork {
      throw Failure(
        .usage,
        "method \(entry.name) has no published generator here; name a network, such as \(entry.network)")
    }
  }

  /// Refuses slices that the method's networks cannot be trained on, and files that training cannot use.
  /// - Throws: `.inconsistent` with what is needed, or what is wrong with a file.
  package static func check(_ experiment: Experiment, height: Int, width: Int) throws {
    guard let reason = try entry(experiment.method).refusal(experiment, height, width) else { return }
    throw Failure(.inconsistent, "the cohort's slices are \(height) x \(width); \(reason)")
  }
}
