import Failures

/// The map of a volume's intensities to those that a network sees: divided by one of them, clipped at both ends.
public struct IntensityScale: Sendable, Equatable {
  /// The intensity that becomes 1.
  public let upper: Double
  /// Share of all voxels below 0, which become 0.
  public let clippedBelow: Double
  /// The largest that there is afterwards.
  public let ceiling: Float
  /// Share of all voxels that would be above `ceiling`, which become it.
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
    try self.init(
      upper: upper, ceiling: 1, of: voxels, name: name,
      "\(percentile) % of its voxels lie at or below \(upper)")
  }

  /// - Parameters:
  ///   - upper: what becomes 1.
  ///   - why: what is wrong where that cannot be, after "cannot be scaled: ".
  init(upper: Double, ceiling: Float, of voxels: [Float], name: String, _ why: String) throws {
    let limit = Float(upper)
    guard upper.isFinite, limit > 0, (1 / limit).isFinite else {
      throw malformed("\(name): cannot be scaled: \(why)")
    }
    let highest = limit * ceiling
    var (below, above) = (0, 0)
    for value in voxels {
      below &+= value < 0 ? 1 : 0
      above &+= value > highest ? 1 : 0
    }
    (self.upper, self.ceiling) = (upper, ceiling)
    clippedBelow = Double(below) / Double(voxels.count)
    clippedAbove = Double(above) / Double(voxels.count)
  }

  /// Intensities, which must be finite, divided by `upper` and clipped to [0, `ceiling`].
  public func normalise(_ voxels: [Float]) -> [Float] {
    var result = voxels
    normalise(inPlace: &result)
    return result
  }

  /// As `normalise(_:)`, without a copy.
  public func normalise(inPlace voxels: inout [Float]) {
    let (divisor, ceiling) = (Float(upper), ceiling)
    voxels.withUnsafeMutableBufferPointer { voxels in
      for index in voxels.indices {
        let value = voxels[index] / divisor
        voxels[index] = value > 0 ? (value < ceiling ? value : ceiling) : 0
      }
    }
  }
}
