import Cohorts
import Failures
import Imaging
import Testing

/// What patches need of a cohort, and how samples and their labels are changed together.
@Suite struct PatchTests {
  private let scratch: Scratch
  private var raw: String { scratch.path + "/raw" }

  init() throws { scratch = try Scratch() }

  private func prepared() throws -> PreparedCohort {
    var preparation = Preparation()
    preparation.splits = try splitsFile(scratch)
    _ = try preparation.run(
      BIDSCohort(folder: raw), layout: "bids", into: scratch.path + "/store", program: "1")
    return try PreparedCohort(folder: scratch.path + "/store")
  }

  /// Writes four subjects of (T1, T2, FLAIR), each as `voxel` says of subject, contrast and place.
  private func write(
    _ size: SIMD3<Int>, _ voxel: (_ subject: Int, _ modality: Int, _ place: SIMD3<Int>) -> Float
  ) throws {
    for subject in 1...4 {
      for (number, modality) in [Modality.t1, .t2, .flair].enumerated() {
        let voxels = (0..<size.x * size.y * size.z).map { index in
          let place = SIMD3(index % size.x, index / size.x % size.y, index / (size.x * size.y))
          return voxel(subject, number, place)
        }
        try writeScan(
          Volume(dimensions: size, affine: lps, voxels: voxels), bidsPath(raw, subject, modality))
      }
    }
  }

  /// What lies outside the largest volume need not be computed.
  @Test func theLargestVolumeIsThatOfAllSubjects() throws {
    try makeBIDS(raw, subjects: 4)
    for (number, modality) in [Modality.t1, .t2, .flair].enumerated() {
      try writeScan(scan(UInt64(900 + number), [9, 20, 6]), bidsPath(raw, 3, modality))
      try writeScan(scan(UInt64(950 + number), [8, 9, 11]), bidsPath(raw, 4, modality))
    }
    #expect(try prepared().largestVolume == Extent(11, 20, 10))
  }

  /// Around a volume that is smaller than a patch lie zeros, of an odd number fewer before it: as around slices, and as where
  /// a network is applied to a volume.
  @Test func smallVolumesLieInTheMiddleOfPatches() throws {
    let size = SIMD3(12, 14, 155)
    try write(size) { subject, modality, place in
      (place.x + place.y + place.z + 2 * subject) % 7 > 0 ? [100, 50, 25][modality] : 0
    }
    let contents = try SampleContents(
      Scenario(sources: [.t1, .t2], target: .flair), region: .patch(Extent(160, 17, 12)))
    let batch = try SampleStream(prepared(), contents, batchSize: 1, seed: 1, threads: 0).next().batch
    let voxels = batch.target(.flair)
    let planes = (0..<160).filter { plane in
      voxels[plane * 17 * 12..<(plane + 1) * 17 * 12].contains { $0 > 0 }
    }
    #expect(planes.first == 2 && planes.last == 156 && planes.count == 155)
    let rows = (0..<17).filter { row in
      (0..<160 * 12).contains { voxels[($0 / 12 * 17 + row) * 12 + $0 % 12] > 0 }
    }
    #expect(rows.first == 1 && rows.last == 14)
  }

  /// Blocks of brightness, whose labels say where they are: contrasts, target and labels of one sample go the same way.
  @Test(arguments: [Region.slice, .slab(3), .patch(Extent(8, 24, 28)), .patch(Extent(5, 30, 17))])
  func labelsMoveWithTheirImages(_ region: Region) throws {
    let size = SIMD3(26, 28, 8)
    // Each subject's blocks lie elsewhere, so that no two scans are equal.
    func isBright(_ subject: Int, _ place: SIMD3<Int>) -> Bool {
      let (x, y, z) = ((place.x + 3 * subject) / 5, (place.y + subject) / 6, place.z / 3)
      return (2 * x + 3 * y + z) % 5 < 2 && place.x > 1
    }
    try write(size) { subject, modality, place in
      // Alike once they are scaled, but not the same scan under two names.
      isBright(subject, place) ? [100, 50, 25][modality] : 0
    }
    for subject in 1...4 {
      let labels = (0..<size.x * size.y * size.z).map { index -> Float in
        let place = SIMD3(index % size.x, index / size.x % size.y, index / (size.x * size.y))
        return isBright(subject, place) ? 3 : 0
      }
      try writeScan(
        Volume(dimensions: size, affine: lps, voxels: labels),
        "\(raw)/derivatives/x/sub-0\(subject)/anat/sub-0\(subject)_dseg.nii.gz")
    }
    let store = try prepared()
    var augmentation = Augmentation()
    augmentation.intensity = 0
    let contents = try SampleContents(
      Scenario(labelling: [.t1, .t2]), region: region, augmentation: augmentation)
    let still = try SampleContents(Scenario(labelling: [.t1, .t2]), region: region)
    let stream = try SampleStream(store, contents, batchSize: 3, seed: 5, threads: 2)
    let unchanged = try SampleStream(store, still, batchSize: 3, seed: 5, threads: 0)
    var (moved, inside, outside) = (0, 0, 0)
    for _ in 0..<8 {
      let batch = try stream.next().batch
      let before = try unchanged.next().batch
      #expect(batch.references == before.references)
      let (first, second) = (batch.target(.t1), batch.target(.t2))
      let labels = try #require(batch.labels)
      if labels != before.labels { moved += 1 }
      #expect(labels.count == batch.count * batch.extent.count && first == second)
      for (value, label) in zip(first, labels) {
        // Between pixels the nearest decides; where all neighbours agree, so do image and label.
        if value > 0.999 {
          #expect(label == 3)
          inside += 1
        } else if value < 0.001 {
          #expect(label == 0)
          outside += 1
        }
      }
    }
    #expect(moved == 8 && inside > 2000 && outside > 2000)
  }
}
