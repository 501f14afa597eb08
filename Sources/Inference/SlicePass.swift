import Failures
import Imaging
import Methods
import Torch

/// One pass of a volume's axial slices through a network, a batch at a time.
struct SlicePass {
  /// [0, 1], on the images' grid.
  var output: Volume
  /// Voxels brought to 0 or to 1, and slices that had nothing in them.
  var below = 0, above = 0, empty = 0

  private var images: [Volume]
  private let height: Int, width: Int
  /// Rows and columns of the slices the network sees, and where the volume's first voxel lies in them.
  private let frame: (height: Int, width: Int)
  private let offset: (row: Int, column: Int)

  init(_ images: [Volume], frame trained: (height: Int, width: Int)) {
    self.images = images
    (width, height) = (images[0].dimensions.x, images[0].dimensions.y)
    // Attention pools over the whole slice: smaller slices get the margin that training slices had.
    frame = (max(height, trained.height), max(width, trained.width))
    offset = ((frame.height - height) / 2, (frame.width - width) / 2)
    output = Volume(grid: images[0].grid, voxels: [Float](repeating: 0, count: images[0].voxels.count))
  }

  /// - Parameter progress: passes of slices through the network, done and in all.
  mutating func run(
    _ method: any Method, device: Device, batchSize: Int, progress: (Int, Int) throws -> Void
  ) throws {
    let slices = images[0].dimensions.z
    let filled = (0..<slices).filter { hasSignal($0) }
    empty = slices - filled.count
    var done = 0
    while done < filled.count {
      let batch = Array(filled[done..<min(done + batchSize, filled.count)])
      let image = try method.synthesize(tensor(of: batch, device)) { passes, total in
        try progress(done * total + passes * batch.count, filled.count * total)
      }
      let values = image.values(Float.self)
      for (place, slice) in batch.enumerated() { try put(values, place, slice) }
      done += batch.count
    }
  }

  /// The result, handed over with the memory of the images, which are not needed any more.
  mutating func takeOutput() -> Volume {
    images = []
    defer { output = Volume(dimensions: .zero, affine: output.affine, voxels: []) }
    return output
  }

  private func hasSignal(_ slice: Int) -> Bool {
    let range = slice * height * width..<(slice + 1) * height * width
    return images.contains { $0.voxels[range].contains { $0 > 0 } }
  }

  /// `[B, S, frame]` with zeros around the volume's slices.
  private func tensor(of slices: [Int], _ device: Device) -> Tensor {
    let pixels = frame.height * frame.width
    let values = [Float](unsafeUninitializedCapacity: slices.count * images.count * pixels) { buffer, count in
      buffer.initialize(repeating: 0)
      for (place, slice) in slices.enumerated() {
        for (channel, image) in images.enumerated() {
          image.voxels.withUnsafeBufferPointer { voxels in
            for row in 0..<height {
              let from = (slice * height + row) * width
              let to =
                (place * images.count + channel) * pixels + (row + offset.row) * frame.width + offset.column
              for column in 0..<width { buffer[to + column] = voxels[from + column] }
            }
          }
        }
      }
      count = buffer.count
    }
    return Tensor(values, shape: [slices.count, images.count, frame.height, frame.width], device: device)
  }

  private mutating func put(_ values: [Float], _ place: Int, _ slice: Int) throws {
    for row in 0..<height {
      let from = place * frame.height * frame.width + (row + offset.row) * frame.width + offset.column
      let to = (slice * height + row) * width
      for column in 0..<width {
        let value = values[from + column]
        guard value.isFinite else {
          throw Failure(.numerical, "the network gives \(value) in slice \(slice)")
        }
        if value < 0 { below += 1 }
        if value > 1 { above += 1 }
        output.voxels[to + column] = min(1, max(0, value))
      }
    }
  }
}
