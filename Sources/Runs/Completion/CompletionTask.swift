import Cohorts
import Failures
import Imaging

/// A visit of a person, and what is wanted of it.
struct CompletionTask: Sendable {
  let subject: Subject
  /// What a model takes of the scans, in its order.
  let files: [(modality: Modality, path: String)]
  /// The contrasts that are wanted and lacking.
  let lacking: [Modality]
  /// Scans of contrasts that are wanted and there.
  private let present: [String]
  /// Why nothing can be computed.
  private let hindrance: String?
  private let alignment: ScanAlignment

  /// - Parameter alignment: how scans come onto one grid.
  init(_ subject: Subject, wanted: [Modality], scenario: Scenario, by alignment: ScanAlignment) {
    let sources = scenario.sources
    (self.subject, self.alignment) = (subject, alignment)
    files = sources.compactMap { modality in subject.files[modality].map { (modality, $0) } }
    // A contrast that is there, and cannot be used, is not lacking.
    lacking = wanted.filter { subject.files[$0] == nil && subject.problems[$0] == nil }
    present = wanted.compactMap { subject.files[$0] }
    let missing = sources.filter { subject.files[$0] == nil }
    hindrance =
      sources.compactMap { subject.problems[$0] }.first
      ?? (missing.count == sources.count
        ? "has no scan of \(sources.titles), of which the model takes any"
          + (subject.remark.map { "; \($0)" } ?? "")
        : scenario.target != .missing && !missing.isEmpty
          ? "has no \(missing.titles), which the model needs" : nil)
  }

  var canBegin: Bool { hindrance == nil && !lacking.isEmpty }

  /// What its images are called; only where `check` passes.
  var name: DerivativeName {
    let reference = alignment.reference(of: files.map(\.modality))
    return DerivativeName(of: subject, like: (files.first { $0.modality == reference } ?? files[0]).path)
  }

  /// Looks at headers of what counts as there: a name alone is no contrast.
  /// - Throws: what reading a header throws.
  func checkPresent() throws {
    for path in present { _ = try NIfTI.readHeader(path: path, limit: .max) }
  }

  /// - Throws: `.inconsistent` where nothing can be computed of what there is.
  func check() throws {
    if let hindrance { throw Failure(.inconsistent, hindrance) }
  }

  /// The person before anything is computed.
  var person: CompletedPerson {
    CompletedPerson(
      id: subject.id, participant: subject.patient, session: subject.session, given: subject.modalities,
      lacking: lacking)
  }
}
