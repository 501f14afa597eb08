import Cohorts
import Files
import Foundation
import Training

/// Which images a run was trained on, kept in its folder: another cohort may hold them under other names.
struct TrainedOn: Codable, Equatable {
  /// The training subjects by the digest of each of their images (`CohortManifest.Scan.content`).
  var images: [String: String] = [:]
  /// The anatomies that heads were computed of; nil where none were, and of runs from before they were kept.
  var anatomies: [String]?

  /// The training subject of whom one of a subject's images is; nil where none was trained on.
  func subject(_ subject: CohortManifest.Subject) -> String? {
    subject.scans.lazy.compactMap { $0.content.flatMap { images[$0] } }.first
  }

  var hasScans: Bool { !images.isEmpty }
  /// Without a scan there is nothing else to train on.
  var isComputed: Bool { anatomies != nil || images.isEmpty }

  /// No scans.
  init() {}

  init(_ cohort: PreparedCohort) {
    for subject in cohort.subjects(in: .train) {
      for scan in subject.scans { if let content = scan.content { images[content] = subject.id } }
    }
  }

  /// What a run's folder says; nil for runs of aginet 0.1.0.
  init?(_ folder: RunFolder) {
    guard let data = FileManager.default.contents(atPath: folder.trainedOn),
      let known = try? JSONDecoder().decode(TrainedOn.self, from: data)
    else { return nil }
    self = known
  }

  func write(to folder: RunFolder) throws { try AtomicFile.write(json() + "\n", to: folder.trainedOn) }
}

extension Run {
  /// Of a split, as far as it is known:
  /// - Returns: the subjects whose images the run was trained on, each with the name they had then; and those who are patients of
  ///   whom it was trained on other scans, each with these scans' subject in the cohort.
  public func trainedOn(
    _ split: Split, of cohort: PreparedCohort
  ) -> (images: [(subject: String, before: String)], patients: [(subject: String, other: String)]) {
    guard split != .train, let known = TrainedOn(folder) else { return ([], []) }
    let trained = cohort.manifest.subjects.filter { known.subject($0) != nil }
    let others = Dictionary(trained.map { ($0.patient, $0.id) }) { first, _ in first }
    let subjects = cohort.subjects(in: split)
    return (
      subjects.compactMap { subject in known.subject(subject).map { (subject.id, $0) } },
      subjects.filter { known.subject($0) == nil }.compactMap { subject in
        others[subject.patient].map { (subject.id, $0) }
      }
    )
  }
}
