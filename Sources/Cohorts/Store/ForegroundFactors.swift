import Failures
import Imaging
import Synchronization

/// What a subject's stored volumes, in which 1 stands for a percentile, are multiplied by so that `ForegroundScale.level`
/// stands for the scale of their foreground: a function of what is stored alone, found when it is first needed.
final class ForegroundFactors: Sendable {
  private let images: StoredVolumes
  private let known = Mutex<[Int: Float]>([:])

  init(of images: StoredVolumes) { self.images = images }

  /// Of a channel; 1 where nothing of it is above 0. Throws `.malformed` for a damaged store.
  func factor(of channel: Int) throws -> Float {
    try known.withLock { known in
      if let factor = known[channel] { return factor }
      // What is 0 is background by any scale.
      let counts = try images.counts(of: channel).enumerated().dropFirst().filter { $0.element > 0 }
      let scale = ForegroundScale.of(
        counts.map { Float($0.offset) / images.one }, weights: counts.map { Double($0.element) })
      let factor = scale.map { Float(ForegroundScale.level / $0) } ?? 1
      known[channel] = factor
      return factor
    }
  }
}

extension PreparedCohort {
  /// The intensity of a subject's scan, in the file's own units, that becomes 1 by a rule; nil for a contrast that the subject
  /// lacks. Reads the stored volume where the rule is not the store's own. Throws `.malformed` for a damaged store.
  package func scale(
    of modality: Modality, of subject: CohortManifest.Subject, by rule: IntensityRule
  ) throws -> Double? {
    guard let channel = subject.scans.firstIndex(where: { $0.modality == modality }) else { return nil }
    let stored = subject.scans[channel].scale
    switch rule {
    case .percentile: return stored
    case .foreground:
      let source = source(of: SampleReference(subject: subject.id, slice: 0))
      return try source.map { stored / Double(try $0.factors.factor(of: channel)) }
    }
  }
}
