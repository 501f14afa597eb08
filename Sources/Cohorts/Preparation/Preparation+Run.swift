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
  ///   the cohort cannot fill; `.usage` for a split that the layout does not have; any subject's own failure where defects are
  ///   refused or no subject is left.
  public func run(
    _ cohort: any Cohort, layout: String, into folder: String, program: String,
    progress: @escaping Progress = { _, _, _ in }
  ) throws -> Outcome {
    let resolved = try resolveSplits(of: cohort)
    let wanted = Set(resolved.splits?.all ?? cohort.subjects.map(\.id))
    let subjects = cohort.subjects.filter { wanted.contains($0.id) }
    let (modalities, modalityNotes) = try resolveModalities(of: cohort, subjects: subjects)
    let registers = alignment.rule == .registration
    let rule = sliceRule ?? cohort.sliceRule
    let gridModality = alignment.reference ?? cohort.gridModality ?? modalities.first ?? .t1
    guard modalities.contains(gridModality) else {
      let what = "\(gridModality.title) is to give the grid but is not stored"
      throw Failure(.inconsistent, "\(what); name another modality")
    }
    try Path.refuse(folder, inside: cohort.folder, except: layout == "bids" ? "derivatives" : nil)
    let store = try AtomicFolder(folder, of: .store, replacing: overwrite)
    do {
      let survey = Survey(
        cohort: cohort, modalities: modalities, gridModality: gridModality,
        resamples: alignment.rule != nil || cohort.gridModality != nil, keepsIncomplete: keepsIncomplete,
        rule: rule,
        wantsLabels: storesLabels)
      let (plans, unusable) = try surveyed(subjects, by: survey)
      let splits =
        try resolved.splits
        ?? Splits.seeded(plans.map(\.subject.id), seed: seed, patient: cohort.patient)
      let maker = VolumeMaker(
        cohort: cohort, size: imageSize(cohort, plans),
        resizes: size == nil && cohort.imageSize != nil, dropsEmpty: rule == .all,
        allowsDuplicates: allowsDuplicates, registers: registers)
      let (written, failed) = try write(plans, splits: splits, maker: maker, store: store, progress: progress)
      let (stored, leftOut) = (written.map(\.subject), unusable + failed)
      guard splits.train.isEmpty || stored.contains(where: { $0.split == .train }) else {
        throw Failure(.inconsistent, "no subject is left to train on: \(leftOut.map(\.reason).listed)")
      }
      let equal = try EqualScans(among: stored).notes(allowed: allowsDuplicates)
      var notes = cohort.notes + resolved.notes + emptySplits(splits) + modalityNotes
      notes += registers ? registrationNotes(written) : resamplingNotes(plans, onto: gridModality)
      notes += plans.flatMap(\.notes)
      notes += ScanCheck.lines(plans.flatMap(\.findings) + written.flatMap(\.findings))
      notes += written.compactMap(\.note) + LesionNotes(storesLabels ? plans : [], written).lines
      notes += croppingNotes(written, maker.size) + equal
      notes += Outliers(stored, shapes: written.map(\.shapes), of: modalities).notes
      let manifest = CohortManifest(
        layout: layout, name: Path.name(URL(fileURLWithPath: cohort.folder).standardizedFileURL.path),
        modalities: modalities, height: maker.size.rows, width: maker.size.columns, sliceRule: rule,
        intensity: "0 to the 99.5th percentile over all voxels of the volume", splits: resolved.description,
        program: program, generatedBy: cohort.generatedBy, subjects: stored,
        leftOut: leftOut.sorted { $0.id < $1.id }, notes: notes)
      try store.write(manifest.encoded(), to: CohortManifest.fileName)
      try store.commit()
      return Outcome(
        manifest: manifest, notes: notes, droppedSlices: written.reduce(0) { $0 + $1.dropped },
        bytes: manifest.subjects.reduce(0) { $0 + $1.scans.count * manifest.grid(of: $1).count * 2 })
    } catch {
      store.discard()
      throw error
    }
  }

  /// What a cohort cannot be used for.
  private func emptySplits(_ splits: Splits) -> [String] {
    let notes = [
      Split.train:
        "no subject is to be trained on: models from elsewhere are scored on this cohort, without a look-up",
      .validation: "no subject is to be validated on: training keeps its last weights, not its best",
      .test: "no subject is to be tested on",
    ]
    // Without training the others go without saying.
    let empty = Split.allCases.filter { splits[$0].isEmpty }
    return (empty.first == .train ? [.train] : empty).compactMap { notes[$0] }
  }

  /// How much the image size cuts off at worst.
  private func croppingNotes(_ written: [SubjectVolumes], _ size: Extent) -> [String] {
    guard let worst = written.max(by: { $0.cropped < $1.cropped }), worst.cropped > 0 else { return [] }
    let share = String(format: "%.2g", worst.cropped * 100)
    return [
      "images are cropped to \(size.word): up to \(share) % of the non-zero voxels are cut off"
        + " (\(worst.subject.id)); \(Term.size) keeps more"
    ]
  }

  /// One sentence a modality that was put on another's grid: coordinates do not know that the patient moved.
  private func resamplingNotes(_ plans: [SubjectPlan], onto gridModality: Modality) -> [String] {
    Modality.allCases.compactMap { modality in
      let count = plans.count { $0.resampled.contains(modality) }
      if count == 0 { return nil }
      return "\(modality.title) of \(count) subject\(count == 1 ? "" : "s") is resampled onto the grid of"
        + " \(gridModality.title) by the scanner's coordinates alone: \(Term.registers) looks for the motion between them, or accept that"
        + " the patient may have moved between the scans"
    }
  }

  /// One sentence a modality that was registered: how far heads had moved.
  private func registrationNotes(_ written: [SubjectVolumes]) -> [String] {
    Modality.allCases.compactMap { modality in
      let found = written.flatMap { made in
        made.placements.filter { $0.modality == modality }.map { (id: made.subject.id, placement: $0) }
      }.sorted { $0.placement.moved < $1.placement.moved }
      guard let most = found.last else { return nil }
      let resampled = found.count { $0.placement.isResampled }
      let off = String(
        format: "it was %.1f mm off in the median, %.1f mm at the most",
        found[found.count / 2].placement.moved,
        most.placement.moved)
      return
        "\(modality.title) is registered to \(most.placement.reference.title): \(off) (\(most.id)); \(resampled) of "
        + "\(found.count) were resampled"
    }
  }

  /// The image size asked for, or the layout's, or one that holds every slice and halves three times.
  private func imageSize(_ cohort: any Cohort, _ plans: [SubjectPlan]) -> Extent {
    func side(_ sizes: [Int]) -> Int { ((sizes.max() ?? 8) + 7) / 8 * 8 }
    return size ?? cohort.imageSize
      ?? Extent(side(plans.map(\.grid.dimensions.y)), side(plans.map(\.grid.dimensions.x)))
  }

  private func surveyed(
    _ subjects: [Subject], by survey: Survey
  ) throws -> (plans: [SubjectPlan], leftOut: [CohortManifest.LeftOut]) {
    let results = try Parallel.map(count: subjects.count, threads: threads) { index in
      try caught { try survey.plan(subjects[index]) }
    }
    let (plans, failures) = parted(subjects, results)
    if let first = failures.first, plans.isEmpty || onDefect == .refuse {
      throw Failure(first.failure.kind, failures.map(\.failure.message).listed)
    }
    return (plans, failures.map { .init(id: $0.id, reason: $0.failure.message) })
  }

  private func write(
    _ plans: [SubjectPlan], splits: Splits, maker: VolumeMaker, store: AtomicFolder,
    progress: @escaping Progress
  ) throws -> (written: [SubjectVolumes], leftOut: [CohortManifest.LeftOut]) {
    var home: [String: Split] = [:]
    for split in Split.allCases { for id in splits[split] { home[id] = split } }
    let homes = home
    let done = Mutex(0)
    let results = try Parallel.map(
      count: plans.count,
      threads: workers(
        for: plans.map(\.grid.voxelCount).max() ?? 0, of: plans.map(\.modalities.count).max() ?? 0)
    ) { index in
      let plan = plans[index]
      let result = try caught {
        var made = try maker.make(plan, split: homes[plan.subject.id] ?? .train)
        try store.write(&made)
        return made
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
    let (written, failures) = parted(plans.map(\.subject), results)
    if written.isEmpty, let first = failures.first { throw first.failure }
    return (written, failures.map { .init(id: $0.id, reason: $0.failure.message) })
  }

  /// Subjects at a time: no more than were asked for, and than half of the memory holds, each with about four volumes and what
  /// is stored of it.
  /// - Parameters:
  ///   - voxels: of the largest grid.
  ///   - modalities: of the subject that has most.
  package func workers(for voxels: Int, of modalities: Int, limit: MemoryLimit? = .own) -> Int {
    let largest = voxels * (4 * MemoryLayout<Float>.size + modalities * MemoryLayout<UInt16>.size)
    guard let limit, largest > 0 else { return threads }
    return min(threads, max(1, limit.bytes / 2 / largest))
  }

  /// A subject's failure as a value; anything else is thrown on.
  private func caught<Value>(_ body: () throws -> Value) throws -> Result<Value, Failure> {
    do { return .success(try body()) } catch let failure as Failure { return .failure(failure) }
  }

  /// What was made of some subjects, and why of the others nothing was.
  private func parted<Value>(
    _ subjects: [Subject], _ results: [Result<Value, Failure>]
  ) -> (made: [Value], failures: [(id: String, failure: Failure)]) {
    let failures = zip(subjects, results).compactMap { subject, result in
      if case .failure(let failure) = result { (subject.id, failure) } else { nil }
    }
    return (results.compactMap { try? $0.get() }, failures)
  }
}
