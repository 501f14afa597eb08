import Failures
import Files

/// By which rule a volume's intensities become those that a network sees.
public enum IntensityRule: String, Choice, Hashable {
  /// 1 stands for the 99.5th percentile of all voxels, and what is above it is brought to 1.
  case percentile = "percentile-99.5"
  /// `ForegroundScale.level` stands for the scale of the foreground (`ForegroundScale`).
  case foreground

  /// The largest intensity that a network sees.
  public var ceiling: Float { self == .percentile ? 1 : 4 }

  /// In words: what stands for 1.
  public var words: String {
    switch self {
    case .percentile: "the 99.5th percentile of a volume"
    case .foreground: "the scale of a volume's foreground by \(1 / ForegroundScale.level)"
    }
  }

  /// What a volume's foreground lies above where the volume is as a network sees it.
  /// - Parameter voxels: scaled by this rule.
  package func foregroundLimit(of voxels: [Float]) -> Float {
    switch self {
    case .foreground: ForegroundScale.seen
    // Of bright fluid or fat the 99.5th percentile may be many times what all else is.
    case .percentile:
      ForegroundScale.of(voxels).map { Float(ForegroundScale.floor * $0) } ?? ForegroundScale.seen
    }
  }

  /// How a volume's voxels, which must be finite, are scaled by it.
  /// - Parameter name: the file, for the message.
  /// - Throws: `.malformed` where there is nothing to scale by.
  public func scale(of voxels: [Float], name: String = "volume") throws -> IntensityScale {
    switch self {
    case .percentile: return try IntensityScale(of: voxels, name: name)
    case .foreground:
      guard let scale = ForegroundScale.of(voxels) else {
        throw malformed("\(name): cannot be scaled: no voxel of it lies above 0")
      }
      return try IntensityScale(
        upper: scale / ForegroundScale.level, ceiling: ceiling, of: voxels, name: name,
        "its foreground's scale is \(scale)")
    }
  }
}
