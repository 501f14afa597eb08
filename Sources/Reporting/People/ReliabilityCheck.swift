import Foundation
import Inference
import Metrics
import Runs

/// Whether a model's own word on how far it can be relied on holds, by what was measured of the same people.
struct ReliabilityCheck {
  let model: String
  /// Reliability and figure in the brain, both in dB.
  let points: [SIMD2<Double>]

  init(of model: String, in assessment: PeopleAssessment) {
    self.model = model
    points = assessment.rows.filter { $0.method == model }.compactMap { row in
      guard let reliability = row.reliability, let figure = row.values[.brain], figure.isFinite else {
        return nil
      }
      return [reliability, figure]
    }
  }

  /// Nil where there are fewer than ten, of which it would tell nothing, or where one of both is always the same.
  var correlation: Double? {
    guard points.count >= 10 else { return nil }
    let mask = [Bool](repeating: true, count: points.count)
    let correlation = Agreement(points.map { Float($0.x) }, points.map { Float($0.y) }, inside: mask)
      .correlation
    return correlation.isFinite ? correlation : nil
  }

  /// How many would be refused, and which of the images are worse than one intensity, by whether they would be.
  var words: String {
    let flagged = points.filter { $0.x < Verification.level }
    let poor = { (points: [SIMD2<Double>]) in points.count { $0.y < 0 } }
    let others = points.count - flagged.count
    return
      "\(model): of \(Table.counted(points.count, "image")) \(flagged.count) would be refused, and of these "
      + "\(poor(flagged)) would have been worse than an image of one intensity; of the \(others) that would not, "
      + "\(poor(points) - poor(flagged))."
      + (correlation.map { " Reliability and figure are correlated by \(number($0, 2))." } ?? "")
  }
}
