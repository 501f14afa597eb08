import Imaging

/// What is read of a cohort's samples.
public struct SampleContents: Sendable {
  /// The contrasts that a batch has, whether or not a subject has them.
  public var modalities: [Modality] { blocks.flatMap { $0 } }
  /// The contrasts without which a subject gives no sample.
  public let requiring: [Modality]
  public private(set) var region: Region
  /// Whether label maps are read.
  public let labels: Bool
  /// A random translation of one contrast.
  public let perturbation: Perturbation?
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
  }

  /// All contrasts of a scenario, of subjects who have them all; a source may be translated. Throws as `Scenario.check`.
  public init(
    _ scenario: Scenario, region: Region = .slice, labels: Bool = false, perturbation: Perturbation? = nil
  ) throws {
    try scenario.check()
    (blocks, requiring, self.region) = ([scenario.sources, [scenario.target]], scenario.modalities, region)
    (self.labels, self.perturbation, movable) = (labels, perturbation, scenario.sources)
  }

  /// The same of another region.
  func seeing(_ region: Region) -> SampleContents {
    var contents = self
    contents.region = region
    return contents
  }
}
