import Failures
import Foundation
import Imaging
import Methods
import Torch

/// One pass of a volume through a network, a batch of boxes at a time: its axial slices, each put in its place, or patches
/// that overlap by half, blended by a Gaussian window.
struct VolumePass {
  /// [0, 1], on the images' grid.
  private(set) var output: Volume
  /// Voxels brought to 0 or to 1, and slices that had nothing in them.
  private(set) var below = 0, above = 0, empty = 0

  private var images: [Volume]
  private let size: SIMD3<Int>
  /// What the network sees at a time: columns, rows, planes.
  private let box: SIMD3<Int>
  /// Neighbouring slices that are channels of the middle one.
  private let depth: Int
  /// Of patches, how much each voxel counts, along columns, rows and planes; nothing for slices.
  private let window: [[Float]]
  private var weights: [Float] = []

  /// - Parameters:
  ///   - images: in LPS order, on one grid, scaled to [0, 1].
  ///   - extent: what the network was trained on: rows and columns, or planes, rows and columns.
  ///   - depth: slices that it sees beside each other.
  init(_ images: [Volume], extent: Extent, depth: Int = 1) {
    (self.images, self.depth) = (images, depth)
    size = images[0].dimensions
    if extent.dimensions == 3 {
      box = [extent.columns, extent.rows, extent.planes]
      window = [box.x, box.y, box.z].map(VolumePass.gaussian)
      weights = [Float](repeating: 0, count: images[0].voxels.count)
    } else {
      // Attention pools over the whole slice: smaller slices get the margin that training slices had.
      box = [max(size.x, extent.columns), max(size.y, extent.rows), depth]
      window = []
    }
    output = Volume(grid: images[0].grid, voxels: [Float](repeating: 0, count: images[0].voxels.count))
  }

  /// - Parameter progress: passes of slices or patches through the network, done and in all.
  /// - Throws: `.numerical` where the network gives values that are not finite; what `progress` throws.
  mutating func run(_ predictor: Predictor, batchSize: Int, progress: (Int, Int) throws -> Void) throws {
    let filled = corners.filter { hasSignal($0) }
    empty = (0..<size.z).count { !hasSignal([0, 0, $0], within: [size.x, size.y, 1]) }
    var done = 0
    while done < filled.count {
      let batch = Array(filled[done..<min(done + batchSize, filled.count)])
      let values = try predictor(tensor(of: batch, predictor.device)) { passes, total in
        try progress(done * total + passes * batch.count, filled.count * total)
      }
      for (place, corner) in batch.enumerated() { try put(values, place, corner) }
      done += batch.count
    }
    if !window.isEmpty { settle() }
  }

  /// The result, handed over with the memory of the images, which are not needed any more.
  mutating func takeOutput() -> Volume {
    images = []
    defer { output = Volume(dimensions: .zero, affine: output.affine, voxels: []) }
    return output
  }

  // MARK: - Boxes

  /// Where the boxes begin; outside the volume where they are larger than it.
  private var corners: [SIMD3<Int>] {
    if window.isEmpty {
      let margin = (box &- size) / 2
      return (0..<size.z).map { [-margin.x, -margin.y, $0 - depth / 2] }
    }
    let (columns, rows, planes) = (starts(0), starts(1), starts(2))
    return planes.flatMap { plane in
      rows.flatMap { row in columns.map { SIMD3($0, row, plane) } }
    }
  }

  /// Where patches begin along an axis: each half a patch after the one before, the last one at the end.
  private func starts(_ axis: Int) -> [Int] {
    let room = size[axis] - box[axis]
    guard room > 0 else { return [room / 2] }
    return Array(stride(from: 0, to: room, by: max(1, box[axis] / 2))) + [room]
  }

  /// An eighth of the patch wide: its border hardly counts where a neighbour sees more.
  private static func gaussian(_ length: Int) -> [Float] {
    (0..<length).map { place in
      let distance = (Double(place) - Double(length - 1) / 2) / (Double(length) / 8)
      return Float(exp(-distance * distance / 2))
    }
  }

  /// The part of an axis's box that lies in the volume, counted in the box.
  private func inside(_ corner: SIMD3<Int>, _ axis: Int, _ length: Int) -> Range<Int> {
    let first = max(0, -corner[axis])
    return first..<max(first, min(length, size[axis] - corner[axis]))
  }

  /// Slices that are looked at, not their neighbours, decide.
  private func hasSignal(_ corner: SIMD3<Int>) -> Bool {
    window.isEmpty
      ? hasSignal([0, 0, corner.z + depth / 2], within: [size.x, size.y, 1])
      : hasSignal(corner, within: box)
  }

  private func hasSignal(_ corner: SIMD3<Int>, within box: SIMD3<Int>) -> Bool {
    let (columns, rows) = (inside(corner, 0, box.x), inside(corner, 1, box.y))
    return inside(corner, 2, box.z).contains { plane in
      rows.contains { row in
        let start = voxel(corner, row, plane)
        let range = start + columns.lowerBound..<start + columns.upperBound
        return images.contains { $0.voxels[range].contains { $0 > 0 } }
      }
    }
  }

  /// Where in a volume a box's row begins.
  private func voxel(_ corner: SIMD3<Int>, _ row: Int, _ plane: Int) -> Int {
    ((corner.z + plane) * size.y + corner.y + row) * size.x + corner.x
  }

  // MARK: - To the network and back

  /// `[B, S * depth, rows, columns]` or `[B, S, planes, rows, columns]` with zeros around the volume.
  private func tensor(of corners: [SIMD3<Int>], _ device: Device) -> Tensor {
    let voxels = box.x * box.y * box.z
    let size = corners.count * images.count * voxels
    let values = [Float](unsafeUninitializedCapacity: size) { buffer, count in
      buffer.initialize(repeating: 0)
      for (place, corner) in corners.enumerated() {
        let columns = inside(corner, 0, box.x)
        for (channel, image) in images.enumerated() {
          image.voxels.withUnsafeBufferPointer { source in
            for plane in inside(corner, 2, box.z) {
              for row in inside(corner, 1, box.y) {
                let from = voxel(corner, row, plane)
                let to = (place * images.count + channel) * voxels + (plane * box.y + row) * box.x
                for column in columns { buffer[to + column] = source[from + column] }
              }
            }
          }
        }
      }
      count = buffer.count
    }
    let shape =
      window.isEmpty
      ? [corners.count, images.count * depth, box.y, box.x]
      : [corners.count, images.count, box.z, box.y, box.x]
    return Tensor(values, shape: shape, device: device)
  }

  private mutating func put(_ values: [Float], _ place: Int, _ corner: SIMD3<Int>) throws {
    // Of a slab, only the middle slice comes back.
    let (planes, first) = window.isEmpty ? (0..<1, depth / 2) : (inside(corner, 2, box.z), 0)
    let (columns, rows) = (inside(corner, 0, box.x), inside(corner, 1, box.y))
    let size = (window.isEmpty ? 1 : box.z) * box.y * box.x
    for plane in planes {
      for row in rows {
        let from = place * size + (plane * box.y + row) * box.x
        let to = voxel(corner, row, plane + first)
        for column in columns {
          let value = values[from + column]
          guard value.isFinite else {
            throw Failure(.numerical, "the network gives \(value) in slice \(corner.z + plane + first)")
          }
          if window.isEmpty {
            output.voxels[to + column] = clamped(value)
          } else {
            let weight = window[0][column] * window[1][row] * window[2][plane]
            output.voxels[to + column] += weight * value
            weights[to + column] += weight
          }
        }
      }
    }
  }

  /// Sums become weighted means.
  private mutating func settle() {
    for index in output.voxels.indices where weights[index] > 0 {
      output.voxels[index] = clamped(output.voxels[index] / weights[index])
    }
    weights = []
  }

  private mutating func clamped(_ value: Float) -> Float {
    if value < 0 { below += 1 }
    if value > 1 { above += 1 }
    return min(1, max(0, value))
  }
}
