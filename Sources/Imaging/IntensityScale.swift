import Failures

/// The map of a volume's intensities to [0, 1]: divided by a percentile, clipped at both ends.
public struct IntensityScale: Sendable, Equatable {
  /// The intensity that becomes 1.
  public let upper: Double
  /// Share of all voxels below 0, which become 0.
  public let clippedBelow: Double
  /// Share of all voxels above `upper`, which become 1.
  public let clippedAbove: Double

  /// Takes the scale from a volume's voxels, which must be finite (`Volume.check(name:)`).
  ///
  /// - Parameters:
  ///   - percentile: 0 ... 100, interpolated linearly as NumPy does.
  ///   - name: the file, for the message.
  /// - Throws: `Failure` of kind `malformed` where the percentile is not positive and nothing can be divided by it.
  public init(of voxels: [Float], percentile: Double = 99.5, name: String = "volume") throws {
    guard let upper = Percentile.of(voxels, percentile) else {
      throw malformed("\(name): has no voxels; there is nothing to scale")
    }
    let limit = Float(upper)
    guard upper.isFinite, limit > 0, (1 / limit).isFinite else {
      throw malformed("\(name): cannot be scaled: \(percentile) % of its voxels lie at or below \(upper)")
    }
    var (below, above) = (0, 0)
    for value in voxels {
      below &+= value < 0 ? 1 : 0
      above &+= value > limit ? 1 : 0
    }
    self.upper = upper
    clippedBelow = Double(below) / Double(voxels.count)
    clippedAbove = Double(above) / Double(voxels.count)
  }

  /// Intensities, which must be finite, divided by `upper` and clipped to [0, 1].
  public func normalise(_ voxels: [Float]) -> [Float] {
    var result = voxels
    normalise(inPlace: &result)
    return result
  }

  /// As `normalise(_:)`, without a copy.
  public func normalise(inPlace voxels: inout [Float]) {
    let divisor = Float(upper)
    voxels.withUnsafeMutableBufferPointer { voxels in
      for index in voxels.indices {
        let value = voxels[index] / divisor
        voxels[index] = value > 0 ? (value < 1 ? value : 1) : 0
      }
    }
  }
}
