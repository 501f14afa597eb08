import Cohorts
import Failures
import Imaging

extension PreparedCohort {
  /// Makes sure before any work that the label maps of some splits hold what is to be found in them, and nothing else.
  /// - Parameters:
  ///   - modalities: the contrasts without which a subject is not used, so that its map does not count.
  ///   - learning: whether the regions are to be learned, so that every one must be in some map of the first split; else
  ///     they are those of a model.
  /// - Throws: `.inconsistent`, naming the subject, for a label that belongs to no region, a region that no map of the first
  ///   split shows, and where there are no label maps.
  public func check(
    _ regions: [LabelRegion], in splits: [Split], requiring modalities: [Modality] = [], learning: Bool = true
  ) throws {
    let known = Set(regions.flatMap(\.labels))
    let example = #"[{"name":"lesion","labels":[1]}]"#
    let hint =
      learning
      ? "name the regions there are, such as \(Term.setting("segmentation.regions", example))"
      : "these are the model's: score it on maps with its labels, or train one on these maps"
    for (place, split) in splits.enumerated() {
      var seen: Set<UInt8> = []
      for subject in subjects(in: split) where subject.lacking(modalities).isEmpty {
        guard let counts = try labelCounts(of: subject) else { continue }
        seen.formUnion(counts.keys)
        if let label = counts.keys.filter({ $0 > 0 && !known.contains($0) }).min() {
          throw Failure(
            .inconsistent,
            "\(folder): the label map of \(subject.id) holds \(label) (\(counts[label] ?? 0) voxels), which belongs to no region "
              + "of \(regions.words); \(hint)")
        }
      }
      guard place == 0 else { continue }
      guard !seen.isEmpty else {
        let whose = modalities.isEmpty ? "" : " with \(modalities.titles)"
        throw Failure(
          .inconsistent,
          "\(folder): no subject\(whose) of the \(split.rawValue) split has a label map; prepare a cohort with label maps "
            + "(where there are some, the notes of the preparation say why they were not stored: \(Term.inspection(folder)))"
        )
      }
      if learning, let absent = regions.first(where: { seen.isDisjoint(with: $0.labels) }) {
        throw Failure(
          .inconsistent,
          "\(folder): no label map of the \(split.rawValue) split shows \(absent.name) (\(regions.words)); \(hint)"
        )
      }
    }
  }
}
