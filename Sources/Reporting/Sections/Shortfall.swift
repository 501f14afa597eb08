import Metrics

/// Why a network lies below a baseline, as far as figures say.
package struct Shortfall {
  /// How a network was trained.
  package struct Training {
    /// PSNR in dB by step.
    package var validation: [Chart.Point]
    package var steps: Int
    /// How often it saw the training split.
    package var passes: Double

    package init(validation: [Chart.Point], steps: Int, passes: Double) {
      (self.validation, self.steps, self.passes) = (validation, steps, passes)
    }

    /// What the last quarter of the steps brought, in dB; nil without validation before and in it.
    var late: Double? {
      let (early, late) = (
        validation.filter { $0.x <= 0.75 * Double(steps) }, validation.filter { $0.x > 0.75 * Double(steps) }
      )
      guard let before = early.map(\.y).max(), let after = late.map(\.y).max() else { return nil }
      return after - before
    }
  }

  package let sentences: [String]

  /// A rise of validation, in dB, from which on training was stopped while it still brought something.
  private static let rise = 0.1
  /// Passes over the training split below which no training has settled.
  private static let settled = 2.0

  /// - Parameters:
  ///   - training: of a network that was trained on the cohort.
  ///   - curved: the scores of the same images with a fitted curve of brightness.
  /// - Returns: nil where the model does not lie below, or nothing can be compared.
  package init?(
    of model: Scores, below baseline: Scores, training: Training? = nil, curved: Scores? = nil
  ) {
    guard let psnr = model.compared(with: baseline, .psnr), psnr.mean < 0 else { return nil }
    sentences = [
      Shortfall.place(of: model, below: baseline), training.flatMap(Shortfall.words),
      curved.flatMap { $0.compared(with: baseline, .psnr) }.map {
        Shortfall.words(curved: $0.mean, instead: psnr.mean)
      },
    ].compactMap { $0 }
  }

  /// Where the difference lies, and whether in brightness or in structure.
  private static func place(of model: Scores, below baseline: Scores) -> String? {
    let parts = [("in the brain", Metric.psnrBrain), ("within the lesions", .psnrLesion)].compactMap {
      place, metric in
      model.compared(with: baseline, metric).map {
        "\(number(abs($0.mean), 2)) dB \($0.mean < 0 ? "below" : "above") \(place)"
      }
    }
    var clauses = parts.isEmpty ? [] : ["it is " + parts.joined(separator: " and ")]
    if let mine = model.overSubjects(.ssim).mean, let theirs = baseline.overSubjects(.ssim).mean {
      let figures = [mine, theirs].map { number($0 * Metric.ssim.scale, 1) }
      clauses.append(
        "its SSIM is \(figures[0]) against \(figures[1]) %, so "
          + (mine > theirs
            ? "its structure is the nearer one and its brightness is what is off"
            : "its structure is further off too"))
    }
    guard !clauses.isEmpty else { return nil }
    let text = clauses.joined(separator: "; ")
    return text.prefix(1).uppercased() + text.dropFirst() + "."
  }

  private static func words(_ training: Training) -> String? {
    guard let late = training.late else { return nil }
    let seen =
      "it saw the training split \(number(training.passes, 1)) times in \(grouped(training.steps)) steps, and in the "
      + "last quarter of them its validation PSNR"
    if late >= rise { return "Training was short: \(seen) still rose by \(number(late, 2)) dB." }
    let rest = late > 0 ? "rose by no more than \(number(late, 2)) dB" : "did not rise"
    // So few passes are no training that has settled, whatever a few validation slices say.
    return training.passes < settled
      ? "Training was short, though validation does not show it: \(seen) \(rest)."
      : "More steps of the same kind would hardly help: \(seen) \(rest)."
  }

  /// - Parameters: both in dB over the baseline.
  private static func words(curved: Double, instead factor: Double) -> String {
    let (gain, lack) = (number(curved - factor, 2), number(-factor, 2))
    let side = "\(number(abs(curved), 2)) dB \(curved < 0 ? "below" : "above")"
    guard curved > factor else {
      return "A curve of brightness in place of the one factor does not help it: it is then \(side)."
    }
    return
      "It was never told how bright these scanners make a tissue: with a curve of brightness, fitted on the same people, in "
      + "place of the one factor it is \(side). "
      + (curved < 0
        ? "So \(gain) dB of the \(lack) are brightness, and the rest is structure."
        : "So all of the \(lack) dB are brightness.")
  }
}
