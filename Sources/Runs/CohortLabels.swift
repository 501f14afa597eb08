import Cohorts
import Failures
import Imaging

extension PreparedCohort {
  /// Makes sure before any work that the label maps of some splits hold what is to be found in them, and nothing else.
  /// - Parameter showingAll: whether every region must be in some map of the first split, so that it can be learned.
  /// - Throws: `.inconsistent`, naming the subject, for a label that belongs to no region, a region that no map of the first
  ///   split shows, and where there are no label maps.
  public func check(_ regions: [LabelRegion], in splits: [Split], showingAll: Bool = true) throws {
    let known = Set(regions.flatMap(\.labels))
    for (place, split) in splits.enumerated() {
      var seen: Set<UInt8> = []
      for subject in subjects(in: split) {
        guard let counts = try labelCounts(of: subject) else { continue }
        seen.formUnion(counts.keys)
        if let label = counts.keys.filter({ $0 > 0 && !known.contains($0) }).min() {
          throw Failure(
            .inconsistent,
            "\(folder): the label map of \(subject.id) holds \(label) (\(counts[label] ?? 0) voxels), which belongs to no region "
              + "of \(regions.words); \(regionsHint)")
        }
      }
      guard place == 0 else { continue }
      guard !seen.isEmpty else {
        throw Failure(
          .inconsistent,
          "\(folder): no subject of the \(split.rawValue) split has a label map; prepare a cohort with label maps"
        )
      }
      if showingAll, let absent = regions.first(where: { seen.isDisjoint(with: $0.labels) }) {
        throw Failure(
          .inconsistent,
          "\(folder): no label map of the \(split.rawValue) split shows \(absent.name) (\(regions.words)); \(regionsHint)"
        )
      }
    }
  }

  private var regionsHint: String {
    let example = #"[{"name":"lesion","labels":[1]}]"#
    return "name the regions there are, such as \(Term.setting("segmentation.regions", example))"
  }
}
