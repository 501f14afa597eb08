import Cohorts
import Metrics
import Runs

/// Whether the networks are better than what costs nothing, in plain sentences.
package struct Verdict {
  package let sentences: [String]

  /// - Parameters:
  ///   - models: scores of the networks, then of the baselines.
  ///   - networks: how many are networks.
  package init(_ models: [Scores], networks: Int, split: String) {
    guard let best = Verdict.best(of: Array(models.dropFirst(networks))) else {
      sentences = ["There is no baseline to compare with."]
      return
    }
    sentences = models.prefix(networks).map { model in
      guard let paired = model.compared(with: best, .psnr) else {
        return "\(model.name) and the best baseline have no slice in common with a finite PSNR."
      }
      return Verdict.sentence(model.name, best.name, paired, split: split)
    }
  }

  /// The baseline that is hardest to beat: the one with the highest PSNR, averaged over subjects.
  package static func best(of baselines: [Scores]) -> Scores? {
    // One without a finite mean left no error anywhere.
    func level(_ scores: Scores) -> Double { scores.overSubjects(.psnr).mean ?? .infinity }
    return baselines.max { level($0) < level($1) }
  }

  package static func sentence(_ model: String, _ baseline: String, _ paired: PairedComparison, split: String)
    -> String
  {
    let size = number(abs(paired.mean), 2)
    let over = "the best baseline (\(baseline))"
    let people = "over \(paired.count) people of the \(split) split"
    guard let lower = paired.lower, let upper = paired.upper else {
      let side = paired.mean < 0 ? "below" : "above"
      return
        "\(model): \(PairedComparison.tooFew(paired.count)). Its PSNR is \(size) dB \(side) that of \(over) on the \(split) "
        + "split."
    }
    let interval = "95 % t interval \(number(lower, 2)) to \(number(upper, 2)) dB"
    switch paired.outcome {
    case .better: return "\(model) beats \(over) by \(size) dB PSNR \(people) (\(interval))."
    case .worse:
      return "\(model) does not beat \(over): it is \(size) dB PSNR below it \(people) (\(interval))."
    default:
      return
        "\(model) does not clearly beat \(over): the difference of \(number(paired.mean, 2)) dB PSNR \(people) "
        + "cannot be told from none (\(interval))."
    }
  }
}

extension Assessment {
  package var verdict: [String] { Verdict(models, networks: networks, split: split.rawValue).sentences }
}
