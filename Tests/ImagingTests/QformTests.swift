import Files
import Foundation
import Imaging
import ScanSupport
import Testing

/// Grids as nibabel reads them, from a file of `Support/golden/qforms.py`.
private struct Qforms {
  let count: Int
  private let headers: [Float]
  private let nibabel: [Double], meant: [Double]

  init(_ path: String) throws {
    let file = try Safetensors(contentsOf: path)
    func numbers<T>(_ name: String, _ type: T.Type) throws -> [T] {
      let entry = try #require(file[name])
      return file.withBytes(of: entry) { bytes in
        (0..<entry.count).map {
          bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: type)
        }
      }
    }
    headers = try numbers("header", Float.self)
    nibabel = try numbers("nibabel", Double.self)
    meant = try numbers("grid", Double.self)
    count = headers.count / 10
  }

  /// The grid as this program reads it from a file of the qform alone.
  func read(_ index: Int) throws -> Grid {
    let fields = headers[index * 10..<index * 10 + 10].map(Double.init)
    var raw = RawNIfTI(qformCode: 1)
    for place in 0..<4 { raw.pixdim[place] = fields[place] }
    (raw.quaternion, raw.qoffset) = (Array(fields[4..<7]), Array(fields[7...]))
    raw.store((0..<60).map { Double($0) })
    return Grid(dimensions: [512, 512, 512], affine: try NIfTI.read(raw.bytes, name: "q").volume.affine)
  }

  private func grid(_ numbers: [Double], _ index: Int) -> Grid {
    func row(_ r: Int) -> SIMD4<Double> { SIMD4(numbers[index * 12 + r * 4..<index * 12 + r * 4 + 4]) }
    return Grid(dimensions: [512, 512, 512], affine: Affine(row(0), row(1), row(2)))
  }

  func ofNibabel(_ index: Int) -> Grid { grid(nibabel, index) }
  func meant(_ index: Int) -> Grid { grid(meant, index) }

  /// 1 - b² - c² - d² of what is stored.
  func rest(_ index: Int) -> Double {
    1 - headers[index * 10 + 4..<index * 10 + 7].reduce(0) { $0 + Double($1) * Double($1) }
  }

  /// Reads all and compares; the largest distance from nibabel in mm, and how many its higher limit sets apart.
  func compare() throws -> (largest: Double, otherLimit: Int) {
    var (largest, otherLimit) = (0.0, 0)
    for index in 0..<count {
      let read = try read(index)
      // One grid, as it was meant and as the qform holds it.
      #expect(read.mismatch(with: meant(index)) == nil, "\(index)")
      // Between the limit of the NIfTI-1 library and its own, nibabel takes the first component for rounding.
      if (1e-7..<3 * Double(Float.ulpOfOne)).contains(rest(index)) {
        otherLimit += 1
        #expect(
          read.displacement(from: meant(index)) <= ofNibabel(index).displacement(from: meant(index)) + 1e-6,
          "\(index)")
      } else {
        largest = max(largest, read.displacement(from: ofNibabel(index)))
      }
    }
    #expect(largest < 1e-6)
    return (largest, otherLimit)
  }
}

@Test func qformsLieWhereNibabelPutsThem() throws {
  let golden = try Qforms("\(Python.root)/Tests/Golden/qforms.safetensors")
  #expect(golden.count == 256)
  let (_, otherLimit) = try golden.compare()
  // The grids between the limits are few, and there are some: otherwise they would not be compared at all.
  #expect((1...32).contains(otherLimit))
  // Half of them lie near half turns.
  #expect((0..<256).count { golden.rest($0) < 1e-3 } > 100)
}

@Test(.enabled(if: Soak.isOn)) func tenThousandQformsLieWhereNibabelPutsThem() throws {
  try withFolder { folder in
    guard let done = try Python.run("qforms.py", ["\(folder)/q.safetensors", "10000", "77"]) else {
      return Soak.report("10,000 qforms: left out, there is no Python with nibabel")
    }
    #expect(done.code == 0, "\(done.output)")
    let qforms = try Qforms("\(folder)/q.safetensors")
    #expect(qforms.count == 10000)
    let (largest, otherLimit) = try qforms.compare()
    Soak.report(
      "10,000 qforms: at most \(largest) mm from nibabel in a corner of 512^3 voxels; \(otherLimit) lie between its limit and that"
        + " of the NIfTI-1 library, where the latter is nearer to the grid that was meant")
  }
}

/// A grid of up to 512 voxels a side, half of them near a half turn.
private func randomGrid(_ random: inout RandomSource) -> Grid {
  var q = SIMD4(random.normal(), random.normal(), random.normal(), random.normal())
  if random.uniform() < 0.5 { q[0] = pow(10, random.uniform(-7, -1)) }
  q /= (q * q).sum().squareRoot()
  if q[0] < 0 { q = -q }
  let rotation = Quaternion(b: q[1], c: q[2], d: q[3], handedness: random.uniform() < 0.5 ? -1 : 1)
  let sizes = SIMD3((0..<3).map { _ in 64 + random.integer(below: 449) })
  return Grid(
    dimensions: sizes,
    affine: Affine(
      rotation, spacing: [random.uniform(0.3, 1.5), random.uniform(0.3, 1.5), random.uniform(0.3, 6)],
      origin: [random.normal() * 120, random.normal() * 120, random.normal() * 120]))
}

/// As a NIfTI-1 file holds it, in single precision.
private func stored(_ grid: Grid, sform: Bool) throws -> Grid {
  var raw = RawNIfTI()
  raw.place(grid.affine, sform: sform ? 1 : 0, qform: sform ? 0 : 1)
  raw.store((0..<60).map { Double($0) })
  return Grid(dimensions: grid.dimensions, affine: try NIfTI.read(raw.bytes, name: "g").volume.affine)
}

@Test func oneGridInBothFormsIsOneGrid() throws {
  var random = RandomSource(seed: 20)
  var largest = 0.0
  let count = Soak.count(2000, soak: 100_000)
  for _ in 0..<count {
    let grid = randomGrid(&random)
    let (sform, qform) = (try stored(grid, sform: true), try stored(grid, sform: false))
    #expect(sform.mismatch(with: qform) == nil && qform.mismatch(with: sform) == nil)
    // At 45 degrees two readings of one grid may take different axes for the nearest.
    if Orientation(of: sform.affine) == Orientation(of: qform.affine) {
      let turned = try #require(Orientation.all.randomElement(using: &random))
      #expect(sform.reoriented(to: turned).matches(qform.reoriented(to: turned)))
    }
    #expect(sform.displacement(from: grid) < Grid.tolerance / 5)
    largest = max(largest, sform.displacement(from: qform))
  }
  // A plain distance would have to allow this, which is far more than a patient may move.
  #expect(largest > 0.05)
  Soak.report("\(count) grids as sform and as qform: none set apart; up to \(largest) mm between the two")
}

@Test func gridsThatDifferAreSetApartInBothForms() throws {
  var random = RandomSource(seed: 21)
  for round in 0..<Soak.count(2000, soak: 20_000) {
    let grid = randomGrid(&random)
    var other = grid
    let shift = SIMD3(random.normal(), random.normal(), random.normal())
    switch round % 4 {
    case 0:  // 0.01 mm
      let step = shift / (shift * shift).sum().squareRoot() * 0.01
      for axis in 0..<3 { other.affine.rows[axis].w += step[axis] }
    case 1:  // a tilt of 0.1 degrees about any axis
      let unit = shift / (shift * shift).sum().squareRoot() * sin(0.05 * .pi / 180)
      let tilt = Affine(
        Quaternion(b: unit.x, c: unit.y, d: unit.z, handedness: 1), spacing: .one, origin: .zero)
      other.affine = tilt * other.affine
      for axis in 0..<3 { other.affine.rows[axis].w = grid.affine.rows[axis].w }
    case 2:  // voxels a ten-thousandth larger
      for axis in 0..<3 { for column in 0..<3 { other.affine.rows[axis][column] *= 1.0003 } }
    default:  // the third axis reversed
      for axis in 0..<3 { other.affine.rows[axis].z *= -1 }
    }
    for forms in [(true, true), (true, false), (false, true), (false, false)] {
      let (first, second) = (try stored(grid, sform: forms.0), try stored(other, sform: forms.1))
      #expect(!first.matches(second), "\(round % 4) \(forms)")
    }
  }
}

/// Two matrices are compared as they stand: the allowance is a qform's alone.
@Test func twoSformsNearAHalfTurnAreComparedStrictly() {
  let grid = Grid(dimensions: [256, 256, 30], affine: Affine([-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 4, 0]))
  let angle = 0.03 * Double.pi / 180
  let tilt = Affine([cos(angle), -sin(angle), 0, 0], [sin(angle), cos(angle), 0, 0], [0, 0, 1, 0])
  #expect(!grid.matches(Grid(dimensions: grid.dimensions, affine: tilt * grid.affine)))
}
