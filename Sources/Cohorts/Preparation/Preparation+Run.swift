import Failures
import Files
import Foundation
import Imaging

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
    let store = try StoreFolder(folder, overwrite: overwrite)
    do {
      let survey = Survey(
        cohort: cohort, modalities: modalities, gridModality: gridModality,
        resamples: resample || cohort.gridModality != nil, rule: rule, wantsLabels: storesLabels)
      var (plans, leftOut) = try surveyed(subjects, by: survey)
      let splits =
        try resolved.splits
        ?? Splits.seeded(plans.map(\.subject.id), seed: seed, patient: cohort.patient)
      let maker = SliceMaker(
        cohort: cohort, modalities: modalities, size: imageSize(cohort, plans),
        resizes: size == nil && cohort.imageSize != nil, dropsEmpty: rule == .all)
      let written = try write(plans, splits: splits, maker: maker, store: store, progress: progress)
      leftOut += written.leftOut
      guard written.subjects.contains(where: { $0.split == .train }) else {
        throw Failure(.inconsistent, "no subject is left to train on: \(leftOut.map(\.reason).listed)")
      }
      let manifest = CohortManifest(
        layout: layout, name: Path.name(URL(fileURLWithPath: cohort.folder).standardizedFileURL.path),
        modalities: modalities, height: maker.size.height, width: maker.size.width, sliceRule: rule,
        intensity: "0 to the 99.5th percentile over all voxels of the volume", splits: resolved.description,
        program: program, generatedBy: cohort.generatedBy, subjects: written.subjects,
        leftOut: leftOut.sorted { $0.id < $1.id })
      let data = try manifest.encoded()
      try data.withUnsafeBytes { try store.write($0, to: CohortManifest.fileName) }
      try store.commit(overwrite: overwrite)
      var notes = cohort.notes + resolved.notes + modalityNotes
      notes += resamplingNotes(plans, onto: gridModality)
      for plan in plans { notes += plan.notes }
      notes += ScanCheck.lines(plans.flatMap(\.findings) + written.findings)
      notes += written.notes
      return Outcome(
        manifest: manifest, notes: notes, droppedSlices: written.dropped,
        bytes: manifest.subjects.reduce(0) { $0 + manifest.sliceBytes(of: $1) })
    } catch {
      store.discard()
      throw error
    }
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
  private func imageSize(_ cohort: any Cohort, _ plans: [SubjectPlan]) -> ImageSize {
    if let size = size ?? cohort.imageSize { return size }
    func roundedUp(_ pixels: Int) -> Int { (pixels + 7) / 8 * 8 }
    return ImageSize(
      height: roundedUp(plans.map(\.grid.dimensions.y).max() ?? 8),
      width: roundedUp(plans.map(\.grid.dimensions.x).max() ?? 8))
  }

  private func surveyed(
    _ subjects: [Subject], by survey: Survey
  ) throws -> (plans: [SubjectPlan], leftOut: [CohortManifest.LeftOut]) {
    let results = Slots<Result<SubjectPlan, Failure>>(subjects.count)
    try Parallel.forEach(count: subjects.count, threads: threads) { index in
      results.put(try caught { try survey.plan(subjects[index]) }, at: index)
    }
    var plans: [SubjectPlan] = []
    var failures: [(id: String, failure: Failure)] = []
    for (subject, result) in zip(subjects, results.all) {
      switch result {
      case .success(let plan)?: plans.append(plan)
      case .failure(let failure)?: failures.append((subject.id, failure))
      case nil: break
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
  }

  private func write(
    _ plans: [SubjectPlan], splits: Splits, maker: SliceMaker, store: StoreFolder,
    progress: @escaping Progress
  ) throws -> Written {
    var home: [String: Split] = [:]
    for split in Split.allCases { for id in splits[split] { home[id] = split } }
    let homes = home
    let results = Slots<Result<(CohortManifest.Subject, made: SubjectSlices.Account), Failure>>(plans.count)
    try Parallel.forEach(count: plans.count, threads: threads) { index in
      // Once one subject has stopped the work the others need not be read.
      if results.isStopped { return }
      let plan = plans[index]
      do {
        let result = try caught {
          let made = try maker.make(plan)
          let subject = try store.write(made, of: plan, split: homes[plan.subject.id] ?? .train, by: maker)
          return (subject, made: made.account)
        }
        if case .failure(let failure) = result, failure.kind == .cannotWrite || onDefect == .refuse {
          throw failure
        }
        results.put(result, at: index) { progress($0, plans.count, plan.subject.id) }
      } catch {
        results.stop()
        throw error
      }
    }
    var written = Written()
    var worst = (share: 0.0, id: "")
    var first: Failure?
    for (plan, result) in zip(plans, results.all) {
      switch result {
      case .success(let (subject, made))?:
        written.subjects.append(subject)
        written.dropped += made.dropped
        if let note = made.note { written.notes.append(note) }
        written.findings += made.findings
        if made.cropped > worst.share { worst = (made.cropped, subject.id) }
      case .failure(let failure)?:
        first = first ?? failure
        written.leftOut.append(.init(id: plan.subject.id, reason: failure.message))
      case nil: break
      }
    }
    if written.subjects.isEmpty, let first { throw first }
    if worst.share > 0 {
      written.notes.append(
        "images are cropped to \(maker.size): up to \(String(format: "%.2g", worst.share * 100)) % of the non-zero"
          + " voxels are cut off (\(worst.id)); --size keeps more")
    }
    return written
  }

  /// A subject's failure as a value; anything else is thrown on.
  private func caught<Value>(_ body: () throws -> Value) throws -> Result<Value, Failure> {
    do { return .success(try body()) } catch let failure as Failure { return .failure(failure) }
  }
}

extension StoreFolder {
  /// Writes a subject's files and says what they hold.
  fileprivate func write(
    _ made: SubjectSlices, of plan: SubjectPlan, split: Split, by maker: SliceMaker
  ) throws -> CohortManifest.Subject {
    let id = plan.subject.id
    let used = made.slices.count * maker.modalities.count * maker.size.height * maker.size.width * 2
    try made.pixels.withUnsafeBytes {
      try write(UnsafeRawBufferPointer(rebasing: $0[..<used]), to: CohortManifest.slicesFile(id))
    }
    if made.labelSource != nil {
      try made.labels.withUnsafeBytes { try write($0, to: CohortManifest.labelsFile(id)) }
    }
    let spacing = plan.grid.affine.spacing
    let offset = maker.offset(of: plan.grid)
    return CohortManifest.Subject(
      id: id, patient: plan.subject.patient, split: split, slices: made.slices,
      dimensions: [plan.grid.dimensions.x, plan.grid.dimensions.y, plan.grid.dimensions.z],
      spacing: [spacing.x, spacing.y, spacing.z], orientation: "\(plan.orientation)",
      offset: [offset.row, offset.column], resized: maker.isResized(plan.grid), scans: made.scans,
      labels: made.labelSource)
  }
}

/// Results by index, filled from several threads. Unchecked: `lock` guards all of it.
private final class Slots<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Value?]
  private var done = 0
  private var stopped = false

  init(_ count: Int) { values = Array(repeating: nil, count: count) }

  var all: [Value?] { lock.withLock { values } }
  var isStopped: Bool { lock.withLock { stopped } }
  func stop() { lock.withLock { stopped = true } }

  func put(_ value: Value, at index: Int, then report: (Int) -> Void = { _ in }) {
    lock.withLock {
      values[index] = value
      done += 1
      report(done)
    }
  }
}
