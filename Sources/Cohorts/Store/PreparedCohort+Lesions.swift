import Imaging

extension PreparedCohort {
  /// Those of the subjects whose stored label maps are of lesions, and not of a brain's parts: by the rule of
  /// ``LesionMaps`` where the maps were found in a BIDS folder, whenever they were prepared; of other layouts all are.
  /// Throws `.malformed` for a damaged store.
  public func withLesions(among subjects: Set<String>) throws -> Set<String> {
    let mapped = manifest.subjects.filter { subjects.contains($0.id) && $0.labels != nil }
    guard manifest.layout == "bids" else { return Set(mapped.map(\.id)) }
    let are = try Parallel.map(count: mapped.count) { index in
      let subject = mapped[index]
      switch LabelMapFile(subject.labels?.file ?? "", of: subject.id, patient: subject.patient).kind {
      case .lesions: return true
      case .others: return false
      case .open:
        let counts = try labelCounts(of: subject) ?? [:]
        let marked = counts.reduce(0) { $0 + ($1.key > 0 ? $1.value : 0) }
        return !LesionMaps.marksBrain(marked, spacing: manifest.spacing(of: subject))
      }
    }
    return Set(zip(mapped, are).filter(\.1).map(\.0.id))
  }
}
