import Foundation
import Imaging
import Testing

/// Slices that are brighter and darker by turns.
@Suite struct InterleavingTests {
  /// A ball of textured tissue in slices along an axis, each multiplied by what `factor` says of it.
  private func ball(
    along axis: Int = 2, slices: Int = 16, thickness: Double = 4, factor: (Int) -> Double = { _ in 1 }
  ) -> Volume {
    var random = RandomSource(seed: 12, stream: 0)
    var (size, spacing) = (SIMD3(48, 48, 48), SIMD3(1.0, 1, 1))
    (size[axis], spacing[axis]) = (slices, thickness)
    let voxels = (0..<size.x * size.y * size.z).map { voxel -> Float in
      let place = SIMD3(voxel % size.x, voxel / size.x % size.y, voxel / (size.x * size.y))
      var squares = 0.0
      for k in 0..<3 {
        let half = Double(size[k] - 1) / 2
        squares += pow((Double(place[k]) - half) / half, 2)
      }
      guard squares < 0.9 else { return Float(abs(random.normal())) }
      return Float(factor(place[axis]) * (100 + 12 * random.normal()))
    }
    return Volume(dimensions: size, affine: Affine(spacing: spacing), voxels: voxels)
  }

  @Test(arguments: 0..<3)
  func whatAlternatesIsMadeEven(axis: Int) throws {
    let plain = ball(along: axis)
    var volume = ball(along: axis) { $0 % 2 == 0 ? 1.15 : 0.85 }
    let found = try #require(volume.interleaving)
    #expect(found.axis == axis)
    #expect(abs(found.ratio - 1.15 / 0.85) < 0.01, "\(found.ratio)")
    volume.even(out: found)
    #expect(volume.interleaving == nil)
    // All are as bright as the mean of both kinds.
    let ratios = zip(volume.voxels, plain.voxels).compactMap { $1 > 50 ? Double($0 / $1) : nil }
    let mean = ratios.reduce(0, +) / Double(ratios.count)
    #expect(abs(mean - (1.15 * 0.85).squareRoot()) < 0.01)
    #expect(ratios.allSatisfy { abs($0 / mean - 1) < 0.01 })
  }

  @Test func whatIsOtherwiseUnevenIsLeft() {
    var random = RandomSource(seed: 3, stream: 1)
    let gains = (0..<16).map { _ in exp(0.15 * random.normal()) }
    let left = [
      ball(), ball { 1 + 0.05 * Double($0) }, ball { gains[$0] },
      // As little as a real scan shows.
      ball { $0 % 2 == 0 ? 1.026 : 0.974 },
      // One slice that is far brighter, and voxels as long as broad.
      ball { $0 == 7 ? 2 : 1 }, ball(slices: 48, thickness: 1) { $0 % 2 == 0 ? 1.15 : 0.85 },
      ball(slices: 5) { $0 % 2 == 0 ? 1.15 : 0.85 },
    ]
    for (number, volume) in left.enumerated() { #expect(volume.interleaving == nil, "\(number)") }
  }

  @Test func airAloneTellsNothing() {
    var volume = ball()
    for voxel in volume.voxels.indices { volume.voxels[voxel] = 0 }
    #expect(volume.interleaving == nil)
  }
}
