import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Methods
import Networks
import Training

/// Everything that decides what a training run computes, as a value: the same experiment on the same cohort with the
/// same build and threads gives the same bytes.
///
/// An `experiment.json` says only what differs from these defaults, which are the paper's (§4.1.2).
public struct Experiment: Codable, Sendable, Equatable {
  /// The framework: one of `MethodCatalog`'s names.
  public var method = "pix2pix"
  /// The generator: one of `NetworkCatalog`'s names. Where a file or the command line names none, the method's own.
  public var network = "agi-net"
  /// Groups n of CAGR's and GRA's modules; ignored by networks that have none.
  public var groups = 8
  /// Kernels n of ARC's modules; ignored by networks that have none.
  public var arcKernels = 4
  /// Channels of the first level; the others have 2, 4 and 8 times as many.
  public var width = 64
  /// Residual blocks a stage.
  public var blocks = 2
  /// Stages whose blocks' first convolutions are replaced.
  public var stages = [Stage].agiNet
  public var scenario = Scenario(sources: [.t1, .t2], target: .pd)
  public var iterations = 120_000
  public var batchSize = 16
  public var learningRate = 1e-4
  /// How the learning rate goes on: the paper's is constant.
  public var schedule = Schedule.constant
  /// A random translation of one source while training, for the experiments on misalignment; none at radius 0.
  public var perturbation = Perturbation(of: .t2, radius: 0)
  /// Decides initial weights, the order of slices and every random number in between.
  public var seed: UInt64 = 1
  /// Iterations between two looks at the validation split, and the most slices one look takes (spread evenly).
  public var validateEvery = 1000, validationSlices = 256
  /// Iterations between two checkpoints.
  public var checkpointEvery = 1000
  public var pix2pix = Pix2Pix.Options()
  public var pgan = PGAN.Options()
  public var mmgan = MMGAN.Options()
  public var medsynth = MedSynth.Options()
  public var ddpm = DDPM.Options()
  public var iddpm = IDDPM.Options()
  public var selfrdb = SelfRDB.Options()

  public init() {}
}

extension Experiment {
  /// Defaults, overlaid with a JSON file's contents, overlaid with `key=value` pairs (dotted keys reach inside).
  /// - Throws: `.notFound` for a missing file, `.malformed` for bad JSON or a value of the wrong kind, `.usage` for an
  ///   unknown key or a value that makes no sense.
  /// - Parameter base: a run's experiment in place of the defaults.
  public init(file: String? = nil, settings: [String] = [], over base: Experiment? = nil) throws {
    var tree = try Experiment.tree(of: base ?? Experiment())
    // A name that no network has, to see whether one is asked for.
    if base == nil { tree["network"] = "" }
    if let file {
      guard let data = FileManager.default.contents(atPath: file) else {
        throw Failure(.notFound, "\(file): no such file, or it cannot be read")
      }
      // Says line and column of what is wrong.
      _ = try StrictJSON.parse(data, file: file)
      guard let overlay = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
        throw Failure(.malformed, "\(file): not a JSON object of experiment settings")
      }
      try Experiment.lay(overlay, over: &tree, path: "", origin: file)
      _ = try Experiment.decoded(tree, .malformed, origin: file)
    }
    for setting in settings {
      guard let equals = setting.firstIndex(of: "=") else {
        throw Failure(.usage, "--set \(setting): write key=value")
      }
      let text = String(setting[setting.index(after: equals)...])
      // What parses as JSON is taken so; the rest is text, so that names need no quotes.
      let value =
        (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) ?? text
      let keys = setting[..<equals].split(separator: ".").map(String.init)
      let overlay = keys.reversed().reduce(value) { [$1: $0] }
      guard let overlay = overlay as? [String: Any] else {
        throw Failure(.usage, "--set \(setting): no key is named")
      }
      try Experiment.lay(overlay, over: &tree, path: "", origin: "--set \(setting)")
      _ = try Experiment.decoded(tree, .usage, origin: "--set \(setting)")
    }
    self = try Experiment.decoded(tree, .unexpected, origin: "experiment")
    if network.isEmpty { network = try MethodCatalog.entry(method).network }
    try check()
  }

  /// The experiment as the JSON that is written into the run folder: every key, sorted.
  public var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
  }

  /// Reads back what `json` wrote, from a checkpoint or a run folder.
  public init(json: String, origin: String) throws {
    do {
      let stored = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] ?? [:]
      var tree = try Experiment.tree(of: Experiment())
      // Every version wrote these; what an earlier one did not know yet had the effect of today's default.
      for key in ["method", "network", "scenario", "iterations", "seed"] { tree[key] = stored[key] }
      try Experiment.lay(stored, over: &tree, path: "", origin: origin)
      self = try JSONDecoder().decode(Experiment.self, from: JSONSerialization.data(withJSONObject: tree))
      try check()
    } catch let error as DecodingError {
      throw Failure(.invalidModel, "\(origin): its experiment does not read: \(Experiment.sentence(error))")
    } catch let failure as Failure {
      throw Failure(
        .invalidModel, failure.message.hasPrefix(origin) ? failure.message : "\(origin): \(failure.message)")
    } catch {
      throw Failure(.invalidModel, "\(origin): its experiment is not JSON")
    }
  }

  /// What differs, as `learningRate 0.1 instead of 0.0001`, in the order of the keys.
  func differences(from other: Experiment) throws -> [String] {
    func leaves(_ value: Any, _ path: String) -> [String: String] {
      guard let object = value as? [String: Any] else { return [path: Experiment.text(value)] }
      return object.reduce(into: [:]) { found, member in
        found.merge(leaves(member.value, path.isEmpty ? member.key : "\(path).\(member.key)")) { $1 }
      }
    }
    let (new, old) = (try leaves(Experiment.tree(of: self), ""), try leaves(Experiment.tree(of: other), ""))
    return new.keys.sorted().filter { new[$0] != old[$0] }.map {
      "\($0) \(new[$0] ?? "") instead of \(old[$0] ?? "")"
    }
  }

  /// A value as JSON writes it.
  private static func text(_ value: Any) -> String {
    let data = try? JSONSerialization.data(withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
  }

  /// Refuses numbers that make no sense before anything is built.
  public func check() throws {
    try checkBounds()
    guard Set(stages).count == stages.count else {
      throw Failure(.usage, "stages: a stage is named twice")
    }
    guard perturbation.radius == 0 || scenario.sources.contains(perturbation.modality) else {
      throw Failure(.usage, "perturbation.modality \(perturbation.modality.rawValue) is none of the sources")
    }
    try MethodCatalog.check(self)
    try NetworkCatalog.check(self)
    guard !scenario.sources.isEmpty, Set(scenario.sources).count == scenario.sources.count,
      !scenario.sources.contains(scenario.target)
    else {
      throw Failure(
        .usage, "\(scenario): name one or more different sources, and a target that is none of them")
    }
  }

  // MARK: - Overlaying

  private static func decoded(_ tree: [String: Any], _ kind: Failure.Kind, origin: String) throws
    -> Experiment
  {
    do {
      return try JSONDecoder().decode(Experiment.self, from: JSONSerialization.data(withJSONObject: tree))
    } catch let error as DecodingError {
      throw Failure(kind, "\(origin): \(sentence(error))")
    }
  }

  private static func tree(of experiment: Experiment) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(experiment))
    return object as? [String: Any] ?? [:]
  }

  private static func lay(
    _ overlay: [String: Any], over tree: inout [String: Any], path: String, origin: String
  ) throws {
    for key in overlay.keys.sorted() {
      guard let before = tree[key] else {
        let known = tree.keys.sorted().map { path + $0 }.joined(separator: ", ")
        throw Failure(.usage, "\(origin): unknown key \(path)\(key); known are \(known)")
      }
      if var inner = before as? [String: Any], let changes = overlay[key] as? [String: Any] {
        try lay(changes, over: &inner, path: "\(path)\(key).", origin: origin)
        tree[key] = inner
      } else {
        tree[key] = overlay[key]
      }
    }
  }

  private static func sentence(_ error: DecodingError) -> String {
    func name(_ context: DecodingError.Context) -> String {
      let keys = context.codingPath.map { $0.intValue.map { "element \($0 + 1)" } ?? $0.stringValue }
      return keys.isEmpty ? "a number" : keys.joined(separator: ".")
    }
    switch error {
    case .typeMismatch(let type, let context): return "\(name(context)) must be \(noun(type))"
    case .keyNotFound(let key, _): return "\(key.stringValue) is missing"
    case .valueNotFound(let type, let context): return "\(name(context)) is null, but must be \(noun(type))"
    case .dataCorrupted(let context):
      let known: [String: [String]] = [
        "discriminator": PatchGANVariant.allCases.map(\.rawValue),
        "longSkip": MedSynth.LongSkip.allCases.map(\.rawValue),
        "stages": Stage.allCases.map(\.rawValue), "sources": Modality.allCases.map(\.rawValue),
        "target": Modality.allCases.map(\.rawValue), "modality": Modality.allCases.map(\.rawValue),
        "betas": BetaSchedule.allCases.map(\.rawValue), "variance": ReverseVariance.allCases.map(\.rawValue),
        "sampler": Sampler.allCases.map(\.rawValue), "injection": TimeInjection.allCases.map(\.rawValue),
      ]
      // An element of a list is known by the list's name.
      let key = context.codingPath.last { $0.intValue == nil }?.stringValue ?? ""
      guard let names = known[key] else { return "\(name(context)): is not in the range of its type" }
      return "\(name(context)) is not known; known are \(names.joined(separator: ", "))"
    @unknown default: return "\(error)"
    }
  }

  private static func noun(_ type: Any.Type) -> String {
    if type is String.Type { return "text" }
    if type is any BinaryInteger.Type { return "a whole number" }
    if type is any BinaryFloatingPoint.Type { return "a number" }
    let name = "\(type)"
    return name.hasPrefix("Array") ? "a list" : name.hasPrefix("Dictionary") ? "an object" : name
  }
}
