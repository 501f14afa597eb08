import Failures
import Files
import Imaging
import Methods
import Networks
import Torch

/// The frameworks that can be named.
public enum MethodCatalog {
  public static let names = frameworks.map { $0.name }

  static func framework(_ name: String) throws -> any Framework.Type {
    guard let framework = frameworks.first(where: { $0.name == name }) else {
      throw Failure(.usage, "method \(UnknownName(name, known: names))")
    }
    return framework
  }

  /// The generators that a method can have at their usual settings, its own first.
  public static func networks(of method: String) throws -> [String] {
    let framework = try framework(method)
    let (scenario, settings) = (Experiment().scenario, GeneratorSettings())
    let shape = framework.shape(SynthesisTask(scenario))
    let kinds = GeneratorKind.catalog.filter { $0.refusal(shape, settings) == nil }
    return [NetworkCatalog.published] + kinds.map(\.name)
  }

  /// The networks at their starting values.
  /// - Throws: `.usage` for a network that cannot be built so.
  public static func build(_ experiment: Experiment, device: Device) throws -> any Method {
    let framework = try framework(experiment.method)
    return framework.make(experiment, try experiment.generator(), device)
  }

  /// - Throws: `.usage` for a method or a network that does not exist, or was given options that make no sense.
  static func check(_ experiment: Experiment) throws {
    for framework in frameworks {
      if let refusal = framework.refusal(of: experiment) { throw Failure(.usage, refusal) }
    }
    let framework = try framework(experiment.method)
    if let mismatch = framework.mismatch(of: experiment) { throw Failure(.usage, mismatch) }
    _ = try experiment.generator()
  }

  /// Refuses images that the method's networks cannot be trained on, and files that training cannot use.
  /// - Parameter slice: rows and columns of the cohort's slices.
  /// - Throws: `.inconsistent` with what is needed, or what is wrong with a file.
  package static func check(_ experiment: Experiment, onSlices slice: Extent) throws {
    let extent = experiment.extent(ofSlices: slice)
    let framework = try framework(experiment.method)
    let demands = framework.demands(of: experiment, try experiment.generator())
    let pads = framework.pads(experiment)
    for demand in demands {
      guard let reason = try demand.refusal(of: extent, in: framework.name, pads: pads) else { continue }
      let images = extent.dimensions == 2 ? "the cohort's slices" : "the patches"
      throw Failure(.inconsistent, "\(images) are \(extent); \(reason)")
    }
  }
}

/// What an experiment says to a framework.
extension Framework {
  static func refusal(of experiment: Experiment) -> String? {
    experiment[Self.self].refusal.map { "\(name).\($0)" }
  }

  static func mismatch(of experiment: Experiment) -> String? {
    mismatch(experiment[Self.self], experiment.scenario).map { "\(name).\($0)" }
  }

  static func title(of experiment: Experiment) -> String { title(experiment[Self.self]) }

  static func ownGenerator(of experiment: Experiment) throws -> GeneratorKind {
    try generator(experiment[Self.self], experiment.task())
  }

  static func demands(of experiment: Experiment, _ generator: GeneratorKind) -> [Demand] {
    demands(experiment[Self.self], generator)
  }

  static func dimensions(of experiment: Experiment) -> ClosedRange<Int> { dimensions(experiment[Self.self]) }

  static func pads(_ experiment: Experiment) -> Bool? { pads(experiment[Self.self]) }

  static func processSteps(of experiment: Experiment) -> Int? { processSteps(experiment[Self.self]) }

  static func make(_ experiment: Experiment, _ generator: GeneratorKind, _ device: Device) -> any Method {
    make(experiment.task(on: device), experiment[Self.self], generator)
  }

  static func fit(_ experiment: inout Experiment, to extent: Extent) {
    experiment[Self.self] = fitted(experiment[Self.self], to: extent, width: experiment.network.width)
  }

  static func makeThorough(_ experiment: inout Experiment) {
    experiment[Self.self] = thorough(experiment[Self.self])
  }
}
