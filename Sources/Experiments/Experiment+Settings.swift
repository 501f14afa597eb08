import Failures
import Files
import Foundation
import Imaging
import Methods
import Networks

extension Experiment {
  /// Keys of earlier versions, and where their values stand now.
  package static let moved = [
    "width": "network.width", "blocks": "network.blocks", "groups": "network.groups",
    "arcKernels": "network.kernels", "stages": "network.stages",
  ]

  /// Defaults, overlaid with a JSON file's contents, overlaid with `key=value` pairs (dotted keys reach inside).
  /// - Throws: `.notFound` for a missing file, `.malformed` for bad JSON or a value of the wrong kind, `.usage` for an
  ///   unknown key or a value that makes no sense.
  /// - Parameter base: a run's experiment in place of the defaults.
  public init(file: String? = nil, settings: [String] = [], over base: Experiment? = nil) throws {
    var written = try Settings(base ?? Experiment(), moved: Experiment.moved)
    if let file { try written.lay(file: file) }
    for setting in settings { try written.lay(setting, origin: "\(Term.settings(setting.printable))") }
    self = written.value
    if base == nil { try takeDefaults(but: written.named) }
    try check()
  }

  /// What its framework has for settings that were not named.
  private mutating func takeDefaults(but named: Set<String>) throws {
    let told = try told()
    if !named.contains("network.name") { self.network.name = told.network ?? NetworkCatalog.published }
    if let width = told.width, !named.contains("network.width") { self.network.width = width }
    if let rate = told.rate, !named.contains("learningRate") { self.learningRate = rate }
    // What a segmentation computes need not be said.
    if told.segments != nil, !named.contains("scenario.target") { self.scenario.target = .labels }
    // Nor what is made of any subset, nor that it is of all contrasts.
    guard told.completes else { return }
    if !named.contains("scenario.target") { self.scenario.target = .missing }
    if !named.contains("scenario.sources") { self.scenario.sources = Modality.allCases }
  }

  /// The experiment as the JSON that is written into the run folder: every key, sorted.
  public var json: String { get throws { try json() + "\n" } }

  /// Reads back what `json` wrote, from a checkpoint or a run folder. What an earlier version did not know yet had the
  /// effect of today's default.
  /// - Throws: `.invalidModel`.
  public init(json: String, origin: String) throws {
    do {
      let (data, name) = (Data(json.utf8), "its experiment")
      let stored = try StrictJSON.parse(data, file: name)
      // Every version wrote these.
      for key in ["method", "network", "scenario", "iterations", "seed"] where stored[key] == nil {
        throw Failure(.invalidModel, "\(name) lacks \(key)")
      }
      var written = try Settings(Experiment(), moved: Experiment.moved)
      try written.lay(data, named: name)
      self = written.value
      try check()
    } catch let failure as Failure {
      throw Failure(.invalidModel, "\(origin): \(failure.message)")
    }
  }

  /// What differs, as `learningRate 0.1 instead of 0.0001`, in the order of the keys.
  package func differences(from other: Experiment) throws -> [String] {
    try JSONValue(self).differences(from: JSONValue(other))
  }
}
