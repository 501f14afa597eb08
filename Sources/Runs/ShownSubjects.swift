import Cohorts
import Failures
import Imaging
import Metrics

/// The subjects of a split that are pictured, each with the reason and with what was predicted when it was scored.
public struct ShownSubjects: Sendable {
  public enum Choice: Sendable {
    /// The one with the median and the one with the lowest figure of the first run: PSNR, or of a segmentation 3-D Dice,
    /// averaged over its regions.
    case typical
    case named([String])
  }

  /// Why a subject is shown, with that figure: PSNR in dB, over its slices, or Dice from 0 to 1.
  public enum Reason: Sendable, Equatable {
    case named
    case median(Double)
    case lowest(Double)
    case only(Double)
    /// The first one, where no figure is finite.
    case first
  }

  public private(set) var subjects: [(subject: CohortManifest.Subject, reason: Reason)] = []
  private let split: Split
  private let cohort: PreparedCohort
  /// Whether the first run's scores are still to decide.
  private(set) var isOpen: Bool
  /// By subject, model and slice: `extent` values, not clamped.
  private var kept: [String: [String: [Int: [Float]]]] = [:]

  /// - Throws: `.usage` for a name that is not in the split.
  init(_ choice: Choice?, in split: Split, of cohort: PreparedCohort) throws {
    (self.split, self.cohort) = (split, cohort)
    if case .named(let names) = choice {
      isOpen = false
      subjects = try names.map { (try subject($0), .named) }
    } else {
      isOpen = choice != nil
    }
  }

  /// What a model made of one of the slices, `extent` values; nil where that was not kept.
  public func prediction(of subject: String, slice: Int, by model: String) -> [Float]? {
    kept[subject]?[model]?[slice]
  }

  private func subject(_ id: String) throws -> CohortManifest.Subject {
    let known = cohort.subjects(in: split)
    guard let subject = known.first(where: { $0.id == id }) else {
      throw Failure(
        .usage,
        "\(cohort.folder): subject \(id) is not in the \(split.rawValue) split; it has "
          + known.map(\.id).joined(separator: ", "))
    }
    return subject
  }

  /// Takes what was predicted for a batch, as far as it may be shown.
  mutating func keep(_ values: [Float], for batch: SampleBatch, by model: String) {
    for (reference, image) in batch.images(in: values)
    where isOpen || subjects.contains(where: { $0.subject.id == reference.subject }) {
      kept[reference.subject, default: [:]][model, default: [:]][reference.slice] = image
    }
  }

  /// Chooses by the first run's figures of every subject, and forgets all others.
  mutating func choose(by figures: [(id: String, figure: Double?)]) throws {
    guard isOpen else { return }
    isOpen = false
    subjects = try ShownSubjects.typical(figures).map { (try subject($0.id), $0.reason) }
    kept = kept.filter { id, _ in subjects.contains { $0.subject.id == id } }
  }

  /// The subjects with the median and with the lowest PSNR; one where they are the same.
  package static func typical(_ scores: Scores) -> [(id: String, reason: Reason)] {
    typical(scores.subjects.map { ($0.subject, $0.values[.psnr]) })
  }

  package static func typical(_ figures: [(id: String, figure: Double?)]) -> [(id: String, reason: Reason)] {
    let ranked =
      figures.compactMap { id, figure in figure.map { (id: id, figure: $0) } }
      .sorted { ($0.figure, $0.id) < ($1.figure, $1.id) }
    guard let worst = ranked.first else { return figures.prefix(1).map { ($0.id, .first) } }
    if ranked.count == 1 { return [(worst.id, .only(worst.figure))] }
    let median = ranked[(ranked.count - 1) / 2]
    let lowest = (id: worst.id, reason: Reason.lowest(worst.figure))
    return median.id == worst.id ? [lowest] : [(median.id, .median(median.figure)), lowest]
  }
}

extension SampleBatch {
  /// `count x extent` values, sample by sample.
  package func images(in values: [Float]) -> [(reference: SampleReference, image: [Float])] {
    let length = extent.count
    return references.enumerated().map { ($1, Array(values[$0 * length..<($0 + 1) * length])) }
  }
}
