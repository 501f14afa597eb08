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

  /// The copies of every source: by the 99.5th percentile of the volumes, and by the scale that all are compared by; then what
  /// is fitted to the very target.
  static func all(of scenario: Scenario, _ person: PersonScans) throws -> [Prediction] {
    let target = try scenario.contrast
    guard let truth = person.images[target], let upper = person.percentiles[target] else { return [] }
    let sources = scenario.sources.compactMap { source in person.images[source].map { (source, $0) } }
    var predictions: [Prediction] = []
    for (source, image) in sources {
      let share = Float(upper / (person.percentiles[source] ?? upper))
      predictions.append(
        Prediction(method: copy, image: image.map { $0 * share }, isFitted: true, detail: source.title))
      predictions.append(Prediction(method: scaledCopy, image: image, detail: source.title))
      let line = Agreement(image, truth, inside: person.regions.brain).line
      predictions.append(
        Prediction(
          method: affine, image: image.map { Float(line.gain * Double($0) + line.offset) }, isFitted: true,
          detail: source.title))
    }
    let ceiling = truth.max() ?? 1
    var fit = IntensityLookup.Fit(sources: scenario.sources.map(\.rawValue), target: target.rawValue)
    let entered = sources.map { _, image in scaled(image) }
    let brain = person.regions.brain
    fit.add(
      sources: entered, target: truth.indices.map { brain[$0] ? truth[$0] / ceiling : .nan })
    if let table = fit.finished() {
      predictions.append(
        Prediction(method: ownLookup, image: table(entered).map { $0 * ceiling }, isFitted: true))
    }
    return predictions
  }

  /// A table's cells are equal: of an image what lies below its 99.5th percentile has them.
  private static func scaled(_ image: [Float]) -> [Float] {
    let upper = Float(Percentile.of(image, 99.5) ?? 1)
    return image.map { $0 / max(upper, .leastNormalMagnitude) }
  }
}
