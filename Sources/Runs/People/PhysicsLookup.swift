import Cohorts
import Imaging
import Metrics

/// The look-up from physics alone: the mean answer of computed heads, given the intensities that a voxel has in the sources.
///
/// What it reaches on a person is what knowing the physics of MRI is worth without looking at more than one voxel.
public struct PhysicsLookup: Sendable {
  private var tables: [Scenario: IntensityLookup] = [:]

  /// Intensities above this share of what a network sees at most are read as this: a table's cells are equal, and few tissues
  /// lie so high.
  private static let span: Float = 1.2
  private static let stride = 3

  /// - Parameters:
  ///   - scenarios: each of one contrast.
  ///   - draws: batches to draw.
  ///   - batch: computed heads by number, scaled as a model of whatever is missing sees them.
  public init(
    for scenarios: [Scenario], draws: Int, progress: (Int, Int) throws -> Void = { _, _ in },
    batch: (Int) throws -> SampleBatch
  ) throws {
    var fits = try scenarios.map { scenario in
      IntensityLookup.Fit(
        sources: scenario.sources.map(\.rawValue), target: try scenario.contrast.rawValue)
    }
    for number in 0..<draws {
      let heads = try batch(number)
      for (index, scenario) in scenarios.enumerated() {
        let sources = scenario.sources.map { PhysicsLookup.entered(heads.target($0)) }
        var answer = heads.target(of: scenario)
        for voxel in answer.indices {
          // A part of the voxels tells as much, in a part of the time.
          let isSeen = voxel % PhysicsLookup.stride == 0 && (heads.weights.map { $0[voxel] > 0 } ?? true)
          let isEmpty = sources.allSatisfy { $0[voxel] <= 0 } && answer[voxel] <= 0
          answer[voxel] = isSeen && !isEmpty ? answer[voxel] / IntensityRule.foreground.ceiling : .nan
        }
        fits[index].add(sources: sources, target: answer)
      }
      try progress(number + 1, draws)
    }
    for (scenario, fit) in zip(scenarios, fits) { tables[scenario] = fit.finished() }
  }

  private static func entered(_ image: [Float]) -> [Float] { image.map { $0 / span } }

  /// - Parameter images: by contrast, scaled as a model of whatever is missing sees them.
  /// - Returns: nil for a scenario that it was not fitted for, or an image that is not there.
  public func callAsFunction(_ scenario: Scenario, _ images: [Modality: [Float]]) -> [Float]? {
    guard let table = tables[scenario], scenario.sources.allSatisfy({ images[$0] != nil }) else { return nil }
    return table(scenario.sources.compactMap { images[$0].map(PhysicsLookup.entered) }).map {
      $0 * IntensityRule.foreground.ceiling
    }
  }
}

extension PhysicsLookup {
  /// Of heads that are computed from label maps, as networks are trained on them, but either all of them stripped or none.
  /// - Parameter draws: batches of four slices.
  /// - Throws: `.usage` for options that mean nothing.
  public init(
    for scenarios: [Scenario], from anatomies: Anatomies, stripped: Bool,
    _ options: PhysicsOptions = PhysicsOptions(), draws: Int = 250, seed: UInt64 = 1,
    progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws {
    let modalities = Modality.allCases.filter { modality in
      scenarios.contains { $0.modalities.contains(modality) }
    }
    var options = options
    options.anatomy.wholeHeads = stripped ? 0 : 1
    let sampler = try PhysicsSampler(
      anatomies, options, modalities: modalities, extent: Extent(128, 128), batchSize: 4, seed: seed)
    try self.init(for: scenarios, draws: draws, progress: progress, batch: sampler.batch)
  }
}
