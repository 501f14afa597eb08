import Imaging

/// What is read of a cohort's samples.
public struct SampleContents: Sendable {
  /// The contrasts that a batch has, whether or not a subject has them.
  public var modalities: [Modality] { blocks.flatMap { $0 } }
  /// The contrasts without which a subject gives no sample.
  public let requiring: [Modality]
  /// How many of the contrasts a subject must have to give a sample, whichever those are.
  let least: Int
  public private(set) var region: Region
  /// Whether label maps are read.
  public let labels: Bool
  /// A random translation of one contrast.
  public let perturbation: Perturbation?
  /// Whether subjects without a label map give no sample.
  let requiringLabels: Bool
  /// What is changed at random in training.
  public let augmentation: Augmentation?
  /// By which rule intensities are scaled: as they are stored, or by the foreground of each volume.
  let rule: IntensityRule
  /// The contrasts that may be translated.
  let movable: [Modality]
  /// The contrasts that stand side by side in a batch.
  let blocks: [[Modality]]

  public init(
    modalities: [Modality], requiring: [Modality] = [], region: Region = .slice, labels: Bool = false,
    perturbation: Perturbation? = nil
  ) {
    (blocks, self.requiring, self.region) = ([modalities], requiring, region)
    (self.labels, self.perturbation, movable) = (labels, perturbation, modalities)
    (requiringLabels, augmentation, least, rule) = (false, nil, 0, .percentile)
  }

  /// All that a scenario is of, of subjects who have it all, or two of it where whatever is missing is asked for; a source may
  /// be translated.
  /// - Parameters:
  ///   - augmentation: of a stream's samples; those that are read in order stay as they are.
  ///   - rule: by which intensities are scaled.
  /// - Throws: as `Scenario.check`.
  public init(
    _ scenario: Scenario, region: Region = .slice, labels: Bool = false, perturbation: Perturbation? = nil,
    augmentation: Augmentation? = nil, rule: IntensityRule = .percentile
  ) throws {
    try scenario.check()
    blocks = [scenario.sources] + (scenario.target.modality.map { [[$0]] } ?? [])
    (requiring, least) = scenario.target == .missing ? ([], 2) : (scenario.modalities, 0)
    requiringLabels = scenario.target == .labels
    self.rule = rule
    (self.labels, self.region) = (labels || requiringLabels, region)
    (self.perturbation, movable, self.augmentation) = (perturbation, scenario.sources, augmentation)
  }

  /// The same of another region.
  func seeing(_ region: Region) -> SampleContents {
    var contents = self
    contents.region = region
    return contents
  }
}
