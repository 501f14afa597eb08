import Imaging
import Testing

/// A field that is linear in mm: linear interpolation restores it exactly, wherever the voxels lie.
private func field(_ grid: Grid) -> Volume {
  var voxels: [Float] = []
  for k in 0..<grid.dimensions.z {
    for j in 0..<grid.dimensions.y {
      for i in 0..<grid.dimensions.x {
        let p = grid.affine([Double(i), Double(j), Double(k)])
        voxels.append(Float(100 + p.x + 2 * p.y - 3 * p.z))
      }
    }
  }
  return Volume(grid: grid, voxels: voxels)
}

private let source = Grid(
  dimensions: [20, 22, 18], affine: Affine(spacing: [2, 2, 2], origin: [-20, -22, -18]))

private let targets: [Grid] = [
  Grid(dimensions: [9, 8, 7], affine: Affine(spacing: [1, 1.5, 2.5], origin: [-6, -5, -7])),
  Grid(dimensions: [9, 8, 7], affine: Affine(spacing: [1, 1.5, 2.5], origin: [-6, -5, -7])).reoriented(
    to: Orientation("SLP") ?? .ras),
  Grid(dimensions: [9, 8, 7], affine: Affine(spacing: [1, 1.5, 2], origin: [-6, -5, -7]).turned),
]

@Test(arguments: targets)
func linearFieldIsRestored(target: Grid) {
  let expected = field(target)
  for threads in [1, 3] {
    let result = field(source).resampled(to: target, threads: threads)
    #expect(result.grid == target)
    for (a, b) in zip(result.voxels, expected.voxels) { #expect(abs(a - b) < 2e-3) }
  }
}

@Test func outsideIsZeroAndTheOuterHalfVoxelIsNot() {
  let line = Volume(dimensions: [3, 1, 1], affine: .identity, voxels: [1, 2, 3])
  let target = Grid(dimensions: [13, 1, 1], affine: Affine(spacing: [0.5, 1, 1], origin: [-2, 0, 0]))
  #expect(line.resampled(to: target).voxels == [0, 0, 0, 1, 1, 1.5, 2, 2.5, 3, 0, 0, 0, 0])
  let far = Grid(dimensions: [2, 1, 1], affine: Affine(spacing: [1, 1, 1], origin: [0, 9, 0]))
  #expect(line.resampled(to: far).voxels == [0, 0])
}

@Test func labelsStayLabels() {
  var labels = field(source)
  labels.voxels = labels.voxels.map { Float(Int($0) % 4) }
  for target in targets {
    let result = labels.resampled(to: target, interpolation: .nearest)
    #expect(result.voxels.allSatisfy { [0, 1, 2, 3].contains($0) })
  }
  // Only turned, nothing moves.
  let turned = labels.grid.reoriented(to: .lps)
  for interpolation in Interpolation.allCases {
    #expect(
      labels.resampled(to: turned, interpolation: interpolation).voxels
        == labels.reoriented(to: .lps).voxels)
  }
}

@Test func separableAndObliquePathsAgree() {
  var random = RandomSource(seed: 4)
  var noise = field(source)
  for index in noise.voxels.indices { noise.voxels[index] = Float(random.uniform()) }
  let target = Grid(
    dimensions: [30, 30, 30], affine: Affine(spacing: [1.3, 1.1, 0.9], origin: [-22, -20, -19]))
  // A tilt of a few thousandths of a voxel takes the general path.
  var tilted = target
  tilted.affine.rows[0].y += 2e-4
  let a = noise.resampled(to: target)
  let b = noise.resampled(to: tilted)
  let differing = zip(a.voxels, b.voxels).filter { abs($0 - $1) > 0.02 }.count
  #expect(a.voxels.contains { $0 != 0 } && a.voxels.contains(0))
  #expect(differing == 0)
}

/// 6 x 5, then PyTorch 2.13's `interpolate(mode="bilinear", antialias=True)`.
private let picture = (0..<30).map { (index: Int) -> Float in
  Float((index % 6 * 7 + index / 6 * 3) % 11)
}

@Test(arguments: [
  (
    3, 4,
    [
      3.91071, 5.87302, 6.55556, 4.78571, 5.41667, 5.67901, 4.65432, 4.76389, 5.28571, 4.12698, 4.11111,
      3.21429,
    ]
  ),
  (
    5, 9,
    [
      0, 3.5, 6.33333, 3.66667, 6.5, 9.33333, 6.66667, 4, 2, 3, 6.5, 9.33333, 6.66667, 4, 3.16667, 7.83333, 7,
      5, 6, 4, 3.16667, 7.83333, 7, 4.33333, 1.66667, 4.5, 8, 9, 7, 4.33333, 1.66667, 4.5, 7.33333, 4.66667,
      2, 0, 1, 4.5, 7.33333, 4.66667, 2, 1.16667, 5.83333, 5, 3,
    ]
  ),
  (2, 2, [5.4375, 5.4375, 5, 4.0625]),
  (
    6, 5,
    [
      1.5, 5.57143, 6.5, 7.42857, 2.85714, 3.75, 7.82143, 4.625, 6.73214, 5.10714, 4.875, 6.19643, 5.75,
      4.125, 6.23214, 6.39286, 4.1131, 5.95833, 3.67857, 4.14881, 6.73214, 4.32143, 3.875, 5.19643, 1.60714,
      2.5, 6.57143, 2, 4.5, 3.85714,
    ]
  ),
])
func resizingIsPyTorchs(height: Int, width: Int, expected: [Float]) {
  let result = Picture.resized(picture, width: 6, height: 5, toWidth: width, toHeight: height)
  #expect(result.count == expected.count)
  for (a, b) in zip(result, expected) { #expect(abs(a - b) < 1e-5) }
}

/// The outer edges stay where they are, along both axes of the planes.
@Test func planesAreResizedOverTheSameFieldOfView() throws {
  let grid = Grid(dimensions: [24, 20, 2], affine: Affine([-2, 0, 0, 30], [0, -2, 0, 40], [0, 0, 3, -5]))
  let resized = grid.resized(columns: 48, rows: 40)
  #expect(resized.affine.spacing == [1, 1, 3])
  #expect(resized.affine([-0.5, -0.5, 0]) == grid.affine([-0.5, -0.5, 0]))
  #expect(resized.affine([47.5, 39.5, 1]) == grid.affine([23.5, 19.5, 1]))
  // A plane that rises evenly is the same plane.
  let volume = Volume(
    grid: grid, voxels: (0..<grid.voxelCount).map { Float($0 % 24) + 3 * Float($0 / 24 % 20) })
  let fine = volume.resized(columns: 48, rows: 40)
  #expect(fine.grid == resized)
  let back = fine.resampled(to: grid)
  for j in 1..<19 {
    for i in 1..<23 { #expect(abs(back.voxels[i + 24 * j] - volume.voxels[i + 24 * j]) < 1e-4) }
  }
}

/// Planes are resized as columns are, when the volume lies on its side.
@Test(arguments: [9, 3]) func morePlanesAndFewer(count: Int) throws {
  let grid = Grid(dimensions: [5, 4, 6], affine: Affine([-2, 0, 0, 30], [0, -2, 0, 40], [0, 0, 3, -5]))
  let volume = Volume(grid: grid, voxels: (0..<grid.voxelCount).map { Float($0 * $0 % 17) })
  let made = volume.resized(columns: 5, rows: 4, planes: count)
  let side = volume.reoriented(to: try #require(Orientation("SPL")))
  let expected = side.resized(columns: count, rows: 4).reoriented(to: volume.orientation)
  #expect(made.grid.matches(expected.grid) && made.dimensions == [5, 4, count])
  #expect(zip(made.voxels, expected.voxels).allSatisfy { abs($0 - $1) < 1e-5 })
}

@Test func whatWasCroppedGoesBackToItsPlace() {
  let grid = Grid(dimensions: [7, 6, 3], affine: Affine([-2, 0, 0, 30], [0, -2, 0, 40], [0, 0, 3, -5]))
  let volume = Volume(grid: grid, voxels: (0..<grid.voxelCount).map { Float($0 + 1) })
  let part = volume.cropped(columns: 2..<5, rows: 1..<6)
  #expect(part.dimensions == [3, 5, 3])
  #expect(part.affine([0, 0, 2]) == volume.affine([2, 1, 2]))
  let back = part.uncropped(columns: 2..<5, rows: 1..<6, to: grid)
  for index in volume.voxels.indices {
    let (i, j) = (index % 7, index / 7 % 6)
    #expect(back.voxels[index] == ((2..<5).contains(i) && (1..<6).contains(j) ? volume.voxels[index] : 0))
  }
}

/// A point becomes a Gaussian as wide in mm along either axis, in its plane alone; what is alike everywhere stays so, at the edges too.
@Test func blursWithinPlanesByMillimetres() {
  let size = SIMD3(41, 31, 3)
  let grid = Grid(dimensions: size, affine: Affine(spacing: [1, 2, 5], origin: .zero))
  var voxels = [Float](repeating: 0, count: grid.voxelCount)
  voxels[20 + 41 * (15 + 31)] = 1
  let blurred = Volume(grid: grid, voxels: voxels).blurredInPlane(by: 3)
  #expect(blurred.grid == grid)
  var (sum, across, down) = (0.0, 0.0, 0.0)
  for (index, value) in blurred.voxels.enumerated() {
    let (i, j, k) = (index % 41, index / 41 % 31, index / (41 * 31))
    #expect(k == 1 || value == 0)
    sum += Double(value)
    across += Double(value) * Double((i - 20) * (i - 20))
    down += Double(value) * Double(4 * (j - 15) * (j - 15))
  }
  #expect(abs(sum - 1) < 1e-5)
  // A Gaussian is cut off at three deviations.
  #expect(abs(across.squareRoot() - 3) < 0.1 && abs(down.squareRoot() - 3) < 0.1)
  let even = Volume(grid: grid, voxels: [Float](repeating: 7, count: grid.voxelCount))
  #expect(even.blurredInPlane(by: 3).voxels.allSatisfy { abs($0 - 7) < 1e-5 })
}
