import Cohorts
import Experiments
import Failures
import Imaging
import Methods
import Runs

/// The label maps of a cohort, which are read once however often they are asked about.
final class LabelMaps {
  private let cohort: PreparedCohort
  private var labels: Set<UInt8>?
  private var checked: [(regions: [LabelRegion], sources: [Modality])] = []
  /// What was made of labels that are not BraTS' own, in a sentence; nothing before `naming`.
  private(set) var note: String?

  init(_ cohort: PreparedCohort) { self.cohort = cohort }

  /// A segmentation of the regions that the training split's maps have; what it names other than the usual ones stays.
  /// - Throws: `.inconsistent` where it cannot be told which label is the enhancing tumour.
  func naming(regionsOf experiment: Experiment) throws -> Experiment {
    var named = experiment
    if named[Segmentation.self].regions == Segmentation.Options().regions {
      let known = try labels ?? read()
      labels = known
      if known.isSuperset(of: [3, 4]), known.isSubset(of: [1, 2, 3, 4]) {
        let choice = #"[{"name":"WT","labels":[1,2,3,4]}]"#
        throw Failure(
          .inconsistent,
          "\(cohort.folder): its label maps hold 3, BraTS2023's enhancing tumour, and 4, that of earlier releases; relabel "
            + "one of them, or name the regions there are, such as \(Term.setting("segmentation.regions", choice))"
        )
      }
      let regions = [LabelRegion].among(known)
      if regions.count == 1 {
        note =
          "The training split's label maps hold \(known.sorted().map(String.init).joined(separator: ", ")), without BraTS' "
          + "enhancing tumour: all are one region, \(regions[0].name)"
      }
      named[Segmentation.self].regions = regions
    }
    return named
  }

  private func read() throws -> Set<UInt8> {
    try cohort.subjects(in: .train).reduce(into: []) { labels, subject in
      labels.formUnion(try cohort.labelCounts(of: subject)?.keys.filter { $0 > 0 } ?? [])
    }
  }

  /// Refuses maps, of subjects with these contrasts, that hold anything else or lack a region; throws as
  /// `PreparedCohort.check`.
  func check(_ regions: [LabelRegion], in sources: [Modality]) throws {
    guard !checked.contains(where: { $0 == (regions, sources) }) else { return }
    try cohort.check(regions, in: [.train, .validation, .test], requiring: sources)
    checked.append((regions, sources))
  }
}

extension [LabelRegion] {
  /// The regions that a cohort's labels make: BraTS' three where the labels are its own, of 2023 (1, 2, 3) or earlier (1, 2,
  /// 4), with an enhancing tumour; else one that holds them all, as of lesions that are only outlined.
  static func among(_ labels: Set<UInt8>) -> [LabelRegion] {
    for enhancing: UInt8 in [3, 4]
    where labels.contains(enhancing) && labels.count > 1 && labels.isSubset(of: [1, 2, enhancing]) {
      return LabelRegion.braTS(enhancing: enhancing)
    }
    return labels.isEmpty ? LabelRegion.braTS() : [LabelRegion("Lesion", labels: labels.sorted())]
  }
}
