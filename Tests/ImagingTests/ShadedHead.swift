import Files
import Foundation
import Imaging
import ScanSupport

/// A head under a field, recomputed from a seed by the operations of Support/golden/bias_field.py in the same order.
struct ShadedHead {
  static let size = SIMD3(40, 48, 34)
  var volume = Volume(
    dimensions: size, affine: Affine(spacing: [4, 4, 4.5]),
    voxels: [Float](repeating: 0, count: size.x * size.y * size.z))
  /// By voxel, the natural logarithm of the field.
  var logs: [Double] = []
  /// By voxel, whether it is brain.
  var brain: [Bool] = []
  /// By voxel, whether it is tissue of any kind.
  var mask: [Bool] { volume.voxels.map { $0 > 0.15 } }

  /// - Parameter isShaded: else the field is 1 everywhere.
  init(seed: UInt64, isShaded: Bool = true) {
    var random = SplitMix64(seed: seed)
    let slope = (0..<3).map { _ in random.uniform() - 0.5 }
    let bend = (0..<3).map { _ in random.uniform() - 0.5 }
    let balls = (0..<40).map { _ in
      (centre: (0..<3).map { _ in 1.4 * random.uniform() - 0.7 }, square: 0.02 + 0.05 * random.uniform())
    }
    let sizes = (0..<3).map { Double(Self.size[$0]) }
    for voxel in volume.voxels.indices {
      let index = [voxel % Self.size.x, voxel / Self.size.x % Self.size.y, voxel / Self.size.x / Self.size.y]
      let place = (0..<3).map { (2 * Double(index[$0]) + 1 - sizes[$0]) * (1 / sizes[$0]) }
      let radius = place[0] * place[0] * 1.5 + place[1] * place[1] * 1.25 + place[2] * place[2] * 1.1
      let noise = random.uniform() + random.uniform() - 1
      var tissue = 0.02
      if radius < 0.7 {
        tissue = 0.7
        for ball in balls {
          let apart = (0..<3).map { place[$0] - ball.centre[$0] }
          if apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2] < ball.square { tissue = 0.5 }
        }
        if place[0] * place[0] + place[1] * place[1] * 0.5 + place[2] * place[2] < 0.03 { tissue = 0.25 }
      } else if radius > 0.8 && radius < 0.95 {
        tissue = 0.85
      }
      var field = 1.0
      for axis in 0..<3 where isShaded {
        field = field + slope[axis] * place[axis] + bend[axis] * place[axis] * place[axis]
      }
      volume.voxels[voxel] = Float(((tissue + 0.06 * noise) * field * 4096).rounded(.down) * 0x1p-12)
      logs.append(log(field))
      brain.append(radius < 0.7)
    }
  }
}
