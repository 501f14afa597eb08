import Imaging
import Metrics

/// What a person's own scans are worth without a network.
enum PersonBaselines {
  /// A prediction with its name in tables.
  struct Prediction {
    var method: String
    var image: [Float]
    /// Whether it was fitted to the target, so that it is a ceiling and has the target's scale.
    var isFitted = false
    /// What it came from, where that is not said by its name.
    var detail = ""
  }

  static let copy = "Copy", scaledCopy = "Scaled copy", physics = "Physics look-up"
  static let affine = "Ceiling: affine copy", ownLookup = "Ceiling: own look-up"
  /// What was fitted to the very target, and so is no rival of what never saw it.
  static let ceilings: Set = [affine, ownLookup]

  /// One source copied: by the 99.5th percentile of the volumes, by the scale that all are compared by, and along the line
  /// that is fitted to the very target.
  static func copies(of source: Modality, as target: Modality, _ person: PersonScans) -> [Prediction] {
    guard let truth = person.images[target], let upper = person.percentiles[target],
      let image = person.images[source], let own = person.percentiles[source]
    else { return [] }
    let share = Float(upper / own)
    let line = Agreement(image, truth, inside: person.regions.brain).line
    return [
      Prediction(
        method: copy, image: image.map { $0 * share }, isFitted: true, detail: source.title),
      Prediction(method: scaledCopy, image: image, detail: source.title),
      Prediction(
        method: affine, image: image.map { Float(line.gain * Double($0) + line.offset) }, isFitted: true,
        detail: source.title),
    ]
  }

  /// What is the most that can be told from one voxel alone: the look-up that is fitted to the very target.
  static func ownLookup(_ scenario: Scenario, _ person: PersonScans) throws -> Prediction? {
    let target = try scenario.contrast
    guard let truth = person.images[target] else { return nil }
    let ceiling = truth.max() ?? 1
    var fit = IntensityLookup.Fit(sources: scenario.sources.map(\.rawValue), target: target.rawValue)
    let entered = scenario.sources.compactMap { person.images[$0].map(scaled) }
    let brain = person.regions.brain
    fit.add(
      sources: entered, target: truth.indices.map { brain[$0] ? truth[$0] / ceiling : .nan })
    return fit.finished().map { table in
      Prediction(method: ownLookup, image: table(entered).map { $0 * ceiling }, isFitted: true)
    }
  }

  /// A table's cells are equal: of an image what lies below its 99.5th percentile has them.
  private static func scaled(_ image: [Float]) -> [Float] {
    let upper = Float(Percentile.of(image, 99.5) ?? 1)
    return image.map { $0 / max(upper, .leastNormalMagnitude) }
  }
}
