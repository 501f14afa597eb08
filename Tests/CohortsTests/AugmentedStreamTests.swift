import Cohorts
import Failures
import Foundation
import Imaging
import Testing

/// Augmented samples and their label maps, as loader threads make them.
@Suite struct AugmentedStreamTests {
  private let scratch: Scratch
  private let store: PreparedCohort

  /// Every scan of sub-01 and sub-02 with a map that is 1 where the scan is brightest.
  init() throws {
    scratch = try Scratch()
    let raw = "\(scratch.path)/raw"
    try makeBIDS(raw, subjects: 4)
    for number in 1...3 {
      var map = try NIfTI.read(path: bidsPath(raw, number, .t1)).volume
      map.voxels = map.voxels.map { $0 >= 60 ? 1 : 0 }
      try writeScan(map, "\(raw)/derivatives/tumour/sub-0\(number)/anat/sub-0\(number)_dseg.nii.gz")
    }
    var preparation = Preparation()
    preparation.splits = try splitsFile(scratch)
    _ = try preparation.run(
      BIDSCohort(folder: raw), layout: "bids", into: "\(scratch.path)/store", program: "test")
    store = try PreparedCohort(folder: "\(scratch.path)/store")
  }

  private func contents(_ augmentation: Augmentation?, _ region: Region = .slice) throws -> SampleContents {
    try SampleContents(
      Scenario(labelling: [.t1, .flair]), region: region, augmentation: augmentation)
  }

  private func batches(
    _ count: Int, _ augmentation: Augmentation?, _ region: Region = .slice, from iteration: Int = 0,
    threads: Int = 0, seed: UInt64 = 5
  ) throws -> [SampleBatch] {
    let stream = try SampleStream(
      store, contents(augmentation, region), batchSize: 3, seed: seed, startingAt: iteration, threads: threads
    )
    return try (0..<count).map { _ in try stream.next().batch }
  }

  @Test(arguments: [Region.slice, .slab(3), .patch(Extent(4, 8, 8))])
  func threadsAndResumingChangeNoBit(_ region: Region) throws {
    let expected = try batches(16, Augmentation(), region)
    #expect(try batches(16, Augmentation(), region, threads: 3) == expected)
    #expect(try batches(9, Augmentation(), region, from: 7, threads: 2) == Array(expected[7...]))
    #expect(expected != (try batches(16, nil, region)))
    #expect(expected != (try batches(16, Augmentation(), region, seed: 6)))
  }

  @Test func noneIsNoAugmentation() throws {
    #expect(try batches(8, Augmentation.none) == batches(8, nil))
  }

  /// An epoch meets each slice otherwise; what is read in order, as for validation, stays as it is.
  @Test func onlyStreamsAugment() throws {
    let seen = try batches(10, Augmentation())
    var images: [SampleReference: Set<[Float]>] = [:]
    for batch in seen {
      for (index, reference) in batch.references.enumerated() {
        let size = batch.extent.count
        images[reference, default: []].insert(Array(batch.target(.t1)[index * size..<(index + 1) * size]))
      }
    }
    #expect(images.count == 10 && images.values.allSatisfy { $0.count == 3 })
    let (plain, asked) = (try contents(nil), try contents(Augmentation()))
    let references = try store.samples(in: .train, plain)
    #expect(
      try store.batches(of: references, asked, batchSize: 4).all()
        == store.batches(of: references, plain, batchSize: 4).all())
  }

  /// Subjects without a label map serve a synthesis, and no segmentation.
  @Test func whatHasNoLabelMapIsLeftOut() throws {
    #expect(try store.samples(in: .validation, contents(nil)).count == 5)
    let failure = try failure { _ = try store.samples(in: .test, contents(nil)) }
    #expect(
      failure.kind == .inconsistent && failure.message.contains("T1, FLAIR and a label map"), "\(failure)")
    #expect(try store.slices(in: .test, requiring: [.t1, .flair]).count == 5)
    let counts = try #require(try store.labelCounts(of: store.manifest.subjects[0]))
    #expect(Set(counts.keys) == [0, 1] && counts.values.reduce(0, +) == 10 * 12 * 6)
    #expect(try store.labelCounts(of: store.manifest.subjects[3]) == nil)
  }
}
