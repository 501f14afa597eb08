import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Testing

@Suite struct PreparationTests {
  private func prepare(
    _ scratch: Scratch, _ folder: String = "store", _ change: (inout Preparation) -> Void = { _ in }
  ) throws -> (Preparation.Outcome, PreparedCohort) {
    var preparation = Preparation()
    preparation.splits = try splitsFile(scratch)
    change(&preparation)
    let outcome = try preparation.run(
      BIDSCohort(folder: "\(scratch.path)/raw"), layout: "bids", into: "\(scratch.path)/\(folder)",
      program: "1.0")
    return (outcome, try PreparedCohort(folder: "\(scratch.path)/\(folder)"))
  }

  @Test func storesScaledPaddedSlices() throws {
    let scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    let (outcome, store) = try prepare(scratch)
    let manifest = store.manifest
    #expect(manifest == outcome.manifest)
    #expect(manifest.modalities == [.t1, .t2, .flair])
    #expect((manifest.height, manifest.width) == (16, 16))
    #expect(outcome.droppedSlices == 4 && outcome.failure == nil)
    #expect(manifest.subjects.map(\.slices) == Array(repeating: [1, 2, 3, 4, 5], count: 4))
    #expect(manifest.subjects.map(\.split) == [.train, .train, .validation, .test])
    #expect(manifest.subjects[0].offset == [2, 3] && manifest.subjects[0].orientation == "LPS")
    #expect(manifest.subjects[0].scale(of: .t2) == 100)

    let original = scan(201, empty: [0])  // sub-02, T2
    let slice = try store.slice(.t2, at: SampleReference(subject: "sub-02", slice: 3))
    for row in 0..<16 {
      for column in 0..<16 {
        let (i, j) = (column - 3, row - 2)
        let isInside = (0..<10).contains(i) && (0..<12).contains(j)
        let expected = isInside ? original.voxels[i + 10 * (j + 12 * 3)] / 100 : 0
        #expect(abs(slice[row * 16 + column] - expected) <= 1 / 32768 + 1e-7)
      }
    }
    #expect(slice.max() == 1)
  }

  /// Whatever way a file's axes run, row 0 is anterior and column 0 is the patient's right.
  @Test(arguments: ["LPS", "RAS", "LAS", "ASR", "IPL"])
  func everyOrientationGivesTheSameSlices(letters: String) throws {
    let orientation = try #require(Orientation(letters))
    let scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    let (_, plain) = try prepare(scratch, "plain")
    for modality in [Modality.t1, .t2, .flair] {
      let path = bidsPath("\(scratch.path)/raw", 1, modality)
      try writeScan(NIfTI.read(path: path).volume.reoriented(to: orientation), path)
    }
    let (_, turned) = try prepare(scratch, "turned")
    #expect(turned.manifest.subjects[0].orientation == letters)
    for reference in try plain.slices(in: .train) {
      #expect(try turned.slice(.t1, at: reference) == plain.slice(.t1, at: reference))
    }
  }

  @Test func theBytesDoNotDependOnThreads() throws {
    let scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    for threads in [1, 3] { _ = try prepare(scratch, "store\(threads)") { $0.threads = threads } }
    let names = ["cohort.json"] + (1...4).map { "subjects/sub-0\($0).slices" }
    for name in names {
      let contents = [1, 3].map { FileManager.default.contents(atPath: "\(scratch.path)/store\($0)/\(name)") }
      #expect(contents[0] != nil && contents[0] == contents[1])
    }
  }

  /// A machine of many cores has no more memory for that.
  @Test func memoryBoundsHowManyAreWorkedOnAtATime() {
    var preparation = Preparation()
    preparation.threads = 64
    let voxels = 512 * 512 * 320
    func workers(_ gigabytes: Int?) -> Int {
      preparation.workers(
        for: voxels, of: 4, limit: gigabytes.map { MemoryLimit(bytes: $0 << 30, origin: "test") })
    }
    #expect(workers(nil) == 64 && workers(1000) == 64 && workers(1) == 1)
    #expect((5...8).contains(workers(32)))
  }

  @Test func cropsToAnAskedSizeAndSaysSo() throws {
    let scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    let (whole, store) = try prepare(scratch)
    let (outcome, small) = try prepare(scratch, "small") { $0.size = Extent(8, 8) }
    #expect(outcome.manifest.subjects[0].offset == [-2, -1])
    #expect(outcome.notes.contains { $0.contains("cropped to 8x8") })
    #expect(!whole.notes.contains { $0.contains("cropped") })
    let reference = SampleReference(subject: "sub-01", slice: 2)
    let (a, b) = (try store.slice(.t1, at: reference), try small.slice(.t1, at: reference))
    for row in 0..<8 {
      for column in 0..<8 { #expect(b[row * 8 + column] == a[(row + 4) * 16 + column + 4]) }
    }
  }

  @Test func storesLabelMaps() throws {
    let scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    var map = scan(1)
    for index in map.voxels.indices { map.voxels[index] = index % 10 == 4 ? 3 : 0 }
    let path = "\(scratch.path)/raw/derivatives/tumour/sub-01/anat/sub-01_dseg.nii.gz"
    try writeScan(map.reoriented(to: .ras), path)
    let (_, store) = try prepare(scratch)
    let labels = try #require(try store.labels(at: SampleReference(subject: "sub-01", slice: 1)))
    #expect(labels.count == 256 && labels.count { $0 == 3 } == 12)
    #expect((0..<12).allSatisfy { labels[($0 + 2) * 16 + 4 + 3] == 3 })
    #expect(try store.labels(at: SampleReference(subject: "sub-02", slice: 1)) == nil)
  }

  @Test func aBadLabelMapCostsTheLabelsOnly() throws {
    let scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    var map = scan(1)
    map.voxels[333] = 0.5
    func path(_ number: Int) -> String {
      "\(scratch.path)/raw/derivatives/tumour/sub-0\(number)/anat/sub-0\(number)_dseg.nii.gz"
    }
    try writeScan(map, path(1))
    try writeScan(scan(1, [10, 12, 7]), path(2))
    try writeScan(scan(1), path(3))
    try Data("no scan".utf8).write(to: URL(fileURLWithPath: path(3)))
    let (outcome, store) = try prepare(scratch)
    #expect(outcome.failure == nil && outcome.notes.count { $0.hasPrefix("labels of sub-0") } == 3)
    #expect(store.manifest.subjects.allSatisfy { $0.labels == nil })
  }

  @Test func ixiPutsT1OnTheGridOfT2AndFillsTheImage() throws {
    let scratch = try Scratch()
    let ids = [Splits.ixi.train[0], Splits.ixi.validation[0], Splits.ixi.test[0]]
    for (number, id) in ids.enumerated() {
      for modality in [Modality.t2, .pd] {
        try writeScan(
          scan(UInt64(10 * number) + (modality == .t2 ? 0 : 1), [16, 16, 9]),
          "\(scratch.path)/raw/\(id)-\(modality.title).nii.gz")
      }
      // T1 on a finer, sagittal grid.
      let fine = Affine([-0.5, 0, 0, 5], [0, -0.5, 0, 6], [0, 0, 0.5, -3])
      let t1 = Volume(
        dimensions: [32, 32, 18], affine: fine, voxels: scan(UInt64(90 + number), [32, 32, 18]).voxels)
      try writeScan(
        t1.reoriented(to: try #require(Orientation("PSR"))), "\(scratch.path)/raw/\(id)-T1.nii.gz")
    }
    let cohort = try IXICohort(folder: "\(scratch.path)/raw")
    let outcome = try Preparation().run(
      cohort, layout: "ixi", into: "\(scratch.path)/store", program: "1.0")
    let subject = outcome.manifest.subjects[0]
    #expect(outcome.manifest.height == 256 && outcome.manifest.width == 256 && subject.resized)
    #expect(outcome.manifest.sliceRule == .central(90) && subject.slices == Array(1..<8))
    #expect(subject.scans.map(\.resampled) == [true, false, false])
    #expect(outcome.manifest.splits == "published")
    #expect(outcome.notes.contains { $0.hasPrefix("T1 of 3 subjects is resampled onto the grid of T2") })
    #expect(outcome.notes.contains { $0.hasPrefix("574 of the 577 subjects") })
  }

  @Test func bratsAsPublishedAndPatientDisjoint() throws {
    let scratch = try Scratch()
    let ids = ["BraTS-GLI-00095-000", "BraTS-GLI-00095-001", "BraTS-GLI-00005-000"]
    for (number, id) in ids.enumerated() {
      for (index, ending) in ["t1n", "t1c", "t2w", "t2f"].enumerated() {
        try writeScan(
          scan(UInt64(10 * number + index), [8, 8, 6]), "\(scratch.path)/raw/\(id)/\(id)-\(ending).nii.gz")
      }
    }
    let cohort = try BraTSCohort(folder: "\(scratch.path)/raw")
    var preparation = Preparation()
    preparation.sliceRule = .all
    let published = try preparation.run(cohort, layout: "brats", into: "\(scratch.path)/a", program: "1")
    #expect(published.manifest.subjects.map(\.split) == [.train, .train, .test])
    #expect(published.notes.contains { $0.contains("BraTS-GLI-00095") && $0.hasPrefix("warning") })
    // What is asked for is given, or refused where a layout has none.
    preparation.splits = .published
    let asked = try preparation.run(cohort, layout: "brats", into: "\(scratch.path)/c", program: "1")
    #expect(asked.manifest.subjects == published.manifest.subjects)
    try makeBIDS("\(scratch.path)/bids", subjects: 3)
    let refused = try failure {
      _ = try preparation.run(
        BIDSCohort(folder: "\(scratch.path)/bids"), layout: "bids", into: "\(scratch.path)/d", program: "1")
    }
    #expect(refused.kind == .usage && refused.message.contains("no published split"))
    preparation.splits = .patientDisjoint
    let disjoint = try preparation.run(cohort, layout: "brats", into: "\(scratch.path)/b", program: "1")
    #expect(disjoint.manifest.subjects.map(\.split) == [.train, .test, .test])
    #expect(!disjoint.notes.contains { $0.hasPrefix("warning") })
  }

  @Test func resamplesWhereAsked() throws {
    let scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    var moved = scan(55)
    moved.affine = Affine([-1, 0, 0, 6], [0, -1, 0, 6], [0, 0, 1, -3])
    try writeScan(moved, bidsPath("\(scratch.path)/raw", 4, .t2))
    let (strict, _) = try prepare(scratch, "strict")
    #expect(strict.manifest.leftOut.map(\.id) == ["sub-04"])
    let (outcome, store) = try prepare(scratch, "free") { $0.alignment.rule = .headers }
    #expect(outcome.failure == nil)
    #expect(outcome.manifest.subjects[3].scans.map(\.resampled) == [false, true, false])
    // One voxel to the patient's right: the value of voxel 1 now lies at voxel 0 of the reference grid.
    let slice = try store.slice(.t2, at: SampleReference(subject: "sub-04", slice: 2))
    let expected = moved.voxels[2 + 10 * (5 + 12 * 2)] / Float(outcome.manifest.subjects[3].scans[1].scale)
    #expect(abs(slice[(5 + 2) * 16 + 1 + 3] - min(expected, 1)) < 1e-4)
  }

  /// Where a scan shows next to nothing of the head that the others show, resampling would make a volume of zeros of it.
  @Test func whatShowsNothingOfTheHeadIsNotResampled() throws {
    let scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    var moved = scan(55)
    moved.affine = Affine([-1, 0, 0, 6], [0, -1, 0, -5], [0, 0, 1, -3])
    try writeScan(moved, bidsPath("\(scratch.path)/raw", 4, .t2))
    let (outcome, _) = try prepare(scratch, "free") { $0.alignment.rule = .headers }
    let left = try #require(outcome.manifest.leftOut.first)
    #expect(left.id == "sub-04" && left.reason.contains("% of the head"), "\(left)")
  }

  @Test func theSeededSplitIsTheDefaultForBIDS() throws {
    let scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    let (outcome, _) = try prepare(scratch) { $0.splits = .standard }
    #expect(
      Split.allCases.map { split in outcome.manifest.subjects.count { $0.split == split } } == [2, 1, 1])
    #expect(outcome.manifest.splits.contains("seed 1"))
  }
}
