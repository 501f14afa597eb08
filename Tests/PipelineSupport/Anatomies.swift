import Cohorts
import Foundation
import Imaging

/// A folder of one label map: a ball of white and grey matter in fluid, on voxels of 2 mm.
/// - Parameter grey: outer radius of grey matter, in mm.
public func makeAnatomies(_ scratch: Scratch, _ name: String = "ball", radius grey: Float = 56) throws
  -> Anatomies
{
  let side = 84
  var voxels: [Float] = []
  for place in 0..<side * side * side {
    let p = SIMD3(Float(place % side), Float(place / side % side), Float(place / side / side)) * 2 - 83
    let radius = (p * p).sum().squareRoot()
    voxels.append(radius < 12 ? 1 : radius < 50 ? 3 : radius < grey ? 2 : radius < 61 ? 1 : 0)
  }
  let affine = Affine([-2, 0, 0, 83], [0, -2, 0, 83], [0, 0, 2, -83])
  let folder = scratch("\(name)/ball")
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  try NIfTI.write(
    Volume(dimensions: [side, side, side], affine: affine, voxels: voxels), to: folder + "/labels.nii.gz")
  return try Anatomies(folder: scratch(name))
}
