import Failures
import Files
import Foundation
import Imaging
import Synchronization

extension Preparation {
  /// Reads a cohort and writes it as a store: `cohort.json` and `subjects/<id>.slices` (and `.labels`).
  ///
  /// Headers are looked at first, for all subjects, so that most defects show before any voxel is read. The
  /// folder appears under its name only when it is complete.
  /// - Parameters:
  ///   - layout: The layout's name, for the manifest.
  ///   - program: The program's version, for the manifest.
  /// - Throws: `.cannotWrite` for an output that is taken or a full disk; `.inconsistent` for a split or modality
  ///   the cohort cannot fill; any subject's own failure where defects are refused or no subject is left.
  public func run(
    _ cohort: any Cohort, layout: String, into folder: String, program: String,
    progress: @escaping Progress = { _, _, _ in }
  ) throws -> Outcome {
    let resolved = try resolveSplits(of: cohort)
    let wanted = Set(resolved.splits?.all ?? cohort.subjects.map(\.id))
    let subjects = cohort.subjects.filter { wanted.contains($0.id) }
    let (modalities, modalityNotes) = try resolveModalities(of: cohort, subjects: subjects)
    let rule = sliceRule ?? cohort.sliceRule
    let gridModality = self.gridModality ?? cohort.gridModality ?? modalities.first ?? .t1
    guard modalities.contains(gridModality) else {
      throw Failure(
        .inconsistent, "\(gridModality.title) is to give the grid but is not stored; name another modality")
    }
    try Path.refuse(folder, inside: cohort.folder, except: layout == "bids" ? "derivatives" : nil)
    let store = try AtomicFolder(folder, of: .store, replacing: overwrite)
    do {
      let survey = Survey(
        cohort: cohort, modalities: modalities, gridModality: gridModality,
        resamples: resample || cohort.gridModality != nil, keepsIncomplete: keepsIncomplete, rule: rule,
        wantsLabels: storesLabels)
      var (plans, leftOut) = try surveyed(subjects, by: survey)
      let splits =
        try resolved.splits
        ?? Splits.seeded(plans.map(\.subject.id), seed: seed, patient: cohort.patient)
      let maker = VolumeMaker(
        cohort: cohort, size: imageSize(cohort, plans),
        resizes: size == nil && cohort.imageSize != nil, dropsEmpty: rule == .all,
        allowsDuplicates: allowsDuplicates)
      let written = try write(plans, splits: splits, maker: maker, store: store, progress: progress)
      leftOut += written.leftOut
      guard splits.train.isEmpty || written.subjects.contains(where: { $0.split == .train }) else {
        throw Failure(.inconsistent, "no subject is left to train on: \(leftOut.map(\.reason).listed)")
      }
      let equal = try EqualScans(among: written.subjects).notes(allowed: allowsDuplicates)
      var notes = cohort.notes + resolved.notes + emptySplits(splits) + modalityNotes
      notes += resamplingNotes(plans, onto: gridModality)
      for plan in plans { notes += plan.notes }
      notes += ScanCheck.lines(plans.flatMap(\.findings) + written.findings)
      notes +=
        written.notes + equal + Outliers(written.subjects, shapes: written.shapes, of: modalities).notes
      let manifest = CohortManifest(
        layout: layout, name: Path.name(URL(fileURLWithPath: cohort.folder).standardizedFileURL.path),
        modalities: modalities, height: maker.size.rows, width: maker.size.columns, sliceRule: rule,
        intensity: "0 to the 99.5th percentile over all voxels of the volume", splits: resolved.description,
        program: program, generatedBy: cohort.generatedBy, subjects: written.subjects,
        leftOut: leftOut.sorted { $0.id < $1.id }, notes: notes)
      try store.write(manifest.encoded(), to: CohortManifest.fileName)
      try store.commit()
      return Outcome(
        manifest: manifest, notes: notes, droppedSlices: written.dropped,
        bytes: manifest.subjects.reduce(0) { $0 + $1.scans.count * manifest.grid(of: $1).count * 2 })
    } catch {
      store.discard()
      throw error
    }
  }

  /// What a cohort cannot be used for.
  private func emptySplits(_ splits: Splits) -> [String] {
    if splits.train.isEmpty {
      return [
        "no subject is to be trained on: models from elsewhere are scored on this cohort, without a look-up"
      ]
    }
    var notes: [String] = []
    if splits.validation.isEmpty {
      notes.append("no subject is to be validated on: training keeps its last weights, not its best")
    }
    if splits.test.isEmpty { notes.append("no subject is to be tested on") }
    return notes
  }

  /// One sentence a modality that was put on another's grid: coordinates do not know that the patient moved.
  private func resamplingNotes(_ plans: [SubjectPlan], onto gridModality: Modality) -> [String] {
    Modality.allCases.compactMap { modality in
      let count = plans.count { $0.resampled.contains(modality) }
      guard count > 0 else { return nil }
      return "\(modality.title) of \(count) subject\(count == 1 ? "" : "s") is resampled onto the grid of"
        + " \(gridModality.title) by the scanner's coordinates alone: register it beforehand (rigid), or accept that"
        + " the patient may have moved between the scans"
    }
  }

  /// The image size asked for, or the layout's, or one that holds every slice and halves three times.
  private func imageSize(_ cohort: any Cohort, _ plans: [SubjectPlan]) -> Extent {
    if let size = size ?? cohort.imageSize { return size }
    func roundedUp(_ pixels: Int) -> Int { (pixels + 7) / 8 * 8 }
    return Extent(
      roundedUp(plans.map(\.grid.dimensions.y).max() ?? 8),
      roundedUp(plans.map(\.grid.dimensions.x).max() ?? 8))
  }

  private func surveyed(
    _ subjects: [Subject], by survey: Survey
  ) throws -> (plans: [SubjectPlan], leftOut: [CohortManifest.LeftOut]) {
    let results = try Parallel.map(count: subjects.count, threads: threads) { index in
      try caught { try survey.plan(subjects[index]) }
    }
    var plans: [SubjectPlan] = []
    var failures: [(id: String, failure: Failure)] = []
    for (subject, result) in zip(subjects, results) {
      switch result {
      case .success(let plan): plans.append(plan)
      case .failure(let failure): failures.append((subject.id, failure))
      }
    }
    if let first = failures.first, plans.isEmpty || onDefect == .refuse {
      let reasons = failures.map(\.failure.message).listed
      throw Failure(first.failure.kind, failures.count == 1 ? first.failure.message : reasons)
    }
    return (plans, failures.map { .init(id: $0.id, reason: $0.failure.message) })
  }

  /// What `write` did.
  private struct Written {
    var subjects: [CohortManifest.Subject] = []
    var leftOut: [CohortManifest.LeftOut] = []
    var dropped = 0
    var notes: [String] = []
    var findings: [ScanCheck.Finding] = []
    var shapes: [[IntensityShape]] = []
  }

  private func write(
    _ plans: [SubjectPlan], splits: Splits, maker: VolumeMaker, store: AtomicFolder,
    progress: @escaping Progress
  ) throws -> Written {
    var home: [String: Split] = [:]
    for split in Split.allCases { for id in splits[split] { home[id] = split } }
    let homes = home
    let done = Mutex(0)
    let results = try Parallel.map(count: plans.count, threads: threads) { index in
      let plan = plans[index]
      let result = try caught {
        let made = try maker.make(plan)
        let subject = try store.write(made, of: plan, split: homes[plan.subject.id] ?? .train, by: maker)
        return (subject, account: made.account, shapes: made.shapes)
      }
      if case .failure(let failure) = result, failure.kind == .cannotWrite || onDefect == .refuse {
        throw failure
      }
      done.withLock {
        $0 += 1
        progress($0, plans.count, plan.subject.id)
      }
      return result
    }
    var written = Written()
    var worst = (share: 0.0, id: "")
    var first: Failure?
    for (plan, result) in zip(plans, results) {
      switch result {
      case .success(let (subject, made, shapes)):
        written.subjects.append(subject)
        written.shapes.append(shapes)
        written.dropped += made.dropped
        if let note = made.note { written.notes.append(note) }
        written.findings += made.findings
        if made.cropped > worst.share { worst = (made.cropped, subject.id) }
      case .failure(let failure):
        first = first ?? failure
        written.leftOut.append(.init(id: plan.subject.id, reason: failure.message))
      }
    }
    if written.subjects.isEmpty, let first { throw first }
    if worst.share > 0 {
      written.notes.append(
        "images are cropped to \(maker.size.word): up to \(String(format: "%.2g", worst.share * 100)) % of the non-zero"
          + " voxels are cut off (\(worst.id)); \(Term.size) keeps more")
    }
    return written
  }

  /// A subject's failure as a value; anything else is thrown on.
  private func caught<Value>(_ body: () throws -> Value) throws -> Result<Value, Failure> {
    do { return .success(try body()) } catch let failure as Failure { return .failure(failure) }
  }
}
