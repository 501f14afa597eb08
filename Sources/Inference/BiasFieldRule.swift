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

  /// How much the logarithms of the fields of a person's scans must deviate on the mean, to be taken out of all of them; nil where
  /// nobody looks.
  ///
  /// Anatomy passes for shading too, as where a tumour fills a side. Of the 101 scans of 33 people on whom this was chosen, which
  /// had been corrected or show little, at most 0.13 was found, and in no person more than 0.11 on the mean; a fall by a factor of three
  /// from the front of a stripped brain to its back is 0.2.
  private var limit: Double? {
    switch self {
    case .automatic: 0.15
    case .correct: 0
    case .keep: nil
    }
  }

  /// What lies below this share of the foreground's scale is not looked at: air, and what is too dark to tell.
  private static let floor = 0.1

  /// Elements of an eighth of a head follow its anatomy: three levels, the last of quarters, and not N4's usual four.
  private static var options: BiasField.Options {
    var options = BiasField.Options()
    options.levels = 3
    return options
  }

  /// The fields that are to be taken out of a person's scans, one by one; of some, where they are taken out at all, none may be known.
  /// - Parameter volumes: nothing for those that are not given.
  func fields(of volumes: [Volume?]) -> [BiasField?] {
    guard let limit else { return volumes.map { _ in nil } }
    let fields = volumes.map { $0.flatMap(BiasFieldRule.field) }
    // One alone that seems shaded is left as the others are: what is between them a model relies on.
    let deviations = fields.compactMap { $0?.deviation }
    let mean = deviations.reduce(0, +) / Double(max(1, deviations.count))
    return mean > limit ? fields : volumes.map { _ in nil }
  }

  private static func field(of volume: Volume) -> BiasField? {
    guard let scale = ForegroundScale.of(volume.voxels) else { return nil }
    let floor = Float(floor * scale)
    return BiasField(of: volume, in: volume.voxels.map { $0 > floor }, options: options)
  }
}
