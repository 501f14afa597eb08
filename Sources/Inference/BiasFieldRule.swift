import Files
import Imaging

/// What is done about scans that their coils make brighter in some parts than in others, before a model of heads sees them. Such
/// a model has learned to carry shading over: what is made of shaded scans is as shaded as they are.
public enum BiasFieldRule: String, Choice {
  /// What is strong is taken out.
  case automatic = "auto"
  /// Whatever is found is taken out.
  case correct
  case keep

  /// Whether scans are looked at, and corrected where the field's logarithm deviates by so much.
  private var limit: Double? {
    switch self {
    case .automatic: 0.15
    case .correct: 0
    case .keep: nil
    }
  }

  /// What lies below this share of the foreground's scale is not looked at: air, and what is too dark to tell.
  private static let floor = 0.1

  /// The field that is to be taken out of a scan; nil where none is.
  func field(of volume: Volume) -> BiasField? {
    guard let limit, let scale = ForegroundScale.of(volume.voxels) else { return nil }
    let floor = Float(BiasFieldRule.floor * scale)
    let field = BiasField(of: volume, in: volume.voxels.map { $0 > floor })
    return field.flatMap { $0.deviation > limit ? $0 : nil }
  }
}
