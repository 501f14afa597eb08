import Imaging

/// Voxels of a volume one behind the other along an axis.
struct VoxelLine {
  let axis: Int, start: Int, step: Int, count: Int
  var end: Int { start + (count - 1) * step }

  /// All lines of a volume of this size, along its axes one after the other.
  static func all(of size: SIMD3<Int>) -> [VoxelLine] {
    let strides = SIMD3(1, size.x, size.x * size.y)
    return (0..<3).flatMap { axis in
      let (a, b) = ((axis + 1) % 3, (axis + 2) % 3)
      return (0..<size[a]).flatMap { p in
        (0..<size[b]).map { q in
          VoxelLine(
            axis: axis, start: p * strides[a] + q * strides[b], step: strides[axis], count: size[axis])
        }
      }
    }
  }
}

extension Volume {
  /// Marks the zeros at both ends of lines: what a scan does not show, beyond where it was acquired or cut out.
  func markZeros(atEndsOf lines: [VoxelLine], in places: inout [Bool]) {
    for line in lines {
      for (end, step) in [(line.start, line.step), (line.end, -line.step)] {
        var (voxel, left) = (end, line.count)
        while left > 0, voxels[voxel] == 0 {
          places[voxel] = true
          (voxel, left) = (voxel + step, left - 1)
        }
      }
    }
  }
}
