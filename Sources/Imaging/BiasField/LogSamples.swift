import Foundation

/// Logarithms of a scan's foreground at the points of a coarser grid: those of single voxels, since in means of many tissues
/// mix and the histogram loses the peaks that sharpening looks for.
struct LogSamples: Sendable {
  /// For each axis, the voxel indices of the grid's points, ascending.
  let indices: [[Int]]
  /// Which points are foreground, ascending; the first axis runs fastest.
  let places: [Int]
  /// Their logarithms, less the mean of all.
  let logs: [Float]

  var pointCount: Int { indices.reduce(1) { $0 * $1.count } }

  /// The voxel indices along an axis from the first point that is foreground to the last; there must be one.
  func reach(axis: Int) -> ClosedRange<Double> {
    let stride = indices[..<axis].reduce(1) { $0 * $1.count }
    var (first, last) = (indices[axis].count - 1, 0)
    for place in places {
      let point = place / stride % indices[axis].count
      (first, last) = (min(first, point), max(last, point))
    }
    return Double(indices[axis][first])...Double(indices[axis][last])
  }

  /// - Parameters:
  ///   - mask: by voxel; those not above 0, or infinite, have no logarithm and do not count.
  ///   - spacing: about how far apart points are to be, in mm; never nearer than voxels.
  init(of volume: Volume, in mask: [Bool], spacing: Double) {
    let (size, voxel) = (volume.dimensions, volume.affine.spacing)
    indices = (0..<3).map { axis in
      let step = Self.step(count: size[axis], voxel: voxel[axis], spacing: spacing)
      return Array(stride(from: step / 2, to: size[axis], by: step))
    }
    var (places, values, point) = ([Int](), [Double](), 0)
    for k in indices[2] {
      for j in indices[1] {
        for i in indices[0] {
          let voxel = i + size.x * (j + size.y * k)
          let value = volume.voxels[voxel]
          if mask[voxel] && value > 0 && value < .infinity {
            places.append(point)
            values.append(log(Double(value)))
          }
          point += 1
        }
      }
    }
    let mean = values.reduce(0, +) / Double(max(values.count, 1))
    self.places = places
    logs = values.map { Float($0 - mean) }
  }

  /// From one point to the next, in voxels: thick slices all count, and few voxels are not made fewer still.
  private static func step(count: Int, voxel: Double, spacing: Double) -> Int {
    let fewest = 16
    let most = max(count / fewest, 1)
    let wanted = (spacing / voxel).rounded()
    return wanted < Double(most) ? max(Int(wanted), 1) : most
  }
}
