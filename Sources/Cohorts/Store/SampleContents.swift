import Imaging

/// What is read of a cohort's samples.
public struct SampleContents: Sendable {
  /// The contrasts that a batch has, whether or not a subject has them.
  public let modalities: [Modality]
  /// The contrasts without which a subject gives no sample.
  public let requiring: [Modality]
  public let region: Region
  /// Whether label maps are read.
  public let labels: Bool
  /// A random translation of one contrast.
  public let perturbation: Perturbation?
  /// The contrasts that may be translated.
  let movable: [Modality]

  public init(
    modalities: [Modality], requiring: [Modality] = [], region: Region = .slice, labels: Bool = false,
    perturbation: Perturbation? = nil
  ) {
    (self.modalities, self.requiring, self.region) = (modalities, requiring, region)
    (self.labels, self.perturbation, movable) = (labels, perturbation, modalities)
  }

  /// All contrasts of a scenario, of subjects who have them all; a source may be translated. Throws what
  /// `Scenario.check` throws.
  public init(
    _ scenario: Scenario, region: Region = .slice, labels: Bool = false, perturbation: Perturbation? = nil
  ) throws {
    try scenario.check()
    (modalities, requiring, self.region) = (scenario.modalities, scenario.modalities, region)
    (self.labels, self.perturbation, movable) = (labels, perturbation, scenario.sources)
  }
}
