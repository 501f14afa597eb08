import Failures
import Foundation
import Imaging
import Testing

/// An asymmetric grid and values that differ everywhere.
func ramp(_ dimensions: SIMD3<Int> = [5, 4, 3], affine: Affine = Affine(spacing: [1, 2, 3])) -> Volume {
  let count = dimensions.x * dimensions.y * dimensions.z
  return Volume(dimensions: dimensions, affine: affine, voxels: (0..<count).map { Float($0 % 120) })
}

/// A fresh folder that is removed afterwards.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
  let folder = FileManager.default.temporaryDirectory.path + "/imaging-" + UUID().uuidString
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

@Test(arguments: Datatype.allCases, ["volume.nii", "volume.nii.gz"])
func writtenVolumeReadsBack(datatype: Datatype, name: String) throws {
  try withFolder { folder in
    let path = "\(folder)/\(name)"
    let volume = ramp()
    try NIfTI.write(volume, as: datatype, description: "ramp", to: path)
    let image = try NIfTI.read(path: path)
    #expect(image.volume.voxels == volume.voxels)
    #expect(image.volume.affine == volume.affine)
    #expect(image.header.datatype == datatype)
    #expect(image.header.description == "ramp")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [name])
  }
}

@Test func quaternionsTurnEveryOrientation() throws {
  for orientation in Orientation.all {
    let grid = ramp().grid.reoriented(to: orientation)
    let q = try #require(grid.affine.quaternion())
    let back = Affine(q, spacing: grid.affine.spacing, origin: grid.affine.origin)
    #expect(Grid(dimensions: grid.dimensions, affine: back).displacement(from: grid) < 1e-9)
    #expect(Orientation(of: back) == orientation)
  }
  #expect(Set(Orientation.all).count == 48)
}
