import Imaging
import Torch

/// The boxes of a volume that a network sees, one after the other: slices, slabs or patches.
struct VolumeBoxes {
  /// One of them: where its first voxel lies, and which it is along each axis.
  struct Box {
    let corner: SIMD3<Int>
    fileprivate let number: SIMD3<Int>
  }

  /// A part of one of a box's rows that lies in the volume: where it begins in both.
  struct Run {
    let inBox: Int, inVolume: Int, count: Int
  }

  /// Of the volume: columns, rows, planes.
  let size: SIMD3<Int>
  /// What the network makes at a time, in the same order.
  let box: SIMD3<Int>
  /// Whether boxes overlap, so that what is made of them is blended.
  let areBlended: Bool
  /// Slices that the network sees of each source to make one.
  private let depth: Int
  private let spatial: [Int]
  /// Of columns, rows and planes.
  private let axes: [PatchAxis]

  /// - Parameters:
  ///   - size: columns, rows and planes of the volume.
  ///   - extent: what the network was trained on: rows and columns, or planes, rows and columns.
  ///   - depth: slices that it sees of each source to make one.
  init(of size: SIMD3<Int>, extent: Extent, depth: Int) {
    (self.size, self.depth, areBlended) = (size, depth, extent.dimensions == 3)
    // Attention pools over the whole slice: smaller slices get the margin that training slices had.
    let box: SIMD3<Int> =
      areBlended
      ? [extent.columns, extent.rows, extent.planes]
      : [max(size.x, extent.columns), max(size.y, extent.rows), 1]
    self.box = box
    spatial = areBlended ? extent.sizes : [box.y, box.x]
    axes = (0..<3).map { PatchAxis(side: box[$0], size: size[$0]) }
  }

  /// Plane by plane, row by row.
  var all: [Box] {
    let (columns, rows, planes) = (axes[0].starts, axes[1].starts, axes[2].starts)
    return planes.indices.flatMap { k in
      rows.indices.flatMap { j in
        columns.indices.map { i in
          Box(corner: SIMD3(columns[i], rows[j], planes[k]), number: SIMD3(i, j, k))
        }
      }
    }
  }

  /// Of how many it is.
  var count: Int { axes.reduce(1) { $0 * $1.starts.count } }

  /// The rows of a box of this size that lie in the volume.
  func runs(of box: SIMD3<Int>, at corner: SIMD3<Int>) -> [Run] {
    let first = pointwiseMax(SIMD3<Int>.zero, SIMD3<Int>.zero &- corner)
    let end = pointwiseMin(box, size &- corner)
    guard first.x < end.x, first.y < end.y, first.z < end.z else { return [] }
    return (first.z..<end.z).flatMap { plane in
      (first.y..<end.y).map { row in
        let start = ((corner.z + plane) * size.y + corner.y + row) * size.x + corner.x
        return Run(
          inBox: (plane * box.y + row) * box.x + first.x, inVolume: start + first.x, count: end.x - first.x)
      }
    }
  }

  /// How much the voxels of a box's row count: a factor, and the weights of the row's voxels, its first in the volume first.
  func weights(of box: Box, in run: Run) -> (factor: Float, row: ArraySlice<Float>) {
    let (row, column) = run.inBox.quotientAndRemainder(dividingBy: self.box.x)
    let (k, j) = row.quotientAndRemainder(dividingBy: self.box.y)
    let factor = axes[2].weights[box.number.z][k] * axes[1].weights[box.number.y][j]
    return (factor, axes[0].weights[box.number.x][column..<column + run.count])
  }

  /// The shape of so many boxes of so many sources as a network takes them: `[B, S * depth, spatial…]`.
  func shape(of count: Int, sources: Int) -> [Int] { [count, sources * depth] + spatial }

  /// The boxes at these corners, with zeros around the volume and for images that are not there.
  func tensor(of images: [Volume?], at corners: [SIMD3<Int>], _ device: Device) -> Tensor {
    let voxels = box.x * box.y * box.z
    let shape = shape(of: corners.count, sources: images.count)
    let count = shape.reduce(1, *)
    let values = [Float](unsafeUninitializedCapacity: count) { buffer, written in
      buffer.initialize(repeating: 0)
      for (place, corner) in corners.enumerated() {
        for neighbour in 0..<depth {
          let runs = runs(of: box, at: corner &+ SIMD3(0, 0, neighbour - depth / 2))
          for (source, image) in images.enumerated() {
            guard let image else { continue }
            let start = (place * shape[1] + source * depth + neighbour) * voxels
            image.voxels.withUnsafeBufferPointer { voxels in
              for run in runs {
                for index in 0..<run.count {
                  buffer[start + run.inBox + index] = voxels[run.inVolume + index]
                }
              }
            }
          }
        }
      }
      written = count
    }
    return Tensor(values, shape: shape, device: device)
  }
}
