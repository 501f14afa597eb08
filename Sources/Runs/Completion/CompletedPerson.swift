import Cohorts
import Failures
import Files
import Foundation
import Imaging

/// What became of one visit of one person: the contrasts that were lacking, which of them stand there now, and what is to be
/// said of them. It stands as JSON in the `logs` of a folder of derivatives.
public struct CompletedPerson: Codable, Sendable, Equatable {
  /// What became of it all.
  public enum State: String, Choice {
    /// All that was wanted is there, and some of it was computed now.
    case completed
    /// All that was wanted stood there before.
    case kept
    /// Nothing that was wanted was lacking.
    case whole
    /// Some or all of it could not be made.
    case failed
  }

  /// A contrast that was computed, now or before.
  public struct Image: Codable, Sendable, Equatable {
    public var modality: Modality
    /// From the folder of derivatives.
    public var file: String
    /// What it was computed by; nil where the file beside it does not tell.
    public var model: CompletionModel?
  }

  /// `sub-01_ses-02`
  public var id: String
  public var participant: String
  public var session: String?
  public var given: [Modality]
  /// The contrasts that were wanted and lacking.
  public var lacking: [Modality]
  public var images: [Image] = []
  public var state = State.whole
  /// How far the model can be relied on here, in dB over a constant image, and in words; nil where it was not told.
  public var reliability: Double?
  public var reliabilityWords: String?
  /// What a reader should know, one sentence each.
  public var notes: [String] = []
  /// What became of images that an earlier run made and this one did not, one sentence each; nil where nothing is to be said.
  public var leftovers: [String]?
  /// Why something could not be made, and the exit code that says so.
  public var failure: String?
  public var code: Int32?
  /// Pictures, from the folder of derivatives; nil where there is nothing to show.
  public var figure: String?
  /// The scans that were given, from the data set's folder.
  public var sources: [Modality: String] = [:]
  /// Where scans came to lie that were brought onto one grid; nil where they had to lie on one.
  public var placements: [ScanPlacement]?

  /// All that is to be said of the person, the worst first.
  package var remarks: [String] { [failure].compactMap { $0 } + (leftovers ?? []) + notes }

  init(id: String, participant: String, session: String?, given: [Modality], lacking: [Modality]) {
    (self.id, self.participant, self.session) = (id, participant, session)
    (self.given, self.lacking) = (given, lacking)
  }

  /// - Parameter folders: those of the data set and of the derivatives: files are told from there, wherever they lie.
  mutating func fail(_ failure: Failure, in folders: [String]) {
    state = .failed
    (self.failure, code) = (failure.message.relative(to: folders), failure.kind.rawValue)
  }
}

extension [CompletedPerson] {
  /// A row for everyone, as BIDS has tables: tabs between, `n/a` where nothing is to be said.
  package var table: String {
    func words(_ parts: [String]) -> String {
      let text = parts.joined(separator: "; ").replacing("\t", with: " ")
      return text.isEmpty ? "n/a" : text
    }
    func names(_ modalities: [Modality]) -> String {
      modalities.isEmpty ? "n/a" : modalities.map(\.title).joined(separator: ",")
    }
    let head = CompletedPerson.columns.map(\.name)
    let rows = map { person in
      let made = person.images.map(\.modality)
      return [
        person.participant, person.session ?? "n/a", person.state.rawValue, names(person.given), names(made),
        names(person.lacking.filter { !made.contains($0) }),
        person.reliability.map { String(format: "%.2f", $0) } ?? "n/a",
        person.images.isEmpty ? "n/a" : person.images.map(\.file).joined(separator: ","),
        words(person.remarks),
      ]
    }
    return ([head] + rows).map { $0.joined(separator: "\t") + "\n" }.joined()
  }

  /// Why the work is not done; nil where it is. Where all failed alike, with the kind that they have in common.
  public var failure: Failure? { failure(naming: true) }

  /// - Parameter naming: whether who failed and why is part of the line; not where each was told of already.
  public func failure(naming: Bool) -> Failure? {
    let failed = filter { $0.state == .failed }
    guard let first = failed.first else { return nil }
    let reasons = failed.map { "\($0.id) (\($0.failure ?? "not made"))" }
    let isAlike = failed.count == count && Set(failed.map(\.code)).count == 1
    let kind = isAlike ? first.code.flatMap(Failure.Kind.init(rawValue:)) : nil
    return Failure(
      kind ?? .partial,
      "\(failed.count) of \(count) could not be completed" + (naming ? ": \(reasons.listed(5))" : ""))
  }
}

extension CompletedPerson {
  /// Of the table: what they are called, and what they hold.
  static let columns: [(name: String, words: String)] = [
    ("participant_id", "Who it is."), ("session_id", "The visit, where the data set has sessions."),
    (
      "state",
      "completed: something was computed now; kept: it had been before; whole: nothing was lacking; failed: notes say why."
    ),
    ("given", "Contrasts that were acquired."), ("made", "Contrasts that were computed."),
    ("not_made", "Contrasts that are wanted and lacking still."),
    (
      "reliability_db",
      "Each given contrast hidden in turn and computed from the others: 10 log10 of its variance by the mean squared error, the "
        + "mean over them. 0 is a constant image; n/a where one contrast was given."
    ),
    ("files", "What was computed, from this folder."), ("notes", "What a reader should know."),
  ]
}
