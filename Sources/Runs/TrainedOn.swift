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
  /// Subjects of a split whose images the run was trained on, each with the name they had then; empty where that is not
  /// known.
  public func trainedOn(_ split: Split, of cohort: PreparedCohort) -> [(subject: String, before: String)] {
    guard split != .train, let known = TrainedOn(folder) else { return [] }
    return cohort.subjects(in: split).compactMap { subject in
      let before = subject.scans.lazy.compactMap { $0.content.flatMap { known.images[$0] } }.first
      return before.map { (subject.id, $0) }
    }
  }

  /// Subjects of a split who are patients of whom the run was trained on other scans, each with those scans' subject; as far as
  /// these are in the cohort.
  public func trainedOnPatients(
    _ split: Split, of cohort: PreparedCohort
  ) -> [(subject: String, other: String)] {
    guard split != .train, let known = TrainedOn(folder) else { return [] }
    func isKnown(_ subject: CohortManifest.Subject) -> Bool {
      subject.scans.contains { $0.content.map { known.images[$0] != nil } ?? false }
    }
    let trained = cohort.manifest.subjects.filter(isKnown).reduce(into: [String: String]()) {
      $0[$1.patient] = $0[$1.patient] ?? $1.id
    }
    return cohort.subjects(in: split).compactMap { subject in
      isKnown(subject) ? nil : trained[subject.patient].map { (subject.id, $0) }
    }
  }
}
