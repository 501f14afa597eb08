import Imaging
import Testing

@Test(arguments: Orientation.all)
func turningIsLossless(orientation: Orientation) throws {
  let start = ramp([7, 6, 5], affine: Affine(spacing: [1, 2, 3], origin: [4, 5, 6]).turned)
  let own = start.reoriented(to: orientation)
  #expect(own.orientation == orientation)
  #expect(Orientation(orientation.description) == orientation)
  let seen = own.reoriented(to: .lps)
  #expect(seen.orientation == .lps)
  let back = seen.reoriented(to: orientation)
  #expect(back.voxels == own.voxels && back.dimensions == own.dimensions)
  #expect(back.grid.displacement(from: own.grid) < 1e-9)
}

@Test(arguments: Orientation.all)
func markerStaysWithThePatient(orientation: Orientation) throws {
  var start = Volume(
    dimensions: [6, 5, 4], affine: Affine(spacing: [1, 2, 3], origin: [-3, -4, -5]),
    voxels: [Float](repeating: 0, count: 120))
  start.voxels[1 + 6 * (3 + 5 * 2)] = 9
  let place = start.affine([1, 3, 2])
  for volume in [start.reoriented(to: orientation), start.reoriented(to: orientation).reoriented(to: .lps)] {
    let at = try #require(volume.voxels.firstIndex(of: 9))
    let size = volume.dimensions
    let index = SIMD3<Double>(Double(at % size.x), Double(at / size.x % size.y), Double(at / size.x / size.y))
    let distance = volume.affine(index) - place
    #expect((distance * distance).sum() < 1e-20)
    #expect(volume.voxels.filter { $0 != 0 } == [9])
  }
}

@Test func networkSeesTheAxialViewOfARadiologist() throws {
  // In RAS the patient's right is the last column; in the view it is the first one, with anterior on top.
  let ras = ramp([4, 3, 2])
  let seen = ras.reoriented(to: .lps)
  #expect(seen.slice(0) == [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
  #expect(seen.affine.column(0) == [-1, 0, 0])
  #expect(seen.affine.origin == [3, 4, 0])
}

@Test func orientationNamesAreStrict() {
  #expect(Orientation("lps") == .lps)
  #expect(Orientation("LRS") == nil)
  #expect(Orientation("LP") == nil)
  #expect(Orientation("LPX") == nil)
}

@Test func inverseUndoesTheMap() {
  let affine = Affine(spacing: [1, 2, -3], origin: [10, -20, 30]).turned
  let round = affine.inverse * affine
  #expect(
    Grid(dimensions: [200, 200, 200], affine: round)
      .displacement(from: Grid(dimensions: [200, 200, 200], affine: .identity)) < 1e-9)
  #expect(abs(affine.determinant + 6) < 1e-12)
  #expect(!Affine(spacing: [1, 0, 1]).isInvertible)
}

@Test func mismatchIsSaidInMillimetres() {
  let grid = Grid(dimensions: [182, 218, 182], affine: Affine(spacing: [1, 1, 1]))
  #expect(grid.mismatch(with: grid) == nil)
  var other = grid
  other.affine = Affine(spacing: [1, 1, 1], origin: [0, 0, 0.0004])
  #expect(grid.matches(other))
  other.affine = Affine(spacing: [1, 1, 1], origin: [0, 3.2, 0])
  #expect(grid.mismatch(with: other) == "origin 3.2 mm apart")
  #expect(grid.matches(other, tolerance: 4))
  other = Grid(dimensions: [240, 240, 155], affine: Affine(spacing: [0.9, 1, 1]))
  #expect(
    grid.mismatch(with: other)
      == "182x218x182 voxels against 240x240x155, spacing 1.00x1.00x1.00 mm against 0.90x1.00x1.00 mm")
  other = grid.reoriented(to: .lps)
  #expect(grid.mismatch(with: other)?.contains("orientation RAS against LPS") == true)
  other = Grid(dimensions: grid.dimensions, affine: grid.affine.turned)
  #expect(grid.mismatch(with: other) == "axes tilted by 30.00 degrees")
}
