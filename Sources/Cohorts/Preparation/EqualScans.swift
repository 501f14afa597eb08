import Failures
import Files

/// Scans that are the same image under two names: one person in two splits is a test that was trained on.
struct EqualScans {
  /// Two subjects with images in common, and the files of the one and the other.
  private typealias Pair = (
    first: CohortManifest.Subject, second: CohortManifest.Subject, files: [(first: String, second: String)]
  )

  private let pairs: [Pair]

  init(among subjects: [CohortManifest.Subject]) {
    var places: [String: [(subject: Int, scan: Int)]] = [:]
    for (index, subject) in subjects.enumerated() {
      for (number, scan) in subject.scans.enumerated() {
        // Equal bytes have equal voxels, so one of the two tells where both are known.
        places[scan.content ?? scan.source.sha256, default: []].append((index, number))
      }
    }
    var found: [[Int]: [[Int]]] = [:]
    for list in places.values where list.count > 1 {
      for (place, one) in list.enumerated() {
        for other in list[(place + 1)...] where other.subject != one.subject {
          found[[one.subject, other.subject], default: []].append([one.scan, other.scan])
        }
      }
    }
    pairs = found.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { key, scans in
      let (first, second) = (subjects[key[0]], subjects[key[1]])
      let files = scans.sorted { $0.lexicographicallyPrecedes($1) }.map {
        (first: first.scans[$0[0]].source.file, second: second.scans[$0[1]].source.file)
      }
      return (first, second, files)
    }
  }

  /// What the user should know, and what cannot be let pass.
  ///
  /// Throws `.inconsistent` for an image in two splits unless `allowed`.
  func notes(allowed: Bool) throws -> [String] {
    let across = pairs.filter { $0.first.split != $0.second.split }
    let within = pairs.filter { $0.first.split == $0.second.split }
    let what = "the same images are in two splits under two names"
    if !across.isEmpty && !allowed {
      let cure = "leave one of them out (\(Term.splits("FILE"))), or keep both with \(Term.allowsDuplicates)"
      throw Failure(.inconsistent, "\(what): \(listed(across)); \(cure)")
    }
    return [
      (across, "warning: \(what)"),
      (within.filter { $0.first.patient != $0.second.patient }, "the same images under two names"),
      (
        within.filter { $0.first.patient == $0.second.patient },
        "the same images in two visits of one patient"
      ),
    ].filter { !$0.0.isEmpty }.map { "\($1): \(listed($0))" }
  }

  /// `sub-01 (train) and sub-05 (test) (sub-01/anat/sub-01_T1w.nii.gz = sub-05/anat/sub-05_T1w.nii.gz and 2 more)`
  private func listed(_ pairs: [Pair]) -> String {
    pairs.map { first, second, files in
      func name(_ subject: CohortManifest.Subject) -> String {
        first.split == second.split ? subject.id : "\(subject.id) (\(subject.split.rawValue))"
      }
      let more = files.count > 1 ? " and \(files.count - 1) more" : ""
      return "\(name(first)) and \(name(second)) (\(files[0].first) = \(files[0].second)\(more))"
    }.listed
  }
}
