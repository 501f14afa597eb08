import Cohorts
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
    let experiment = Experiment()
    let shape = try experiment.options[framework(method)].shape(SynthesisTask(experiment.scenario))
    let kinds = GeneratorKind.catalog.filter { $0.refusal(shape, GeneratorSettings()) == nil }
    return [NetworkCatalog.published] + kinds.map(\.name)
  }

  /// The networks at their starting values.
  /// - Throws: `.usage` for a network that cannot be built so.
  public static func build(_ experiment: Experiment, device: Device) throws -> any Method {
    try experiment.told().make(experiment.task(on: device), experiment.generator())
  }

  /// - Throws: `.usage` for a method or a network that does not exist, or was given options that make no sense.
  static func check(_ experiment: Experiment) throws {
    for framework in frameworks {
      guard let refusal = experiment.options[framework].refusal else { continue }
      throw Failure(.usage, "\(framework.name).\(refusal)")
    }
    guard try (experiment.told().segments == nil) == (experiment.scenario.target != .labels) else {
      let target = experiment.scenario.target
      throw Failure(
        .usage,
        target == .labels
          ? "method \(experiment.method) makes images; labels are found by method \(Segmentation.name)"
          : "method \(experiment.method) finds labels, no \(target.title); leave the target out")
    }
    try checkWhatIsMade(by: experiment)
    if let mismatch = try experiment.told().mismatch(experiment.scenario) {
      throw Failure(.usage, "\(experiment.method).\(mismatch)")
    }
    _ = try experiment.generator()
  }

  /// Refuses another target of what completes, and of all else the one that only that has.
  private static func checkWhatIsMade(by experiment: Experiment) throws {
    let (method, scenario) = (experiment.method, experiment.scenario)
    switch (try experiment.told().completes, scenario.target == .missing) {
    case (true, false):
      throw Failure(
        .usage,
        "method \(method) makes whatever is missing of its sources, no \(scenario.target.title) alone; leave the target out"
      )
    case (false, true):
      let able = frameworks.filter { experiment.options[$0].completes }.map { $0.name }
      throw Failure(
        .usage,
        "method \(method) makes one contrast; whatever is missing is made by method \(able.joined(separator: ", "))"
      )
    case (true, true) where scenario.sources.count < 2:
      throw Failure(
        .usage,
        "method \(method) makes some contrasts of others: name two or more, not \(scenario.sources.titles)")
    default: break
    }
  }

  /// Refuses a cohort that the method's networks cannot be trained on, and files that training cannot use.
  /// - Throws: as `check(_:onSlices:)`.
  package static func check(_ experiment: Experiment, on cohort: PreparedCohort) throws {
    try check(experiment.fitted(toVolumes: cohort.largestVolume), onSlices: cohort.manifest.extent)
  }

  /// Refuses images that the method's networks cannot be trained on, and files that training cannot use.
  /// - Parameter slice: rows and columns of the cohort's slices.
  /// - Throws: `.inconsistent` with what is needed, or what is wrong with a file.
  package static func check(_ experiment: Experiment, onSlices slice: Extent) throws {
    let extent = experiment.extent(ofSlices: slice)
    let framework = try framework(experiment.method)
    let demands = try experiment.told().demands(experiment.generator())
    // A U-Net of slices that is named has all its levels: zeros up to those would be most of a volume.
    let isNamed = extent.dimensions == 3 && !experiment.hasOwnGenerator
    let pads = try isNamed ? nil : experiment.told().pads
    for demand in demands {
      guard let reason = try demand.refusal(of: extent, in: framework.name, pads: pads) else { continue }
      let images = extent.dimensions == 2 ? "the cohort's slices" : "the patches"
      var remedy = ""
      if isNamed, case .multiple = demand {
        remedy =
          ", as network \(experiment.network.name) halves them; name another, "
          + "or the method's own (\(Term.network(NetworkCatalog.published)))"
      }
      throw Failure(.inconsistent, "\(images) are \(extent); \(reason)\(remedy)")
    }
  }
}
