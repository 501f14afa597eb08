import Failures
import Files
import Imaging

extension Preparation {
  /// The split asked for, as far as it can be told before scans are looked at.
  struct ResolvedSplits {
    /// nil: drawn from whatever subjects prove usable.
    var splits: Splits?
    /// For the manifest.
    var description: String
    var notes: [String] = []
  }

  /// Throws `.inconsistent` for a split that the folder cannot fill, and what `Splits(file:)` throws.
  func resolveSplits(of cohort: any Cohort) throws -> ResolvedSplits {
    let known = cohort.subjects.map(\.id)
    switch splits {
    case .file(let path):
      let splits = try Splits(file: path)
      try splits.check(against: known, file: path)
      var notes: [String] = []
      let straddling = splits.straddling(cohort.patient)
      if !straddling.isEmpty {
        notes.append("warning: scans of one patient are in more than one split: \(straddling.listed)")
      }
      let unused = Set(known).subtracting(splits.all).sorted()
      if !unused.isEmpty { notes.append("not in \(Path.name(path)), so not prepared: \(unused.listed)") }
      return ResolvedSplits(splits: splits, description: "file \(Path.name(path))", notes: notes)
    case .standard where cohort.publishedSplits == nil, .seeded:
      return ResolvedSplits(description: "seeded 70/15/15 of the patients, seed \(seed)")
    case .standard, .published:
      guard let published = cohort.publishedSplits else {
        let what = "there is no published split of this layout"
        throw Failure(.usage, "\(what); leave it out for a seeded one, or give a JSON file")
      }
      return try available(published, of: cohort, as: "published")
    case .patientDisjoint:
      guard let published = cohort.publishedSplits else {
        let what = "patient-disjoint changes a published split, and this layout has none"
        throw Failure(.usage, "\(what); leave it out: a seeded split keeps patients together anyway")
      }
      let splits = published.patientDisjoint(cohort.patient)
      return try available(splits, of: cohort, as: "published, patient-disjoint")
    }
  }

  /// A published split without the subjects that are not in the folder.
  private func available(_ published: Splits, of cohort: any Cohort, as name: String) throws -> ResolvedSplits
  {
    let known = Set(cohort.subjects.map(\.id))
    let splits = published.filtered(known.contains)
    let other = known.subtracting(published.all).sorted()
    guard !splits.all.isEmpty else {
      let what = "none of its subjects (\(known.count)) is in the published split"
      let cure = "say who goes where with \(Term.splits("FILE")), or \(Term.splits("seeded")) draws one"
      throw Failure(.inconsistent, "\(cohort.folder): \(what); \(cure)")
    }
    var notes: [String] = []
    let missing = published.all.count - splits.all.count
    if missing > 0 {
      notes.append(
        "\(missing) of the \(published.all.count) subjects of the published split are not in the folder")
    }
    if !other.isEmpty { notes.append("not in the published split, so not prepared: \(other.listed)") }
    let straddling = splits.straddling(cohort.patient)
    if !straddling.isEmpty {
      notes.append(
        "warning: as published, scans of one patient are in more than one split: \(straddling.listed);"
          + " \(Term.splits("patient-disjoint")) mends that")
    }
    return ResolvedSplits(splits: splits, description: name, notes: notes)
  }

  /// The modalities to store, in the fixed order. Throws `.inconsistent` for one that no subject has.
  func resolveModalities(
    of cohort: any Cohort, subjects: [Subject]
  ) throws -> (modalities: [Modality], notes: [String]) {
    func count(_ modality: Modality) -> Int { subjects.count { $0.files[modality] != nil } }
    let present = Modality.allCases.filter { count($0) > 0 }
    func failure(_ what: String) -> Failure {
      let there = "there is \(present.isEmpty ? "no scan" : present.titles)"
      return Failure(.inconsistent, "\(cohort.folder): \(what) (\(there)); choose with \(Term.modalities)")
    }
    if let asked = modalities ?? cohort.modalities {
      let chosen = Modality.allCases.filter(asked.contains)
      if let missing = chosen.first(where: { !present.contains($0) }) {
        throw failure("no subject has \(missing.title)")
      }
      return (chosen, [])
    }
    let chosen = present.filter { 2 * count($0) >= subjects.count }
    guard chosen.count >= 2 else {
      throw failure("fewer than two modalities are there for half of its \(subjects.count) subjects")
    }
    let notes = present.filter { !chosen.contains($0) }.map { modality in
      "\(modality.title) is there for only \(count(modality)) of \(subjects.count) subjects and not stored;"
        + " \(Term.modalities) asks for it"
    }
    return (chosen, notes)
  }
}
