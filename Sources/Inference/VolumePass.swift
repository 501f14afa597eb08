import Failures
import Imaging
import Methods
import Torch

/// One pass of a volume through a network, a batch of boxes at a time: its axial slices, seen alone or between their
/// neighbours and each put in its place, or patches that overlap and are blended (`PatchAxis`).
struct VolumePass {
  /// From 0 to the largest that images have, on their grid: what is computed, each after the other.
  private(set) var outputs: [Volume]
  /// Voxels that count and were brought to 0 or to that, and slices that had nothing in them.
  private(set) var below = 0, above = 0, empty = 0

  private var images: [Volume?]
  private let channels: [Int], ceiling: Float, counted: [Bool]?
  private let boxes: VolumeBoxes

  /// - Parameters:
  ///   - images: in LPS order, on one grid, scaled; nothing for those that are not there, but for one at least.
  ///   - extent: what the network was trained on: rows and columns, or planes, rows and columns.
  ///   - depth: slices that it sees of each source to make one.
  ///   - channels: those that are wanted of what it makes.
  ///   - ceiling: the largest intensity that images have.
  ///   - counted: the voxels of which it matters what the network made; nil for all.
  init(
    _ images: [Volume?], extent: Extent, depth: Int = 1, channels: [Int] = [0], ceiling: Float = 1,
    counted: [Bool]? = nil
  ) {
    guard let grid = images.lazy.compactMap({ $0?.grid }).first else {
      preconditionFailure("a pass without an image")
    }
    (self.images, self.channels, self.ceiling, self.counted) = (images, channels, ceiling, counted)
    boxes = VolumeBoxes(of: grid.dimensions, extent: extent, depth: depth)
    outputs = channels.map { _ in
      Volume(grid: grid, voxels: [Float](repeating: 0, count: grid.voxelCount))
    }
  }

  /// - Parameters:
  ///   - planes: those that are wanted; others stay 0 where no box with a wanted one reaches them.
  ///   - progress: passes of slices or patches through the network, done and in all.
  /// - Throws: `.numerical` where the network gives values that are not finite; what `progress` throws.
  mutating func run(
    _ predictor: Predictor, batchSize: Int, planes: [Int]? = nil, progress: (Int, Int) throws -> Void
  ) throws {
    let size = boxes.size
    empty = (0..<size.z).count { !hasSignal(boxes.runs(of: [size.x, size.y, 1], at: [0, 0, $0])) }
    // Boxes without signal are not computed: they count as zeros.
    let filled = boxes.all.filter { place in
      let isWanted =
        planes?.contains { (place.corner.z..<place.corner.z + boxes.box.z).contains($0) } ?? true
      return isWanted && hasSignal(boxes.runs(of: boxes.box, at: place.corner))
    }
    var done = 0
    while done < filled.count {
      let batch = filled[done..<min(done + batchSize, filled.count)]
      let values = try predictor(
        boxes.tensor(of: images, at: batch.map(\.corner), predictor.device),
        present: presence(batch.count, predictor.device)
      ) { passes, total in
        try progress(done * total + passes * batch.count, filled.count * total)
      }
      let made = values.count / (batch.count * boxes.box.x * boxes.box.y * boxes.box.z)
      for (place, box) in batch.enumerated() { try put(values, place, of: made, box) }
      done += batch.count
    }
    guard boxes.areBlended else { return }
    for channel in outputs.indices {
      for index in outputs[channel].voxels.indices {
        outputs[channel].voxels[index] = clamped(outputs[channel].voxels[index], at: index)
      }
    }
  }

  /// The results, handed over with the memory of the images, which are not needed any more.
  mutating func takeOutputs() -> [Volume] {
    images = []
    defer { outputs = [] }
    return outputs
  }

  /// What there is, for each of so many boxes; nil where nothing is missing.
  private func presence(_ count: Int, _ device: Device) -> Tensor? {
    if images.allSatisfy({ $0 != nil }) { return nil }
    let flags = images.map { $0 == nil ? 0 as Float : 1 }
    return Tensor((0..<count).flatMap { _ in flags }, shape: [count, images.count], device: device)
  }

  private func hasSignal(_ runs: [VolumeBoxes.Run]) -> Bool {
    runs.contains { run in
      images.contains { image in
        image.map { $0.voxels[run.inVolume..<run.inVolume + run.count].contains { $0 > 0 } } ?? false
      }
    }
  }

  /// Adds what the network made of a box, as much of it as counts.
  private mutating func put(_ values: [Float], _ place: Int, of made: Int, _ box: VolumeBoxes.Box) throws {
    let runs = boxes.runs(of: boxes.box, at: box.corner)
    let (size, count) = (boxes.size, boxes.box.x * boxes.box.y * boxes.box.z)
    for channel in outputs.indices {
      let start = (place * made + channels[channel]) * count
      for run in runs {
        let (factor, weights) = boxes.weights(of: box, in: run)
        for index in 0..<run.count {
          let (value, to) = (values[start + run.inBox + index], run.inVolume + index)
          guard value.isFinite else {
            throw Failure(.numerical, "the network gives \(value) in slice \(to / (size.x * size.y))")
          }
          if boxes.areBlended {
            outputs[channel].voxels[to] += factor * weights[weights.startIndex + index] * value
          } else {
            outputs[channel].voxels[to] = clamped(value, at: to)
          }
        }
      }
    }
  }

  private mutating func clamped(_ value: Float, at voxel: Int) -> Float {
    if value < 0 || value > ceiling, counted?[voxel] ?? true {
      if value < 0 { below += 1 } else { above += 1 }
    }
    return min(ceiling, max(0, value))
  }
}
