import Failures
import Foundation
import Imaging
import Methods
import Torch

/// One pass of a volume through a network, a batch of boxes at a time: its axial slices, seen alone or between their
/// neighbours and each put in its place, or patches that overlap by half, blended by a Gaussian window.
struct VolumePass {
  /// [0, 1], on the images' grid: what is computed, each after the other.
  private(set) var outputs: [Volume]
  /// Voxels brought to 0 or to 1, and slices that had nothing in them.
  private(set) var below = 0, above = 0, empty = 0

  private var images: [Volume]
  private let size: SIMD3<Int>
  /// What the network makes at a time: columns, rows, planes.
  private let box: SIMD3<Int>
  /// Slices that it sees of each source to make one.
  private let depth: Int
  private let spatial: [Int]
  /// How much each voxel of a patch counts; nothing for slices.
  private let window: [Float]
  private var weights: [Float] = []

  /// - Parameters:
  ///   - images: in LPS order, on one grid, scaled to [0, 1].
  ///   - extent: what the network was trained on: rows and columns, or planes, rows and columns.
  ///   - depth: slices that it sees of each source to make one.
  ///   - outputs: channels that it makes.
  init(_ images: [Volume], extent: Extent, depth: Int = 1, outputs: Int = 1) {
    (self.images, self.depth) = (images, depth)
    size = images[0].dimensions
    if extent.dimensions == 3 {
      box = [extent.columns, extent.rows, extent.planes]
      (spatial, window) = (extent.sizes, VolumePass.gaussian(box))
      weights = [Float](repeating: 0, count: images[0].voxels.count)
    } else {
      // Attention pools over the whole slice: smaller slices get the margin that training slices had.
      box = [max(size.x, extent.columns), max(size.y, extent.rows), 1]
      (spatial, window) = ([box.y, box.x], [])
    }
    self.outputs = (0..<outputs).map { _ in
      Volume(grid: images[0].grid, voxels: [Float](repeating: 0, count: images[0].voxels.count))
    }
  }

  /// - Parameters:
  ///   - planes: those that are wanted; others stay 0 where no box with a wanted one reaches them.
  ///   - progress: passes of slices or patches through the network, done and in all.
  /// - Throws: `.numerical` where the network gives values that are not finite; what `progress` throws.
  mutating func run(
    _ predictor: Predictor, batchSize: Int, planes: [Int]? = nil, progress: (Int, Int) throws -> Void
  ) throws {
    empty = (0..<size.z).count { !hasSignal(runs(of: [size.x, size.y, 1], at: [0, 0, $0])) }
    let filled = corners.filter { corner in
      let isWanted = planes?.contains { (corner.z..<corner.z + box.z).contains($0) } ?? true
      return isWanted && hasSignal(runs(of: box, at: corner))
    }
    var done = 0
    while done < filled.count {
      let batch = filled[done..<min(done + batchSize, filled.count)]
      let values = try predictor(tensor(of: batch, predictor.device)) { passes, total in
        try progress(done * total + passes * batch.count, filled.count * total)
      }
      for (place, corner) in batch.enumerated() { try put(values, place, runs(of: box, at: corner)) }
      done += batch.count
    }
    // Sums become weighted means.
    for channel in outputs.indices {
      for index in weights.indices where weights[index] > 0 {
        outputs[channel].voxels[index] = clamped(outputs[channel].voxels[index] / weights[index])
      }
    }
    weights = []
  }

  /// The results, handed over with the memory of the images, which are not needed any more.
  mutating func takeOutputs() -> [Volume] {
    images = []
    defer { outputs = [] }
    return outputs
  }

  // MARK: - Boxes

  /// A part of one of a box's rows that lies in the volume: where it begins in both.
  private struct Run {
    let inBox: Int, inVolume: Int, count: Int
  }

  private func runs(of box: SIMD3<Int>, at corner: SIMD3<Int>) -> [Run] {
    let first = pointwiseMax(SIMD3<Int>.zero, SIMD3<Int>.zero &- corner)
    let end = pointwiseMin(box, size &- corner)
    return (first.z..<end.z).flatMap { plane in
      (first.y..<end.y).map { row in
        let start = ((corner.z + plane) * size.y + corner.y + row) * size.x + corner.x
        return Run(
          inBox: (plane * box.y + row) * box.x + first.x, inVolume: start + first.x, count: end.x - first.x)
      }
    }
  }

  /// Where boxes begin: outside the volume where they are larger than it, which leaves an equal margin on both sides.
  private var corners: [SIMD3<Int>] {
    let (columns, rows, planes) = (starts(0), starts(1), starts(2))
    return planes.flatMap { plane in
      rows.flatMap { row in columns.map { SIMD3($0, row, plane) } }
    }
  }

  /// Along an axis, each half a box after the one before, the last one at the end.
  private func starts(_ axis: Int) -> [Int] {
    let room = size[axis] - box[axis]
    guard room > 0 else { return [room / 2] }
    return Array(stride(from: 0, to: room, by: max(1, box[axis] / 2))) + [room]
  }

  /// An eighth of the patch wide: its border hardly counts where a neighbour sees more.
  private static func gaussian(_ box: SIMD3<Int>) -> [Float] {
    let axes = (0..<3).map { axis in
      (0..<box[axis]).map { place in
        let distance = (Double(place) - Double(box[axis] - 1) / 2) / (Double(box[axis]) / 8)
        return Float(exp(-distance * distance / 2))
      }
    }
    return axes[2].flatMap { z in axes[1].flatMap { y in axes[0].map { x in x * y * z } } }
  }

  private func hasSignal(_ runs: [Run]) -> Bool {
    runs.contains { run in
      images.contains { $0.voxels[run.inVolume..<run.inVolume + run.count].contains { $0 > 0 } }
    }
  }

  // MARK: - To the network and back

  /// `[B, S * depth, spatial…]` with zeros around the volume.
  private func tensor(of corners: ArraySlice<SIMD3<Int>>, _ device: Device) -> Tensor {
    let voxels = box.x * box.y * box.z
    let channels = images.count * depth
    let count = corners.count * channels * voxels
    let values = [Float](unsafeUninitializedCapacity: count) { buffer, written in
      buffer.initialize(repeating: 0)
      for (place, corner) in corners.enumerated() {
        for neighbour in 0..<depth {
          let runs = runs(of: box, at: corner &+ SIMD3(0, 0, neighbour - depth / 2))
          for (source, image) in images.enumerated() {
            let start = (place * channels + source * depth + neighbour) * voxels
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
    return Tensor(values, shape: [corners.count, channels] + spatial, device: device)
  }

  private mutating func put(_ values: [Float], _ place: Int, _ runs: [Run]) throws {
    for channel in outputs.indices {
      let start = (place * outputs.count + channel) * box.x * box.y * box.z
      for run in runs {
        for index in 0..<run.count {
          let (value, to) = (values[start + run.inBox + index], run.inVolume + index)
          guard value.isFinite else {
            throw Failure(.numerical, "the network gives \(value) in slice \(to / (size.x * size.y))")
          }
          if window.isEmpty {
            outputs[channel].voxels[to] = clamped(value)
          } else {
            let weight = window[run.inBox + index]
            outputs[channel].voxels[to] += weight * value
            if channel == 0 { weights[to] += weight }
          }
        }
      }
    }
  }

  private mutating func clamped(_ value: Float) -> Float {
    if value < 0 { below += 1 }
    if value > 1 { above += 1 }
    return min(1, max(0, value))
  }
}
