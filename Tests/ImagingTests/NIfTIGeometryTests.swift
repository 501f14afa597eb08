import Foundation
import Imaging
import ScanSupport
import Testing

/// What is stored, in which codes.
private let codes: [(sform: Int, qform: Int)] = [(2, 0), (0, 1), (4, 1), (0, 0)]

private func source(_ affine: Affine, _ code: (sform: Int, qform: Int), _ type: Datatype) -> RawNIfTI {
  var raw = RawNIfTI()
  raw.use(type)
  raw.place(affine, sform: code.sform, qform: code.qform)
  if type == .float64 { (raw.slope, raw.intercept) = (0.5, -3) }
  raw.store((0..<60).map { Double($0 * 3 % 59) })
  return raw
}

@Test(arguments: Orientation.all)
func outputLiesOnTheInputsGrid(orientation: Orientation) throws {
  let grid = Grid(dimensions: [5, 4, 3], affine: Affine(spacing: [1, 2, 3], origin: [-7, 11, 40.5]))
    .reoriented(to: orientation)
  for code in codes {
    for type in [Datatype.uint8, .int16, .uint16, .float32, .float64] {
      for compressed in [false, true] {
        for (version, bigEndian) in [(1, compressed), (2, !compressed)] {
          var raw = source(grid.affine, code, type)
          raw.version = version
          raw.bigEndian = bigEndian
          raw.store((0..<60).map { Double($0 * 3 % 59) })
          let bytes = compressed ? gzip(raw.bytes) : raw.bytes
          let image = try NIfTI.read(bytes, name: "input")
          let expected = code == (0, 0) ? Affine(spacing: grid.affine.spacing) : grid.affine
          #expect(image.volume.grid.displacement(from: Grid(dimensions: [5, 4, 3], affine: expected)) < 1e-4)
          if code != (0, 0) { #expect(image.volume.orientation == orientation) }

          let written = try NIfTI.encoded(image.volume, like: image.header, compressed: false)
          #expect(RawNIfTI.geometry(written) == RawNIfTI.geometry(raw.bytes))
          let again = try NIfTI.read(written, name: "output")
          #expect(again.volume.voxels == image.volume.voxels)
          #expect(again.header.isBigEndian == bigEndian)
        }
      }
    }
  }
}

@Test func obliqueGridsSurviveTheNetworksOrientation() throws {
  var random = RandomSource(seed: 12)
  for _ in 0..<200 {
    let axis = SIMD3(random.normal(), random.normal(), random.normal())
    let unit = axis / (axis * axis).sum().squareRoot() * sin(random.uniform(0, .pi / 2))
    let rotation = Quaternion(b: unit.x, c: unit.y, d: unit.z, handedness: random.uniform() < 0.5 ? -1 : 1)
    let affine = Affine(
      rotation, spacing: [random.uniform(0.5, 5), random.uniform(0.5, 5), random.uniform(0.5, 5)],
      origin: [random.normal() * 100, random.normal() * 100, random.normal() * 100])
    let raw = source(affine, codes[random.integer(below: 3)], .int16)
    let image = try NIfTI.read(raw.bytes, name: "input")
    #expect(image.volume.grid.displacement(from: Grid(dimensions: [5, 4, 3], affine: affine)) < 1e-3)
    let seen = image.volume.reoriented(to: .lps)
    let written = try NIfTI.encoded(
      seen.reoriented(to: image.volume.orientation), like: image.header, compressed: false)
    #expect(RawNIfTI.geometry(written) == RawNIfTI.geometry(raw.bytes))
    #expect(try NIfTI.read(written, name: "output").volume.voxels == image.volume.voxels)
  }
}

@Test func sformGoesBeforeQform() throws {
  var raw = source(Affine(spacing: [1, 2, 3]), (1, 1), .uint8)
  raw.srow[3] = 25
  #expect(try NIfTI.read(raw.bytes, name: "input").volume.affine.origin == [25, 0, 0])
  raw.sformCode = 0
  #expect(try NIfTI.read(raw.bytes, name: "input").volume.affine.origin == [0, 0, 0])
}

@Test func unplacedFilesWithOddVoxelSizesAreRead() throws {
  var raw = source(Affine(spacing: [1, 2, 3]), (0, 0), .uint8)
  raw.pixdim = [0, -2, 0, 3, 0, 0, 0, 0]
  raw.units = 0
  let image = try NIfTI.read(raw.bytes, name: "input")
  #expect(image.volume.affine == Affine(spacing: [2, 1, 3]))
  #expect(!image.header.isPlaced)
  #expect(image.header.units == .unknown)
}

@Test func lengthsInMetresBecomeMillimetres() throws {
  var raw = source(Affine(spacing: [0.001, 0.002, 0.003]), (1, 0), .uint8)
  raw.units = 1
  let spacing = try NIfTI.read(raw.bytes, name: "input").volume.affine.spacing
  #expect(abs(spacing.z - 3) < 1e-5)
}

@Test func anotherGridIsWrittenAnew() throws {
  let image = try NIfTI.read(source(Affine(spacing: [1, 2, 3]), (2, 1), .uint8).bytes, name: "input")
  let other = ramp([3, 2, 2], affine: Affine(spacing: [2, 2, 2], origin: [5, 6, 7]).turned)
  let header = try NIfTI.read(
    NIfTI.encoded(other, like: image.header, compressed: false), name: "output"
  ).header
  #expect(header.grid.matches(other.grid))
  #expect(header.sformCode == 2 && header.qformCode == 1)
}

extension Affine {
  /// Tilted by 30 degrees about z.
  var turned: Affine {
    let cosine = Double(0.75).squareRoot()
    return Affine([cosine, -0.5, 0, 0], [0.5, cosine, 0, 0], [0, 0, 1, 0]) * self
  }
}

@Test func trailingAxesOfOneAreNoFourthDimension() throws {
  var raw = source(Affine(spacing: [1, 2, 3]), (1, 0), .uint8)
  raw.sizes = [5, 5, 4, 3, 1, 1, 0, 0]
  let image = try NIfTI.read(raw.bytes, name: "input")
  #expect(image.volume.dimensions == [5, 4, 3])
  let written = try NIfTI.encoded(image.volume, like: image.header, compressed: false)
  #expect(RawNIfTI.geometry(written) == RawNIfTI.geometry(raw.bytes))
}

/// The 1,920 geometries and 200 oblique ones, written to files and compared by nibabel.
@Test(.enabled(if: Soak.isOn)) func nibabelAgreesOnTheGeometry() throws {
  try withFolder { folder in
    var random = RandomSource(seed: 13)
    var count = 0
    func put(_ raw: RawNIfTI, compressed: Bool) throws {
      count += 1
      let ending = compressed ? ".nii.gz" : ".nii"
      let bytes = compressed ? gzip(raw.bytes, level: 1) : raw.bytes
      try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(count)-in\(ending)"))
      let image = try NIfTI.read(path: "\(folder)/\(count)-in\(ending)")
      let back = image.volume.reoriented(to: .lps).reoriented(to: image.volume.orientation)
      try NIfTI.write(back, like: image.header, to: "\(folder)/\(count)-out\(ending)")
    }
    for orientation in Orientation.all {
      let grid = Grid(dimensions: [5, 4, 3], affine: Affine(spacing: [1, 2, 3], origin: [-7, 11, 40.5]))
        .reoriented(to: orientation)
      for code in codes {
        for type in [Datatype.uint8, .int16, .uint16, .float32, .float64] {
          for compressed in [false, true] {
            var raw = source(grid.affine, code, type)
            (raw.version, raw.bigEndian) = (1 + count % 2, count / 2 % 2 == 0)
            raw.extensions =
              count % 3 == 0
              ? [1, 0, 0, 0] + [16, 0, 0, 0, 6, 0, 0, 0] + Array("comment!".utf8) : [0, 0, 0, 0]
            raw.store((0..<60).map { Double($0 * 3 % 59) })
            if raw.bigEndian { raw.extensions = [0, 0, 0, 0] }
            try put(raw, compressed: compressed)
          }
        }
      }
    }
    #expect(count == 1920)
    for _ in 0..<200 {
      let axis = SIMD3(random.normal(), random.normal(), random.normal())
      let unit = axis / (axis * axis).sum().squareRoot() * sin(random.uniform(0, .pi / 2))
      let rotation = Quaternion(b: unit.x, c: unit.y, d: unit.z, handedness: random.uniform() < 0.5 ? -1 : 1)
      let affine = Affine(
        rotation, spacing: [random.uniform(0.5, 5), random.uniform(0.5, 5), random.uniform(0.5, 5)],
        origin: [random.normal() * 100, random.normal() * 100, random.normal() * 100])
      try put(source(affine, codes[random.integer(below: 3)], .int16), compressed: false)
    }
    guard let done = try Python.run("geometry.py", [folder]) else {
      return Soak.report("2,120 geometries: left out, there is no Python with nibabel")
    }
    #expect(done.code == 0 && done.output.contains("2120 pairs agree, 0 sources"), "\(done.output)")
    Soak.report("2,120 geometries with nibabel: \(done.output)")
  }
}
