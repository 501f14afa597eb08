import Cohorts
import Experiments
import Failures
import Metrics
import Runs

/// The subjects of a split that are pictured, each with the reason.
struct ShownSubjects {
  let subjects: [(subject: CohortManifest.Subject, reason: String)]

  init(_ named: [String], of assessment: Assessment, in cohort: PreparedCohort) throws {
    let known = cohort.subjects(in: assessment.split)
    let reasons =
      named.isEmpty
      ? ShownSubjects.typical(
        assessment.models.first?.subjects ?? [], model: assessment.models.first?.name ?? "")
      : named.map { (id: $0, reason: "chosen by name") }
    subjects = try reasons.map { id, reason in
      guard let subject = known.first(where: { $0.id == id }) else {
        throw Failure(
          .usage,
          "\(cohort.folder): subject \(id) is not in the \(assessment.split.rawValue) split; it has "
            + known.map(\.id).joined(separator: ", "))
      }
      return (subject, reason)
    }
  }

  /// The subjects with the median and with the lowest PSNR; one where they are the same.
  static func typical(_ scores: [SubjectScores], model: String) -> [(id: String, reason: String)] {
    let ranked =
      scores.compactMap { score in score.values[.psnr].map { (id: score.subject, psnr: $0) } }
      .sorted { ($0.psnr, $0.id) < ($1.psnr, $1.id) }
    guard let worst = ranked.first else {
      return scores.prefix(1).map { ($0.subject, "the first subject; it has no finite PSNR") }
    }
    let median = ranked[(ranked.count - 1) / 2]
    func reason(_ what: String, _ psnr: Double) -> String {
      "\(what) PSNR of \(model), \(number(psnr, 2)) dB"
    }
    if ranked.count == 1 { return [(worst.id, "the only subject; " + reason("mean", worst.psnr))] }
    let lowest = (id: worst.id, reason: reason("the lowest", worst.psnr))
    return median.id == worst.id ? [lowest] : [(median.id, reason("the median", median.psnr)), lowest]
  }
}
