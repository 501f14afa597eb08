import Failures
import Imaging

/// A random translation of one source modality: how far alignment may fail before the synthesis does.
///
/// Paper, Fig. 3 and Table 6: each slice is shifted by (dx, dy), both uniform in [-radius, radius] pixels,
/// with bilinear resampling and zeros where nothing is known. The shift of a slice depends on the seed, the
/// subject's name, the slice and the epoch alone, never on batch size or order.
public struct Perturbation: Sendable, Equatable, Codable {
  public var modality: Modality
  /// Largest shift along each axis, in pixels; streams and batches refuse one beyond the image.
  public var radius: Double
  public var seed: UInt64

  public init(of modality: Modality, radius: Double, seed: UInt64 = 1) {
    self.modality = modality
    self.radius = radius
    self.seed = seed
  }

  /// Refuses (`.usage`) a shift beyond the image, or of a contrast that is none of those.
  func check(among modalities: [Modality], in extent: Extent) throws {
    let side = max(extent.rows, extent.columns)
    guard (0...Double(side)).contains(radius) else {
      throw Failure(.usage, "a shift of \(radius) pixels is not possible: give 0 to \(side)")
    }
    guard modalities.contains(modality) else {
      let what = "\(modality.title) is to be shifted but is not a source"
      throw Failure(.usage, "\(what) (sources: \(modalities.titles))")
    }
  }

  /// The shift (dx along columns, dy along rows, in pixels) of a sample. Evaluation reads epoch 0.
  public func shift(of reference: SampleReference, epoch: Int = 0) -> (dx: Double, dy: Double) {
    // FNV-1a over the name, then the numbers: the same slice has the same shift in any list of slices.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    reference.subject.utf8.forEach(mix)
    for number in reference.place + [epoch] {
      for shift in stride(from: 0, to: 64, by: 8) {
        mix(UInt8(truncatingIfNeeded: number >> shift))
      }
    }
    var random = RandomSource(seed: seed, stream: hash)
    let dx = random.uniform(-radius, radius)
    return (dx, random.uniform(-radius, radius))
  }

  /// Moves every plane of a block in place: `out[y][x] = in[y - dy][x - dx]`, bilinear, zero outside.
  func move(_ block: UnsafeMutableBufferPointer<Float>, _ extent: Extent, _ shift: (dx: Double, dy: Double)) {
    // Where the value at a pixel comes from: `whole` pixels away, and `part` of the way to the next one.
    func offset(_ shift: Double) -> (whole: Int, part: Float) {
      let floor = (-shift).rounded(.down)
      return (Int(floor), Float(-shift - floor))
    }
    let (height, width) = (extent.rows, extent.columns)
    // Bilinear interpolation at one common offset is separable: first along columns, then along rows.
    let (column, row) = (offset(shift.dx), offset(shift.dy))
    withUnsafeTemporaryAllocation(of: Float.self, capacity: height * width) { moved in
      for first in stride(from: 0, to: block.count, by: height * width) {
        let image = UnsafeMutableBufferPointer(rebasing: block[first..<first + height * width])
        for y in 0..<height {
          for x in 0..<width {
            let near = x + column.whole
            let left = near >= 0 && near < width ? image[y * width + near] : 0
            let right = near >= -1 && near < width - 1 ? image[y * width + near + 1] : 0
            moved[y * width + x] = left + column.part * (right - left)
          }
        }
        for y in 0..<height {
          let near = y + row.whole
          let hasUpper = near >= 0 && near < height
          let hasLower = near >= -1 && near < height - 1
          for x in 0..<width {
            let upper = hasUpper ? moved[near * width + x] : 0
            let lower = hasLower ? moved[(near + 1) * width + x] : 0
            image[y * width + x] = upper + row.part * (lower - upper)
          }
        }
      }
    }
  }
}
