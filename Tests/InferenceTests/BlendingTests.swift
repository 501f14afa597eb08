import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

/// Volumes by overlapping patches and by slabs.
@Suite struct BlendingTests {
  /// T1 and T2 of these sizes, in LPS order.
  private func patient(_ size: SIMD3<Int>) -> Patient {
    [
      .t1: ("t1.nii.gz", scan(.t1, subject: 1, size: size).reoriented(to: .lps)),
      .t2: ("t2.nii.gz", scan(.t2, subject: 1, size: size).reoriented(to: .lps)),
    ]
  }

  private func card(_ extent: Extent, depth: Int? = nil) -> ModelCard {
    var card = InferenceTests.card()
    (card.extent, card.depth) = (extent, depth)
    return card
  }

  /// Three convolutions of 3 x 3 x 3 without a bias: a voxel depends on those up to three away, and images stay in [0, 1].
  private func linear() -> Known {
    let weights = [(4, 2), (4, 4), (1, 4)].enumerated().map { index, channels in
      Tensor.uniform(
        [channels.0, channels.1, 3, 3, 3], low: 0, high: 1.8 / Double(27 * channels.1), seed: UInt64(index))
    }
    return Known { sources in weights.reduce(sources) { $0.convolved(with: $1, padding: 1) } }
  }

  /// By patches as by the volume in one piece: where a patch lacks neighbours that the volume has, it does not count.
  @Test(arguments: [
    // Odd sizes, several patches along every axis.
    (SIMD3(83, 71, 61), Extent(32, 32, 32)),
    (SIMD3(101, 66, 47), Extent(24, 48, 40)),
    // Smaller than the patch along one axis, or all of them, by an odd number too.
    (SIMD3(70, 61, 9), Extent(32, 32, 32)),
    (SIMD3(27, 70, 90), Extent(48, 48, 32)),
    (SIMD3(28, 30, 6), Extent(32, 40, 33)),
    // A voxel larger than the patch, and as large.
    (SIMD3(33, 32, 64), Extent(32, 32, 32)),
  ])
  func patchesLeaveNoSeam(_ size: SIMD3<Int>, _ patch: Extent) throws {
    let whole = Extent(
      max(size.z, patch.planes), max(size.y, patch.rows), max(size.x, patch.columns))
    let expected = try synthesizer(linear(), card(whole))(patient(size))
    #expect(expected.clippedAbove == 0 && expected.volume.voxels.contains { $0 > 0.2 })
    let blended = try synthesizer(linear(), card(patch))(patient(size))
    #expect(blended.volume.dimensions == size)
    let error = zip(blended.volume.voxels, expected.volume.voxels).map { abs($0 - $1) }.max() ?? 1
    #expect(error < 1e-5, "\(error)")
  }

  /// Of an odd number of zeros around a volume that is smaller than a patch fewer lie before it, as in training.
  @Test func smallVolumesLieInPatchesAsInTraining() throws {
    let size = SIMD3(28, 30, 155)
    var seen: [Float] = []
    let method = Known {
      seen = $0.values()
      return $0.narrowed(1, from: 0, length: 1)
    }
    _ = try synthesizer(method, card(Extent(160, 33, 28)))(patient(size))
    let source = try scaled(scan(.t1, subject: 1, size: size).reoriented(to: .lps))
    let differs = source.indices.contains { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: size.x)
      let (plane, line) = row.quotientAndRemainder(dividingBy: size.y)
      return seen[((plane + 2) * 33 + line + 1) * 28 + column] != source[index]
    }
    #expect(!differs)
  }

  @Test func anIdentityComesBackToTheBit() throws {
    // One patch counts in full wherever it is alone.
    let source = try scaled(scan(.t1, subject: 1))
    for patch in [Extent(8, 32, 32), Extent(6, 30, 28), Extent(40, 40, 40)] {
      let result = try synthesizer(Known.channel(0), card(patch))(InferenceTests.patient())
      #expect(result.volume.reoriented(to: .lps).voxels == source)
    }
  }

  @Test func theBatchSizeChangesNothing() throws {
    let size = SIMD3(41, 50, 37)
    func volume(_ batchSize: Int, _ method: Known) throws -> [Float] {
      try synthesizer(method, card(Extent(16, 32, 24)))(patient(size), batchSize: batchSize).volume.voxels
    }
    let mean = { Known { $0.mean(over: [1], keeping: true) } }
    let one = try volume(1, mean())
    for batchSize in [2, 3, 7, 1000] { #expect(try volume(batchSize, mean()) == one) }
    // A network's own rounding may differ.
    let (single, several) = (try volume(1, linear()), try volume(5, linear()))
    #expect(zip(single, several).allSatisfy { abs($0 - $1) < 1e-6 })
    let counted = mean()
    var shown: [[Int]] = []
    _ = try synthesizer(counted, card(Extent(16, 32, 24)))(patient(size), batchSize: 4) {
      shown.append([$0, $1])
    }
    let patches = counted.shapes.reduce(0) { $0 + $1[0] }
    #expect(counted.shapes.first == [4, 2, 16, 32, 24] && shown.last == [patches, patches])
  }

  /// Patches that disagree pass into one another: no step is as large as what they disagree by.
  @Test func patchesPassIntoOneAnother() throws {
    let size = SIMD3(96, 40, 40)
    var patient = patient(size)
    // Signal everywhere, and a sum of the columns' own numbers: each patch is as bright as it lies far to the left.
    for modality in [Modality.t1, .t2] {
      for index in 0..<size.x * size.y * size.z {
        patient[modality]?.volume.voxels[index] = Float(1 + index % size.x)
      }
    }
    let flat = Known { x in
      let level = x.narrowed(1, from: 0, length: 1).mean(over: [2, 3, 4], keeping: true)
      return level + x.narrowed(1, from: 0, length: 1) * 0
    }
    let volume = try synthesizer(flat, card(Extent(40, 40, 32)))(patient).volume
    let row = (0..<size.x).map { volume.voxels[$0] }
    let steps = zip(row, row.dropFirst()).map { $1 - $0 }
    // Five patches, sixteen columns apart.
    let apart = (row[size.x - 1] - row[0]) / 4
    #expect(apart > 0.1)
    #expect(steps.allSatisfy { $0 > -1e-6 && $0 < apart * 0.3 })
  }

  /// Nothing lies above or below the stack, so zeros stand for it, however far a slab reaches.
  @Test(arguments: [3, 5, 9])
  func slabsReachBeyondTheStack(_ depth: Int) throws {
    let (size, source) = (scanSize, try scaled(scan(.t1, subject: 1)))
    let pixels = size.x * size.y
    for neighbour in 0..<depth {
      let method = Known.channel(neighbour)
      let result = try synthesizer(method, card(Extent(30, 28), depth: depth))(InferenceTests.patient())
      #expect(method.shapes.allSatisfy { $0[1] == 2 * depth })
      for plane in 0..<size.z {
        let seen = plane + neighbour - depth / 2
        let made = Array(result.volume.voxels[plane * pixels..<(plane + 1) * pixels])
        // The first plane is empty, and what is empty is not computed.
        let expected =
          plane > 0 && (0..<size.z).contains(seen)
          ? Array(source[seen * pixels..<(seen + 1) * pixels]) : Array(repeating: 0, count: pixels)
        #expect(made == expected, "plane \(plane) of neighbour \(neighbour)")
      }
    }
  }
}
