import Imaging

/// A picture of what is drawn: one computed head a row, its contrasts as they are given, then as they are asked for.
public struct PhysicsSheet: Sendable {
  /// Grey values from the top, 0 black.
  public let pixels: [UInt8]
  public let width: Int
  public let height: Int

  /// The first batch's samples.
  public init(_ sampler: PhysicsSampler) {
    let batch = sampler.batch(0)
    let (rows, columns, gap) = (batch.extent.rows, batch.extent.columns, 2)
    let (modalities, size) = (sampler.modalities, batch.extent.count)
    let tiles = 2 * modalities.count
    width = tiles * (columns + gap) - gap
    height = batch.count * (rows + gap) - gap
    var pixels = [UInt8](repeating: 64, count: width * height)
    for (place, modality) in modalities.enumerated() {
      let sides = [batch.target(modality), batch.answers?[modality] ?? []]
      for (side, values) in sides.enumerated() where !values.isEmpty {
        let left = (side * modalities.count + place) * (columns + gap)
        for sample in 0..<batch.count {
          for row in 0..<rows {
            let start = (sample * (rows + gap) + row) * width + left
            for column in 0..<columns {
              let value = values[sample * size + row * columns + column]
              pixels[start + column] = UInt8(min(max(255 * value / 1.1, 0), 255))
            }
          }
        }
      }
    }
    self.pixels = pixels
  }

  /// As a file's bytes.
  public func png() throws -> [UInt8] { try PNG.encode(gray: pixels, width: width, height: height) }
}
