import Cohorts
import Failures
import Foundation
import Imaging
import Testing

/// Cohorts with something wrong: the right exit code, the right name, and nothing half-written.
@Suite struct BadCohortTests {
  private let scratch: Scratch
  private var raw: String { scratch.path + "/raw" }
  private var store: String { scratch.path + "/store" }

  init() throws {
    scratch = try Scratch()
    try makeBIDS(scratch.path + "/raw", subjects: 4)
  }

  @discardableResult
  private func run(_ change: (inout Preparation) -> Void = { _ in }) throws -> Preparation.Outcome {
    var preparation = Preparation()
    preparation.splits = try splitsFile(scratch)
    change(&preparation)
    return try preparation.run(BIDSCohort(folder: raw), layout: "bids", into: store, program: "1")
  }

  /// What is left beside the inputs, hidden files included.
  private func leftovers() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: scratch.path).filter {
      !["raw", "splits.json"].contains($0)
    }
  }

  enum Defect: String, CaseIterable {
    case missing, duplicate, shifted, otherSize, nan, constant, empty, truncated, notNIfTI, fourD, folder

    var kind: Failure.Kind {
      switch self {
      case .missing, .duplicate, .shifted, .otherSize: .inconsistent
      case .folder: .notFound
      default: .malformed
      }
    }
  }

  private func spoil(_ defect: Defect) throws {
    let path = bidsPath(raw, 3, .t2)
    var volume = try NIfTI.read(path: path).volume
    switch defect {
    case .missing: try FileManager.default.removeItem(atPath: path)
    case .duplicate: try writeScan(volume, path.replacingOccurrences(of: "_T2w", with: "_run-2_T2w"))
    case .shifted:
      volume.affine = Affine([-1, 0, 0, 5.01], [0, -1, 0, 6], [0, 0, 1, -3])
      try writeScan(volume, path)
    case .otherSize: try writeScan(scan(1, [10, 12, 7]), path)
    case .nan:
      volume.voxels[77] = .nan
      try writeScan(volume, path)
    case .constant:
      volume.voxels = volume.voxels.map { _ in 3 }
      try writeScan(volume, path)
    case .empty:
      volume.voxels = volume.voxels.map { _ in 0 }
      try writeScan(volume, path)
    case .truncated:
      let bytes = try #require(FileManager.default.contents(atPath: path))
      try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
    case .notNIfTI: try Data("not a scan".utf8).write(to: URL(fileURLWithPath: path))
    case .fourD:
      // The header is told of a second volume, and the voxels follow twice.
      let plain = path.replacingOccurrences(of: ".gz", with: "")
      try NIfTI.write(volume, to: plain)
      var data = try #require(FileManager.default.contents(atPath: plain))
      (data[40], data[48]) = (4, 2)
      try (data + data[352...]).write(to: URL(fileURLWithPath: plain))
      try FileManager.default.removeItem(atPath: path)
    case .folder:
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
  }

  @Test(arguments: Defect.allCases)
  func aDefectIsNamedAndSkippedOrRefused(defect: Defect) throws {
    try spoil(defect)
    let outcome = try run()
    #expect(outcome.manifest.leftOut.map(\.id) == ["sub-03"])
    #expect(outcome.manifest.subjects.map(\.id) == ["sub-01", "sub-02", "sub-04"])
    let partial = try #require(outcome.failure)
    #expect(partial.kind == .partial && partial.message.contains("sub-03"))
    #expect(try PreparedCohort(folder: store).manifest == outcome.manifest)

    try FileManager.default.removeItem(atPath: store)
    let failure = try failure { try run { $0.onDefect = .refuse } }
    #expect(failure.kind == defect.kind, "\(failure)")
    #expect(failure.message.contains("sub-03"), "\(failure)")
    #expect(try leftovers().isEmpty)
  }

  @Test func theMismatchIsInMillimetres() throws {
    try spoil(.shifted)
    let failure = try failure { try run { $0.onDefect = .refuse } }
    #expect(failure.message.contains("mm") && failure.message.contains("T2"))
  }

  @Test func aShiftBelowAThousandthOfAVoxelIsNone() throws {
    var volume = scan(1)
    volume.affine = Affine([-1, 0, 0, 5.0005], [0, -1, 0, 6], [0, 0, 1, -3])
    try writeScan(volume, bidsPath(raw, 3, .t2))
    #expect(try run().failure == nil)
  }

  /// What is odd of a scan but no reason to refuse it is among the notes.
  @Test func whatIsOddOfAScanIsNoted() throws {
    var volume = scan(7)
    volume.voxels = volume.voxels.map { $0 - 5 }
    try writeScan(volume, bidsPath(raw, 3, .t2))
    try FileManager.default.removeItem(atPath: bidsPath(raw, 1, .flair))
    try FileManager.default.copyItem(atPath: bidsPath(raw, 1, .t1), toPath: bidsPath(raw, 1, .flair))
    let notes = try run { $0.allowsDuplicates = true }.notes
    #expect(notes.count { $0.hasPrefix("sub-03_T2w.nii.gz: ") && $0.contains("below 0") } == 1, "\(notes)")
    #expect(notes.count { $0.hasPrefix("sub-01_FLAIR.nii.gz: is the same scan as sub-01_T1w.nii.gz") } == 1)
    // Twelve scans of a few millimetres are one line, not twelve.
    #expect(notes.count { $0.contains("field of view") && $0.contains("likewise 11 others") } == 1)
  }

  @Test func scansBeforeAndAfterContrastMediumUnderEachOthersNamesAreNoted() throws {
    for subject in 1...4 {
      let before = scan(UInt64(subject))
      var after = before
      for index in after.voxels.indices where index % 17 == 0 { after.voxels[index] *= 2 }
      try writeScan(subject == 3 ? after : before, bidsPath(raw, subject, .t1))
      try writeScan(subject == 3 ? before : after, bidsPath(raw, subject, .t1gd))
    }
    let notes = try run { $0.modalities = [.t1, .t2, .t1gd] }.notes.filter {
      $0.contains("see whether they are exchanged")
    }
    #expect(
      notes.count == 1 && notes.allSatisfy { $0.hasPrefix("sub-03_ce-gadolinium_T1w.nii.gz: ") }, "\(notes)")
  }

  @Test func zScoresAreRefused() throws {
    var volume = scan(7)
    volume.voxels = volume.voxels.map { $0 == 0 ? 0 : ($0 - 50) / 30 }
    try writeScan(volume, bidsPath(raw, 3, .t2))
    let outcome = try run()
    #expect(outcome.manifest.leftOut.map(\.id) == ["sub-03"])
    #expect(outcome.failure?.message.contains("below 0") == true)
  }

  @Test func whenAllFailTheFirstFailureIsThrown() throws {
    for number in 1...4 { try writeScan(scan(1, [9, 12, 6]), bidsPath(raw, number, .t2)) }
    #expect(try failure { try run() }.kind == .inconsistent)
    #expect(try leftovers().isEmpty)
  }

  @Test func withoutATrainingSubjectThereIsNoStore() throws {
    for number in 1...2 { try FileManager.default.removeItem(atPath: bidsPath(raw, number, .t1)) }
    #expect(try failure { try run() }.kind == .inconsistent)
    #expect(try leftovers().isEmpty)
  }

  @Test func aModalityNoSubjectHas() throws {
    let failure = try failure { try run { $0.modalities = [.t1, .pd] } }
    #expect(failure.kind == .inconsistent && failure.message.contains("T1, T2, FLAIR"))
  }

  @Test func aRangeThatTheStackDoesNotHold() throws {
    let failure = try failure { try run { $0.sliceRule = .range(3...9) } }
    #expect(failure.kind == .inconsistent && failure.message.contains("6 slices"))
  }

  @Test func aSplitThatNamesAStranger() throws {
    let path = try scratch.write(#"{"train": ["sub-01", "sub-77"]}"#, to: "other.json")
    let failure = try failure { try run { $0.splits = .file(path) } }
    #expect(failure.kind == .inconsistent && failure.message.contains("sub-77"))
  }

  @Test func twoSubjectsAreTooFewForASeededSplit() throws {
    for number in 3...4 { try FileManager.default.removeItem(atPath: "\(raw)/sub-0\(number)") }
    let failure = try failure { try run { $0.splits = .seeded } }
    #expect(failure.kind == .inconsistent && failure.message.contains("\(Term.splits)"))
    #expect(try leftovers().isEmpty)
  }

  @Test func noPublishedSubjectInTheFolder() throws {
    let id = "BraTS-GLI-99999-000"
    for ending in ["t1n", "t1c", "t2w", "t2f"] {
      try writeScan(scan(3), "\(scratch.path)/brats/\(id)/\(id)-\(ending).nii.gz")
    }
    let cohort = try BraTSCohort(folder: "\(scratch.path)/brats")
    let failure = try failure {
      _ = try Preparation().run(cohort, layout: "brats", into: store, program: "1")
    }
    #expect(failure.kind == .inconsistent && failure.message.contains("published"))
  }

  // MARK: - The output

  @Test func anExistingStoreStaysUnlessForced() throws {
    try run()
    let manifest = store + "/cohort.json"
    let before = FileManager.default.contents(atPath: manifest)
    let failure = try failure { try run { $0.sliceRule = .central(2) } }
    #expect(failure.kind == .cannotWrite && failure.message.contains("\(Term.overwrites)"))
    #expect(FileManager.default.contents(atPath: manifest) == before)
    try run {
      $0.sliceRule = .central(2)
      $0.overwrite = true
    }
    #expect(try PreparedCohort(folder: store).manifest.sliceRule == .central(2))
    #expect(try leftovers() == ["store"])
  }

  /// Several writers of one output: one wins, the others say so, and what stands is whole.
  @Test func ofSeveralWritersOneWins() throws {
    let preparations = try (0..<4).map { _ in
      var preparation = Preparation()
      preparation.splits = try splitsFile(scratch)
      preparation.threads = 1
      return preparation
    }
    let cohort = try BIDSCohort(folder: raw)
    let (results, store) = (Results(), store)
    Parallel.forEach(count: 4, threads: 4) { index in
      results.add(
        Result {
          try preparations[index].run(cohort, layout: "bids", into: store, program: "\(index)").manifest
        })
    }
    let winners = results.all.compactMap { try? $0.get() }
    #expect(winners.count == 1)
    for case .failure(let error) in results.all { #expect((error as? Failure)?.kind == .cannotWrite) }
    #expect(try PreparedCohort(folder: store).manifest == winners.first)
    #expect(try leftovers() == ["store"])
  }

  private final class Results: @unchecked Sendable {
    private let lock = NSLock()
    private var list: [Result<CohortManifest, any Error>] = []
    var all: [Result<CohortManifest, any Error>] { lock.withLock { list } }
    func add(_ result: Result<CohortManifest, any Error>) { lock.withLock { list.append(result) } }
  }

  @Test func forceSparesAFolderThatIsNoStore() throws {
    try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
    _ = try scratch.write("thesis", to: "store/thesis.txt")
    #expect(try failure { try run { $0.overwrite = true } }.kind == .cannotWrite)
    #expect(FileManager.default.fileExists(atPath: store + "/thesis.txt"))
  }

  @Test func aFileInTheWayIsNotTouched() throws {
    _ = try scratch.write("x", to: "store")
    #expect(try failure { try run { $0.overwrite = true } }.kind == .cannotWrite)
  }

  @Test func aPlaceThatCannotHoldAFolder() throws {
    _ = try scratch.write("x", to: "file")
    let failure = try failure {
      _ = try Preparation().run(
        BIDSCohort(folder: raw), layout: "bids", into: scratch.path + "/file/store", program: "1")
    }
    #expect(failure.kind == .cannotWrite)
  }
}
