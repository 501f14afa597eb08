/// The second honest baseline: the target's expected intensity, given the sources' intensities at that voxel.
///
/// A table over [0, 1]^S, read with multilinear interpolation: whatever a network adds must come from looking
/// at more than one voxel.
public struct IntensityLookup: Sendable, Equatable {
  public let sources: [String]
  public let target: String
  /// Pixels the table was fitted on.
  public let pixels: Int
  /// Expected target intensity at the nodes; the first source's axis runs fastest.
  public let table: [Float]

  let grid: IntensityGrid

  /// Nodes along each source's axis, from intensity 0 to 1.
  public var nodes: Int { grid.nodes }

  /// The prediction for one slice from its sources, in the order of `sources`, scaled to [0, 1].
  public func callAsFunction(_ images: [[Float]]) -> [Float] {
    let count = images.first?.count ?? 0
    return [Float](unsafeUninitializedCapacity: count) { output, filled in
      grid.withViews(of: images, count: count) { views, corner, weight in
        table.withUnsafeBufferPointer { table in
          for pixel in 0..<count {
            var value: Float = 0
            for c in 0..<grid.corners(of: pixel, in: views, corner, weight) {
              value += weight[c] * table[corner[c]]
            }
            output.initializeElement(at: pixel, to: value)
          }
        }
      }
      filled = count
    }
  }
}
