import Files
import Imaging
import Metrics
import ScanSupport
import Testing

@Suite struct SurfaceDistanceTests {
  /// MONAI in 2-D and 3-D, spacings that differ along each axis, masks that touch the border, fill the image or are empty.
  @Test func agreesWithMONAI() {
    let rows = goldenRows(goldenSurfaces)
    #expect(rows.count == 200)
    for (seed, values) in rows {
      let masks = GoldenMasks(seed: seed)
      let distances = SurfaceDistances(masks.prediction, masks.reference, on: masks.grid)
      let found = [
        distances.hausdorff(percentile: 95), distances.hausdorff(percentile: 100),
        distances.dice(tolerance: 1),
        distances.dice(tolerance: 2.5),
      ]
      if values[3].isNaN {
        #expect(found == [nil, nil, nil, nil], "seed \(seed)")
      } else if values[1].isInfinite {
        // A percentile of infinite distances is not a number there and infinite here.
        #expect(values[0].isNaN && found == [.infinity, .infinity, 0, 0], "seed \(seed)")
      } else {
        let known = found.compactMap { $0 }
        #expect(
          known.count == 4 && difference(known, values) < 2e-6 * max(1, values[1]), "seed \(seed): \(found)")
      }
    }
  }

  /// Against every pair of voxels, on grids with planes far apart, and where the nearest is far away.
  @Test(arguments: [
    ([9, 14, 11], [1.0, 1, 1]), ([5, 17, 16], [6.5, 0.45, 0.9]), ([21, 23], [0.3, 2.0]),
    ([1, 12, 9], [4.0, 1, 1.5]),
    ([40, 1, 1], [0.7, 1, 1]),
  ])
  func distancesAreExact(sizes: [Int], spacing: [Double]) {
    let grid = VoxelGrid(Extent(sizes: sizes), spacing: spacing)
    var random = SplitMix64(seed: 3)
    for share in [0.3, 0.02, 0.002] {
      var mask = (0..<grid.extent.count).map { _ in random.uniform() < share }
      if !mask.contains(true) { mask[grid.extent.count / 3] = true }
      let squares = DistanceTransform.squared(to: mask, on: grid)
      func position(_ voxel: Int) -> [Double] {
        sizes.indices.map { Double(voxel / grid.strides[$0] % sizes[$0]) * spacing[$0] }
      }
      let known = mask.indices.filter { mask[$0] }.map(position)
      for voxel in mask.indices {
        let own = position(voxel)
        var nearest = Double.infinity
        for other in known {
          var square = 0.0
          for (a, b) in zip(own, other) { square += (a - b) * (a - b) }
          nearest = min(nearest, square)
        }
        #expect(abs(squares[voxel] - nearest) <= 1e-12 * max(1, nearest))
      }
    }
    let none = DistanceTransform.squared(to: [Bool](repeating: false, count: grid.extent.count), on: grid)
    #expect(none.allSatisfy { $0 == .infinity })
  }

  /// A cube of 4 mm, moved by one plane of 2.5 mm: known by hand.
  @Test func aMovedCubeIsKnownByHand() {
    let grid = VoxelGrid(Extent(8, 10, 10), spacing: [2.5, 1, 1])
    func cube(from plane: Int) -> [Bool] {
      (0..<grid.extent.count).map { voxel in
        let (z, y, x) = (voxel / 100, voxel / 10 % 10, voxel % 10)
        return (plane..<plane + 4).contains(z) && (3..<7).contains(y) && (3..<7).contains(x)
      }
    }
    let distances = SurfaceDistances(cube(from: 1), cube(from: 2), on: grid)
    // 4 x 4 x 4 voxels but for the 2 x 2 x 2 within.
    #expect(distances.fromPrediction.count == 56 && distances.fromReference.count == 56)
    #expect(distances.hausdorff(percentile: 100) == 2.5)
    // Of each surface, the outer plane's 16 lie 2.5 mm away; the 4 in the middle of the plane that the other's outer plane
    // covers find a neighbour 1 mm beside them, and the other way round; the rest coincide.
    #expect(distances.dice(tolerance: 0) == 2 * 36.0 / 112)
    #expect(distances.dice(tolerance: 1) == 2 * 40.0 / 112)
    #expect(distances.dice(tolerance: 2.5) == 1)
    #expect(SurfaceDistances(cube(from: 1), cube(from: 1), on: grid).hausdorff() == 0)
    #expect(SurfaceDistances(cube(from: 1), cube(from: 1), on: grid).dice(tolerance: 0) == 1)
  }

  /// 10 steps of 0.1 mm are 1 mm.
  @Test func theToleranceIsReachedInSpiteOfRounding() {
    for spacing in [0.1, 0.2, 0.25, Double(Float(0.1)), 1 / 3.0] {
      let steps = Int((1 / spacing).rounded())
      let grid = VoxelGrid(Extent(3, 40), spacing: [1, spacing])
      func point(_ place: Int) -> [Bool] { (0..<120).map { $0 == 40 + place } }
      let distances = SurfaceDistances(point(5), point(5 + steps), on: grid)
      #expect(distances.dice(tolerance: 1) == 1 && distances.dice(tolerance: 0.99) == 0)
    }
  }

  @Test func aBoxIsCutAsTheWholeHasIt() throws {
    let grid = VoxelGrid(Extent(4, 5, 6), spacing: [2, 1, 0.5])
    let voxels = (0..<120).map { $0 }
    let mask = voxels.map { [37, 75].contains($0) }
    let box = try #require(grid.box(of: mask))
    #expect(box.grid.extent == Extent(2, 2, 3) && box.grid.spacing == grid.spacing)
    #expect(box.cut(voxels) == [37, 38, 39, 43, 44, 45, 67, 68, 69, 73, 74, 75])
    #expect(grid.box(of: mask, margin: 1)?.grid.extent == Extent(4, 4, 6))
    #expect(grid.box(of: mask, margin: 0.4)?.grid.extent == Extent(4, 4, 5))
    #expect(grid.box(of: voxels.map { _ in false }) == nil)
  }

  @Test func gridsAreThoseOfVolumes() {
    let affine = Affine(spacing: [0.5, 0.75, 3])
    let grid = VoxelGrid(Grid(dimensions: [20, 30, 4], affine: affine))
    #expect(grid.extent == Extent(4, 30, 20) && grid.spacing == [3, 0.75, 0.5])
    #expect(grid.voxelVolume == 0.001125 && VoxelGrid(Extent(3, 4), spacing: [1, 1]).voxelVolume == nil)
  }
}
