import Cohorts
import Experiments
import Imaging
import Inference
import Metrics
import Runs

extension Report {
  /// Where a network stands beside the best baseline, and why it lies below where it does: a sentence, and reasons that the
  /// figures give.
  public struct Standing: Sendable {
    public let sentence: String
    public let reasons: [String]
  }

  /// Of the runs, and of what was trained elsewhere.
  public var standings: [Standing] {
    let models = assessment.models
    let best = Verdict.best(of: Array(models.dropFirst(assessment.networks)))
    return zip(assessment.verdict, models).enumerated().map { index, pair in
      let (sentence, model) = pair
      let run = entries.indices.contains(index) ? entries[index] : nil
      let curve = assessment.outside.first { $0.name == model.name }?.curvedName
      let shortfall = best.flatMap { best in
        Shortfall(
          of: model, below: best, training: run.flatMap(training),
          curved: models.first { $0.name == curve })
      }
      return Standing(sentence: sentence, reasons: shortfall?.sentences ?? [])
    }
  }

  private func training(_ entry: Entry) -> Shortfall.Training? {
    let experiment = entry.run.experiment
    let slices = manifest.subjects.filter { $0.split == .train }.reduce(0) { $0 + $1.slices.count }
    // Patches of a volume are no passes over slices.
    guard experiment.region.dimensions == 2, slices > 0 else { return nil }
    return Shortfall.Training(
      validation: entry.log.validation(.psnr), steps: experiment.iterations,
      passes: Double(experiment.iterations * experiment.batchSize) / Double(slices))
  }
}

extension OutsideModel {
  /// What a reader wants to know of it before its scores.
  var facts: [(name: String, value: String)] {
    let count = written.count
    let who = fittedOn.joined(separator: ", ")
    return [
      ("Trained on", "nothing of this cohort: \(card.trainedOn)"),
      (
        "Images",
        "of \(count.people) in \(number(seconds, 0)) s, \(number(seconds / Double(count), 1)) s each, from their files to files; "
          + "no training"
      ),
      (
        "Brought to the cohort's scale",
        "by one factor for everyone, \(number(factor, 3)) of an image whose foreground has the scale 1: least squares over "
          + "\(who) of the training split; nothing of those who are scored"
      ),
      (curvedName, "a curve of brightness over the same people in place of the factor"),
      ("Versions", card.versionWords),
    ]
  }
}
