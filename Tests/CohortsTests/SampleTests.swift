import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Testing

/// Slices, slabs and patches against the scans they are cut from.
@Suite struct SampleTests {
  private let scratch: Scratch
  private var raw: String { scratch.path + "/raw" }

  init() throws { scratch = try Scratch() }

  private func prepared(
    _ folder: String = "store", _ change: (inout Preparation) -> Void = { _ in }
  ) throws -> PreparedCohort {
    var preparation = Preparation()
    preparation.splits = try splitsFile(scratch)
    change(&preparation)
    _ = try preparation.run(
      BIDSCohort(folder: raw), layout: "bids", into: "\(scratch.path)/\(folder)", program: "1")
    return try PreparedCohort(folder: "\(scratch.path)/\(folder)")
  }

  /// What is stored of a scan and comes back by the percentile's rule: scaled, rounded, clipped.
  private func expected(_ volume: Volume) throws -> Volume {
    var volume = volume.reoriented(to: .lps)
    let scale = Float(try IntensityScale(of: volume.voxels).upper)
    volume.voxels = volume.voxels.map { quantised($0, scale: scale) }
    return volume
  }

  private func quantised(_ value: Float, scale: Float) -> Float {
    min(max(value * (16384 / scale), 0).rounded(.toNearestOrEven) / 16384, 1)
  }

  /// A box of a volume, 0 outside.
  private func box(_ volume: Volume, at corner: [Int], _ extent: Extent) -> [Float] {
    let sides = volume.dimensions
    return (0..<extent.planes).flatMap { z in
      (0..<extent.rows).flatMap { y in
        (0..<extent.columns).map { x in
          let (i, j, k) = (corner[2] + x, corner[1] + y, corner[0] + z)
          let isInside = (0..<sides.x).contains(i) && (0..<sides.y).contains(j) && (0..<sides.z).contains(k)
          return isInside ? volume.voxels[i + sides.x * (j + sides.y * k)] : 0
        }
      }
    }
  }

  private let modalities: [Modality] = [.t1, .t2, .flair]

  // MARK: - Slices

  /// To the bit, whether padded, cropped, or one along rows and the other along columns.
  @Test(arguments: [Extent(16, 16), Extent(8, 8), Extent(9, 16), Extent(15, 7), Extent(12, 10)])
  func slicesAreThoseOfTheScans(size: Extent) throws {
    try makeBIDS(raw, subjects: 4)
    let store = try prepared { $0.size = size }
    let batch = try store.batches(
      in: .train, SampleContents(modalities: modalities, requiring: modalities), batchSize: 10)[0]
    #expect(batch.count == 10 && batch.extent == size && batch.depth == 1)
    // Shifted, not divided: an odd difference rounds down.
    let corner = [(12 - size.rows + 1) >> 1, (10 - size.columns + 1) >> 1]
    for (index, reference) in batch.references.enumerated() {
      for modality in modalities {
        let path = bidsPath(raw, Int(String(reference.subject.suffix(1))) ?? 0, modality)
        let volume = try expected(NIfTI.read(path: path).volume)
        let image = batch.images[modality]?[index * size.count..<(index + 1) * size.count]
        #expect(image.map(Array.init) == box(volume, at: [reference.slice] + corner, size))
      }
    }
  }

  @Test func resizedSlicesAreThoseOfTheScans() throws {
    let ids = [Splits.ixi.train[0], Splits.ixi.test[0]]
    for (number, id) in ids.enumerated() {
      for (index, modality) in [Modality.t1, .t2, .pd].enumerated() {
        var volume = scan(UInt64(10 * number + index), [20, 24, 5])
        // Above what is scaled by.
        for voxel in [1100, 1500] { volume.voxels[voxel] = 300 }
        try writeScan(volume, "\(raw)/\(id)-\(modality.title).nii.gz")
      }
    }
    _ = try Preparation().run(
      IXICohort(folder: raw), layout: "ixi", into: scratch.path + "/store", program: "1")
    let store = try PreparedCohort(folder: scratch.path + "/store")
    #expect(store.manifest.subjects.allSatisfy { $0.resized && $0.scans.allSatisfy { $0.clippedAbove > 0 } })
    #expect(store.manifest.cutsAboveScale && !store.manifest.hasNoRoom)
    for slice in 1...3 {
      let volume = try NIfTI.read(path: "\(raw)/\(ids[0])-T2.nii.gz").volume
      let scale = Float(try IntensityScale(of: volume.voxels).upper)
      let image = Picture.resized(
        volume.slice(slice).map { min(max($0 / scale, 0), 1) }, width: 20, height: 24, toWidth: 256,
        toHeight: 256)
      let subject = store.manifest.subjects[0].id
      #expect(
        try store.slice(.t2, at: SampleReference(subject: subject, slice: slice))
          == image.map { quantised($0, scale: 1) })
    }
  }

  /// A store of version 0.1.0, and one of the same scans that is made today, whose steps are four times as large.
  @Test func anEarlierStoreGivesTheSameSlices() throws {
    let golden = Path.folder(Path.folder(#filePath)) + "/Golden/0.1.0"
    let old = try PreparedCohort(folder: golden + "/cohort")
    #expect(old.manifest.version == 1 && !old.hasChecksums)
    for (modality, file) in [(Modality.t1, "t1"), (.t2, "t2")] {
      let path = bidsPath(raw, 3, modality)
      try FileManager.default.createDirectory(atPath: Path.folder(path), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: "\(golden)/\(file).nii.gz", toPath: path)
    }
    let splits = try scratch.write(#"{"test": ["sub-03"]}"#, to: "one.json")
    let new = try prepared { $0.splits = .file(splits) }
    #expect(new.manifest.version == 3 && new.manifest.extent == old.manifest.extent)
    for reference in try new.slices(in: .test) {
      for modality in [Modality.t1, .t2] {
        let slice = try new.slice(modality, at: reference)
        let before = try old.slice(modality, at: reference)
        #expect(slice.count == before.count && slice.contains { $0 > 0 } && slice.max() == before.max())
        #expect(zip(slice, before).allSatisfy { abs($0 - $1) < 0.6 / 16384 })
      }
    }
    #expect(try new.slices(in: .test) == old.slices(in: .test))
    for region in [Region.slab(3), .patch(Extent(4, 4, 4))] {
      let failure = try failure {
        _ = try old.batches(in: .test, SampleContents(modalities: [.t1], region: region), batchSize: 1)
      }
      #expect(failure.kind == .inconsistent && failure.message.contains("prepare again"))
    }
  }

  // MARK: - Slabs

  @Test func slabsHoldASliceBetweenItsNeighbours() throws {
    try makeBIDS(raw, subjects: 4)
    let store = try prepared()
    let slabs = try store.batches(
      in: .train, SampleContents(scenario, region: .slab(3)), batchSize: 10)[0]
    let slices = try store.batches(in: .train, scenario: scenario, batchSize: 10)[0]
    let size = slices.extent.count
    #expect(slabs.references == slices.references && slabs.extent == slices.extent && slabs.depth == 3)
    #expect(slabs.target(.flair) == slices.target(.flair))
    let stacked = slabs.stacked(scenario.sources)
    #expect(stacked.count == 10 * 2 * 3 * size)
    for (index, reference) in slabs.references.enumerated() {
      for (channel, modality) in scenario.sources.enumerated() {
        let path = bidsPath(raw, Int(String(reference.subject.suffix(1))) ?? 0, modality)
        let volume = try expected(NIfTI.read(path: path).volume)
        let first = (index * 2 + channel) * 3 * size
        // The last slice has no neighbour above: zeros stand for it.
        #expect(
          Array(stacked[first..<first + 3 * size])
            == box(volume, at: [reference.slice - 1, -2, -3], Extent(3, 16, 16)))
      }
    }
  }

  @Test func everyPlaneOfASlabIsShiftedAlike() throws {
    try makeBIDS(raw, subjects: 4)
    let store = try prepared()
    let shift = Perturbation(of: .t2, radius: 2, seed: 3)
    let slab = try store.batches(
      in: .train, SampleContents(scenario, region: .slab(3), perturbation: shift), batchSize: 5)[0]
    let slices = try store.batches(in: .train, scenario: scenario, batchSize: 5, perturbation: shift)[0]
    let whole = try #require(slab.images[.t2])
    let size = slices.extent.count
    #expect(slab.target(.t2) == slices.target(.t2))
    // A slice's lower neighbour, shifted by the slice's own draw, is no longer that slice as it is shifted itself.
    #expect(Array(whole[3 * size..<4 * size]) != Array(slices.target(.t2)[..<size]))
    let still = try store.batches(in: .train, SampleContents(scenario, region: .slab(3)), batchSize: 5)[0]
    #expect(slab.images[.t1] == still.images[.t1] && slab.images[.t2] != still.images[.t2])
  }

  // MARK: - Patches

  @Test(arguments: [Extent(3, 4, 5), Extent(6, 12, 10), Extent(9, 15, 11), Extent(2, 20, 3)])
  func patchesAreBoxesOfTheVolume(extent: Extent) throws {
    try makeBIDS(raw, subjects: 4)
    let store = try prepared()
    let contents = try SampleContents(scenario, region: .patch(extent))
    let covering = try store.batches(in: .train, contents, batchSize: 3).all()
    let stream = try SampleStream(store, contents, batchSize: 3, seed: 4, threads: 2)
    let drawn = try (0..<6).map { _ in try stream.next().batch }
    for batch in covering + drawn {
      #expect(batch.extent == extent && batch.depth == 1)
      for (index, reference) in batch.references.enumerated() {
        let path = bidsPath(raw, Int(String(reference.subject.suffix(1))) ?? 0, .flair)
        let volume = try expected(NIfTI.read(path: path).volume)
        let patch = Array(batch.target(.flair)[index * extent.count..<(index + 1) * extent.count])
        #expect(patch == box(volume, at: reference.place, extent) && patch.contains { $0 > 0 })
      }
    }
    #expect(Set(drawn.flatMap(\.references).map(\.subject)) == ["sub-01", "sub-02"])
    // Every bright voxel is in one of the covering patches.
    let volume = try expected(NIfTI.read(path: bidsPath(raw, 1, .t1)).volume)
    let corners = covering.flatMap(\.references).filter { $0.subject == "sub-01" }.map(\.place)
    for k in 0..<6 {
      for j in 0..<12 {
        for i in 0..<10 where volume.voxels[i + 10 * (j + 12 * k)] > 0.1 {
          #expect(
            corners.contains { corner in
              zip([k, j, i], zip(corner, extent.sizes)).allSatisfy { ($1.0..<$1.0 + $1.1).contains($0) }
            })
        }
      }
    }
  }

  /// Which patch a draw gives depends on the seed and its number, not on batches or threads, and varies.
  @Test func patchesAreAFunctionOfSeedAndNumber() throws {
    try makeBIDS(raw, subjects: 4)
    let store = try prepared()
    func references(_ seed: UInt64, from start: Int = 0, threads: Int, size: Int = 2) throws
      -> [SampleReference]
    {
      let stream = try SampleStream(
        store, SampleContents(scenario, region: .patch(Extent(2, 3, 4))), batchSize: size, seed: seed,
        startingAt: start, threads: threads)
      return try (start..<24 / size).flatMap { _ in try stream.next().batch.references }
    }
    let all = try references(1, threads: 0)
    #expect(try references(1, threads: 3) == all && references(1, threads: 1, size: 4) == all)
    #expect(try references(1, from: 5, threads: 2) == Array(all[10...]))
    #expect(try references(2, threads: 1) != all)
    #expect(Set(all).count > 18)
    // The first slice and the first column and row are dark.
    #expect(all.allSatisfy { $0.place[0] >= 1 && $0.place[2] >= 1 })
  }

  // MARK: - Labels, and contrasts that are not there

  @Test func labelsComeWithTheirSamples() throws {
    try makeBIDS(raw, subjects: 4)
    var map = scan(1)
    for index in map.voxels.indices { map.voxels[index] = Float(index % 7) }
    try writeScan(map, "\(raw)/derivatives/x/sub-01/anat/sub-01_dseg.nii.gz")
    let store = try prepared()
    for region in [Region.slice, .slab(3), .patch(Extent(3, 16, 16))] {
      let contents = try SampleContents(scenario, region: region, labels: true)
      let batch = try store.batches(in: .train, contents, batchSize: 20)[0]
      let labels = try #require(batch.labels)
      for (index, reference) in batch.references.enumerated() {
        let extent = batch.extent
        let corner = reference.place.count == 1 ? [reference.slice, -2, -3] : reference.place
        let expected = box(map, at: corner, extent).map { UInt8($0) }
        #expect(
          Array(labels[index * extent.count..<(index + 1) * extent.count])
            == (reference.subject == "sub-01" ? expected : Array(repeating: 0, count: extent.count)))
      }
      #expect(try store.batches(in: .test, contents, batchSize: 20)[0].labels == nil)
    }
    #expect(try store.batches(in: .train, scenario: scenario, batchSize: 20)[0].labels == nil)
  }

  /// A label map on another grid follows the scans where those may be resampled, each label as it is.
  @Test func labelsAreResampledToTheNearest() throws {
    try makeBIDS(raw, subjects: 4)
    var map = scan(1)
    for index in map.voxels.indices { map.voxels[index] = Float(3 * (index % 2)) }
    let expected = map.voxels
    map.affine = Affine([-1, 0, 0, 5.2], [0, -1, 0, 6], [0, 0, 1, -3])
    try writeScan(map, "\(raw)/derivatives/x/sub-01/anat/sub-01_dseg.nii.gz")
    let reference = SampleReference(subject: "sub-01", slice: 2)
    #expect(try prepared("strict").labels(at: reference) == nil)
    let labels = try #require(try prepared("free") { $0.alignment.rule = .headers }.labels(at: reference))
    for (row, column) in [(0, 0), (5, 4), (11, 9)] {
      #expect(labels[(row + 2) * 16 + column + 3] == UInt8(expected[column + 10 * (row + 12 * 2)]))
    }
  }

  /// A subject without FLAIR is left out unless asked for, and then passes through a batch with zeros in its place.
  @Test func aBatchWithAMissingContrast() throws {
    try makeBIDS(raw, subjects: 4)
    try FileManager.default.removeItem(atPath: bidsPath(raw, 2, .flair))
    #expect(try prepared("strict").manifest.leftOut.map(\.id) == ["sub-02"])
    let store = try prepared { $0.keepsIncomplete = true }
    #expect(store.manifest.modalities == modalities && store.manifest.leftOut.isEmpty)
    #expect(store.manifest.subjects[1].scans.map(\.modality) == [.t1, .t2])
    let contents = SampleContents(modalities: modalities, requiring: [.t1])
    let batch = try store.batches(in: .train, contents, batchSize: 10)[0]
    let size = batch.extent.count
    #expect(
      batch.references.map(\.subject) == Array(repeating: "sub-01", count: 5)
        + Array(repeating: "sub-02", count: 5))
    #expect(
      batch.present == Array(repeating: Set(modalities), count: 5) + Array(repeating: [.t1, .t2], count: 5))
    let stacked = batch.stacked(modalities)
    for (index, reference) in batch.references.enumerated() {
      for (channel, modality) in modalities.enumerated() {
        let image = Array(stacked[(index * 3 + channel) * size..<(index * 3 + channel + 1) * size])
        if batch.present[index].contains(modality) {
          #expect(try image == store.slice(modality, at: reference) && image.contains { $0 > 0 })
        } else {
          #expect(image.allSatisfy { $0 == 0 })
        }
      }
    }
    // A scenario needs all its contrasts.
    #expect(
      try Set(
        store.batches(in: .train, scenario: scenario, batchSize: 1).all().flatMap(\.references).map(\.subject)
      ) == ["sub-01"])
    let reference = SampleReference(subject: "sub-02", slice: 2)
    #expect(try failure { _ = try store.slice(.flair, at: reference) }.kind == .inconsistent)
    #expect(
      try failure { _ = try store.batches(of: [reference], scenario: scenario, batchSize: 1) }.message
        .contains(
          "no FLAIR"))
  }

  @Test func placesThatAreNotThere() throws {
    try makeBIDS(raw, subjects: 4)
    let store = try prepared()
    func kind(_ place: [Int], _ region: Region) throws -> Failure.Kind {
      try failure {
        _ = try store.batches(
          of: [SampleReference(subject: "sub-01", place: place)], SampleContents(scenario, region: region),
          batchSize: 1)
      }.kind
    }
    #expect(try kind([0], .slice) == .inconsistent && kind([6], .slab(3)) == .inconsistent)
    #expect(try kind([1, 1, 1], .slice) == .inconsistent)
    #expect(try kind([1], .patch(Extent(2, 2, 2))) == .inconsistent)
  }
}
