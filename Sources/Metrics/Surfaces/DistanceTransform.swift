import Imaging

/// Exact Euclidean distances on a grid of unequal spacings, in time proportional to the voxels.
///
/// One axis after another: along a line, each known squared distance is the vertex of a parabola, and the lower envelope of
/// these parabolas is the squared distance with that axis included (Felzenszwalb and Huttenlocher, Theory of Computing 8,
/// 2012, section 2).
package enum DistanceTransform {
  /// The squared distance in mm² from each voxel to the nearest that is true in `mask`; infinite where none is.
  package static func squared(to mask: [Bool], on grid: VoxelGrid) -> [Double] {
    precondition(mask.count == grid.extent.count, "the mask has \(mask.count) voxels, not \(grid.extent)")
    var squares = mask.map { $0 ? 0 : Double.infinity }
    for (axis, stride) in grid.strides.enumerated().reversed() {
      let (count, spacing) = (grid.extent.sizes[axis], grid.spacing[axis])
      var envelope = LowerEnvelope(count: count, spacing: spacing)
      squares.withUnsafeMutableBufferPointer { squares in
        for block in Swift.stride(from: 0, to: squares.count, by: count * stride) {
          for start in block..<block + stride { envelope.lower(squares, from: start, by: stride) }
        }
      }
    }
    return squares
  }
}

/// The lower envelope of the parabolas over one line of voxels.
private struct LowerEnvelope {
  private let count: Int
  private let square: Double
  private var line: [Double]
  /// Where the parabolas of the envelope have their vertices, and from which place on each is the lowest.
  private var vertices: [Int]
  private var begins: [Double]

  init(count: Int, spacing: Double) {
    (self.count, square) = (count, spacing * spacing)
    line = [Double](repeating: 0, count: count)
    vertices = [Int](repeating: 0, count: count)
    begins = [Double](repeating: 0, count: count)
  }

  mutating func lower(_ squares: UnsafeMutableBufferPointer<Double>, from start: Int, by stride: Int) {
    var last = -1
    for place in 0..<count {
      let height = squares[start + place * stride]
      line[place] = height
      guard height < .infinity else { continue }
      var begin = -Double.infinity
      while last >= 0 {
        let vertex = vertices[last]
        let apart = 2 * Double(place - vertex)
        begin = ((height - line[vertex]) / square + Double(place * place - vertex * vertex)) / apart
        // One that is nowhere the lowest leaves.
        if begin > begins[last] { break }
        last -= 1
        begin = -.infinity
      }
      last += 1
      (vertices[last], begins[last]) = (place, begin)
    }
    guard last >= 0 else { return }
    var lowest = 0
    for place in 0..<count {
      while lowest < last, begins[lowest + 1] < Double(place) { lowest += 1 }
      let apart = Double(place - vertices[lowest])
      squares[start + place * stride] = apart * apart * square + line[vertices[lowest]]
    }
  }
}
