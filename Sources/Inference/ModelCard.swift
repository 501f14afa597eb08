import Failures
import Files
import Foundation
import Imaging

/// What a model file says of itself: what goes in by name, what comes out, how intensities were scaled, what it was
/// trained on and what it is for.
public struct ModelCard: Codable, Sendable, Equatable {
  /// The scenario: source order is the channel order, by name.
  public var scenario: Scenario
  /// Of the samples it was trained on: rows and columns of slices, or planes, rows and columns of patches.
  public var extent: Extent
  /// Neighbouring slices that it sees of each source to make one, where that is more than the one; nil for one.
  public var depth: Int?
  /// How intensities were scaled, in words.
  public var intensity: String
  /// The rule of the scale; nil for a percentile of the volume's voxels.
  public var rule: IntensityRule?
  /// Median over the training subjects of the intensity that stands for 1, by modality: what `--intensity reference` undoes.
  public var scales: [Modality: Double]
  /// Median voxel size of the training slices in mm: along rows (x), along columns (y), between slices (z).
  public var spacing: [Double]
  public var sliceRule: String
  /// The planes that it knows heads in; nil for axial ones alone.
  public var planes: [HeadPlane]?
  /// Training data: cohort, subjects, slices.
  public var trainedOn: String
  public var iterations: Int
  /// How good these weights were at validation; nil where there was none.
  public var score: Score?
  public var parameters: Int
  public var versions: [String: String]
  public var intendedUse = ModelCard.intendedUse
  /// What is told of it beside that; nil for most models, and in files of before it was kept.
  public var publication: Publication?

  public static let intendedUse =
    "Research on missing-modality synthesis. Not a medical device; not for diagnosis. Synthesised images may omit or invent findings."

  /// Of a segmentation.
  static let labelUse =
    "Research on what synthesised images are worth. Not a medical device; not for diagnosis. Segmentations may omit or invent findings."

  public init(
    scenario: Scenario, extent: Extent, depth: Int? = nil, intensity: String, rule: IntensityRule? = nil,
    scales: [Modality: Double], spacing: [Double],
    sliceRule: String, trainedOn: String, iterations: Int, score: Score?, parameters: Int,
    versions: [String: String]
  ) {
    (self.scenario, self.extent, self.depth, self.intensity) = (scenario, extent, depth, intensity)
    self.rule = rule
    (self.scales, self.spacing, self.sliceRule, self.trainedOn) = (scales, spacing, sliceRule, trainedOn)
    (self.iterations, self.score, self.parameters) = (iterations, score, parameters)
    self.versions = versions
    if scenario.target == .labels { intendedUse = ModelCard.labelUse }
  }

  /// What the network sees of a volume.
  public var region: Region {
    if extent.dimensions == 3 { return .patch(extent) }
    return depth.map(Region.slab) ?? .slice
  }

  /// The metadata key under which a model file carries it.
  public static let key = "aginet.card"

  public var json: String { get throws { try json(pretty: false) } }

  public init(json: String, file: String) throws {
    let card: ModelCard
    do {
      let data = Data(json.utf8)
      card = try StrictJSON.decode(
        ModelCard.current(StrictJSON.parse(data, file: "card")), of: data, file: "card")
    } catch let failure as Failure {
      throw Failure(
        .invalidModel, "\(file): its model card does not read (\(failure.message)); was it written by aginet?"
      )
    }
    // A size that no scanner makes would only exhaust memory.
    guard card.extent.sizes.allSatisfy({ (1...16384).contains($0) }), card.extent.count <= 16384 * 16384,
      (1...64).contains(card.depth ?? 1),
      [0, 3].contains(card.spacing.count), card.spacing.allSatisfy({ (0.1...20).contains($0) }),
      card.scales.values.allSatisfy({ $0 > 0 && $0.isFinite })
    else {
      throw Failure(.invalidModel, "\(file): its model card holds sizes or scales that cannot be")
    }
    self = card
  }

  /// A card in today's words: those of 0.1.0 knew slices and PSNR alone.
  private static func current(_ card: JSONValue) -> JSONValue {
    guard let members = card.members, let height = card["height"], let width = card["width"] else {
      return card
    }
    var today = members + [.init(key: "extent", value: .array([height, width]))]
    if let psnr = card["validationPSNR"] {
      let score = JSONValue.object([
        .init(key: "name", value: .string(Score.earlier)), .init(key: "value", value: psnr),
      ])
      today.append(.init(key: "score", value: score))
    }
    return .object(today)
  }

  /// The sentence every synthetic image carries (conventions: NIfTI description, sidecar, report).
  public var warning: String {
    switch scenario.target {
    case .labels: ModelCard.labelWarning(from: scenario.sources)
    case .contrast: ModelCard.warning(from: scenario.sources)
    case .missing:
      "SYNTHETIC images computed from whichever of \(scenario.sources.titles) were given; not acquired. "
        + ModelCard.limits
    }
  }

  /// The same of images by any number of models.
  package static let warning =
    "SYNTHETIC images computed from scans of other contrasts; not acquired. " + limits
  private static let limits =
    "May omit or invent findings. Research use only; not a medical device; not for diagnosis."

  /// The same of a segmentation.
  static func labelWarning(from sources: [Modality]) -> String {
    "COMPUTED segmentation of \(sources.titles); not drawn by a person. " + limits
  }

  public static func warning(from sources: [Modality]) -> String {
    "SYNTHETIC image computed from \(sources.titles); not acquired. " + limits
  }
}
