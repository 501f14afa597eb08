import Metrics

/// Whether the networks are better than what costs nothing, in plain sentences.
package struct Verdict {
  /// One sentence a network.
  package let sentences: [String]

  /// - Parameters:
  ///   - models: scores of the networks, then of the baselines.
  ///   - networks: how many are networks.
  package init(_ models: [Scores], networks: Int, split: String) {
    let baselines = models.dropFirst(networks)
    // A baseline without a finite mean left no error anywhere, and so is the one to beat.
    func level(_ scores: Scores) -> Double { scores.overSubjects(.psnr).mean ?? .infinity }
    guard let best = baselines.max(by: { level($0) < level($1) }) else {
      sentences = ["There is no baseline to compare with."]
      return
    }
    sentences = models.prefix(networks).map { model in
      guard let paired = model.compared(with: best, .psnr) else {
        return "\(model.name) and the best baseline have no subject in common with a finite PSNR."
      }
      return Verdict.sentence(model.name, best.name, paired, split: split)
    }
  }

  package static func sentence(_ model: String, _ baseline: String, _ paired: PairedComparison, split: String)
    -> String
  {
    let size = number(abs(paired.mean), 2)
    let over = "the best baseline (\(baseline))"
    guard paired.count > 1 else {
      let word = paired.mean > 0 ? "beats" : "does not beat"
      return
        "\(model) \(word) \(over): it is \(size) dB \(paired.mean > 0 ? "above" : "below") it in PSNR on the "
        + "only \(split) subject, from which no interval can be given."
    }
    let subjects = "over \(paired.count) \(split) subjects"
    let interval = "95 % bootstrap interval \(number(paired.lower, 2)) to \(number(paired.upper, 2)) dB"
    if paired.lower > 0 { return "\(model) beats \(over) by \(size) dB PSNR \(subjects) (\(interval))." }
    if paired.upper < 0 {
      return "\(model) does not beat \(over): it is \(size) dB PSNR below it \(subjects) (\(interval))."
    }
    return
      "\(model) does not clearly beat \(over): the difference of \(number(paired.mean, 2)) dB PSNR \(subjects) "
      + "cannot be told from none (\(interval))."
  }
}
