import Imaging
import Testing

/// Air that has one value above 0.
@Suite struct ConstantAirTests {
  /// A ball of tissue of three intensities in a cube of air, with noise in the tissue and none in the air.
  private func ball(air: Float, offset: Float, side: Int = 32) -> Volume {
    var random = RandomSource(seed: 4, stream: 0)
    let centre = Double(side - 1) / 2
    let voxels = (0..<side * side * side).map { voxel -> Float in
      let (i, j, k) = (voxel % side, voxel / side % side, voxel / (side * side))
      let squares = [i, j, k].reduce(0.0) { $0 + (Double($1) - centre) * (Double($1) - centre) }
      guard squares < centre * centre * 0.6 else { return air }
      let tissue: Double = squares < 20 ? 40 : squares < 90 ? 100 : 160
      return Float(tissue + random.normal()) + offset
    }
    return Volume(dimensions: [side, side, side], affine: Affine(spacing: [1, 1, 1]), voxels: voxels)
  }

  @Test func whatWasAddedIsTakenOff() {
    let plain = ball(air: 0, offset: 0)
    var raised = ball(air: 30, offset: 30)
    #expect(raised.clearConstantAir() == 30)
    for (a, b) in zip(raised.voxels, plain.voxels) { #expect(abs(a - b) < 1e-4) }
  }

  /// Where tissue is darker than the air, nothing was added to it.
  @Test func whatWasLaidAroundIsPutToZero() {
    let plain = ball(air: 0, offset: 0)
    var laid = ball(air: 60, offset: 0)
    #expect(laid.clearConstantAir() == 60)
    #expect(laid.voxels == plain.voxels)
  }

  @Test func otherAirIsLeftAsItIs() {
    var noisy = ball(air: 0, offset: 0)
    var random = RandomSource(seed: 9, stream: 0)
    noisy.voxels = noisy.voxels.map { $0 == 0 ? Float(abs(random.normal())) * 5 : $0 }
    // As scanners write it, 0, 1, 2 and 3, of which 1 is half of all air.
    var coarse = noisy
    coarse.voxels = coarse.voxels.map { $0.rounded() }
    coarse.voxels = zip(coarse.voxels, ball(air: -1, offset: 0).voxels).map {
      $1 == -1 ? max(0, (1 + 0.6 * Float(random.normal())).rounded()) : $0
    }
    #expect(coarse.voxels.count { $0 == 1 } * 5 > coarse.voxels.count)
    for volume in [
      ball(air: 0, offset: 0), ball(air: -1024, offset: 0), ball(air: 0.3, offset: 0), noisy, coarse,
    ] {
      var same = volume
      #expect(same.clearConstantAir() == nil && same.voxels == volume.voxels)
    }
    var flat = Volume(
      dimensions: [4, 4, 4], affine: Affine(spacing: [1, 1, 1]), voxels: Array(repeating: 7, count: 64))
    #expect(flat.clearConstantAir() == nil && flat.voxels.allSatisfy { $0 == 7 })
  }
}
