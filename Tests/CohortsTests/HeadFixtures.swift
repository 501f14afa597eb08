import Cohorts
import Foundation
import Imaging

/// A head of nested balls in FreeSurfer's codes on 2 mm voxels, with eyes in front and nuclei on the patient's right only.
func ballHead(whole: Bool = true) -> Volume {
  let n = 84
  var voxels: [Float] = []
  voxels.reserveCapacity(n * n * n)
  for k in 0..<n {
    for j in 0..<n {
      for i in 0..<n {
        let p = (SIMD3(Float(i), Float(j), Float(k)) - 41.5) * 2
        let radius = (p * p).sum().squareRoot()
        func ball(_ x: Float, _ y: Float, _ z: Float, _ within: Float) -> Bool {
          let d = p - SIMD3(x, y, z)
          return (d * d).sum() < within * within
        }
        let code: Float
        switch radius {
        case ..<50 where ball(0, 0, 0, 13): code = 4
        // In LPS order the patient's right is where x is small.
        case ..<50 where ball(-20, 4, 0, 7): code = 10
        case ..<50 where ball(-20, -12, 4, 6): code = 11
        case ..<50 where ball(-30, -4, 0, 6): code = 12
        case ..<50 where ball(0, 6, -40, 9): code = 16
        case ..<56 where ball(0, 30, -36, 16): code = 8
        case ..<50: code = 2
        case ..<56: code = 3
        case ..<61: code = 24
        case ..<66: code = whole ? 515 : 0
        case _ where whole && (ball(-20, -64, -20, 8) || ball(20, -64, -20, 8)): code = 506
        case ..<74: code = whole ? 507 : 0
        case ..<77: code = whole ? 511 : 0
        default: code = 0
        }
        voxels.append(code)
      }
    }
  }
  let affine = Affine([-2, 0, 0, 83], [0, -2, 0, 83], [0, 0, 2, -83])
  return Volume(dimensions: [n, n, n], affine: affine, voxels: voxels)
}

/// A lesion mask in MNI space: a ball of 9 mm in the patient's left white matter.
func lesionMask() -> Volume {
  let (n, affine) = (30, Affine([-1, 0, 0, -10], [0, -1, 0, 10], [0, 0, 1, 10]))
  let voxels = (0..<n * n * n).map { at -> Float in
    let p = SIMD3(Float(at % n), Float(at / n % n), Float(at / (n * n))) - 14.5
    return (p * p).sum() < 81 ? 1 : 0
  }
  return Volume(dimensions: [n, n, n], affine: affine, voxels: voxels)
}

/// A folder of two heads, one without skull, and lesions.
func writeAnatomies(_ root: String, orientation: Orientation = .lps) throws {
  try writeScan(ballHead().reoriented(to: orientation), "\(root)/one/labels.nii.gz")
  try writeScan(ballHead(whole: false).reoriented(to: orientation), "\(root)/two/labels.nii.gz")
  for kind in ["ms", "stroke"] {
    try writeScan(lesionMask().reoriented(to: orientation), "\(root)/lesions/\(kind)/a.nii.gz")
  }
}

/// Draws of axial planes without lesions, pose or ragged masks unless changed.
func plainHeads(_ change: (inout HeadOptions) -> Void = { _ in }) -> HeadOptions {
  var options = HeadOptions()
  (options.wholeHeads, options.whiteMatterLesions, options.strokes, options.tumours) = (0, 0, 0, 0)
  (options.faces, options.otherPlanes) = (0, 0)
  (options.rotation, options.scaling, options.shear) = (0, 0, 0)
  (options.coarseElastic, options.fineElastic) = (0, 0)
  (options.maskOffset, options.maskOffsetDeviation, options.maskRoughness) = (0.3, 0, 0)
  (options.damagedMasks, options.erodedMasks) = (0, 0)
  (options.smallestVoxel, options.largestVoxel) = (1, 1)
  change(&options)
  return options
}
