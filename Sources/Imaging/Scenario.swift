import Failures
import Files

/// What is computed of a patient's contrasts: another contrast, or the label of every voxel.
public enum Target: Choice, Hashable {
  case contrast(Modality)
  case labels

  public static let allCases = Modality.allCases.map(contrast) + [labels]

  public init?(rawValue: String) {
    guard let found = Target.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = found
  }

  public var rawValue: String { modality?.rawValue ?? "labels" }

  /// `PD`, or `labels`.
  public var title: String { modality?.title ?? rawValue }

  /// The contrast, where it is one.
  public var modality: Modality? { if case .contrast(let modality) = self { modality } else { nil } }
}

/// What is asked: one missing modality from those at hand, by name, or what they show.
public struct Scenario: Codable, Sendable, Hashable, CustomStringConvertible {
  public var sources: [Modality]
  public var target: Target

  /// A synthesis.
  public init(sources: [Modality], target: Modality) { self.init(sources: sources, .contrast(target)) }

  /// A segmentation.
  public init(labelling sources: [Modality]) { self.init(sources: sources, .labels) }

  init(sources: [Modality], _ target: Target) { (self.sources, self.target) = (sources, target) }

  /// The contrasts of it: the sources, and the target where that is one.
  public var modalities: [Modality] { sources + [target.modality].compactMap { $0 } }

  /// The contrast that is synthesised.
  /// - Throws: `.usage` where labels are asked for.
  public var contrast: Modality {
    get throws {
      guard let modality = target.modality else {
        throw Failure(.usage, "\(self) is a segmentation, where a synthesis is needed")
      }
      return modality
    }
  }

  /// `(T1, T2) -> PD`, as the paper writes it.
  public var description: String {
    "(\(sources.titles)) -> \(target.title)"
  }

  /// Refuses (`.usage`) a scenario without sources, with one named twice, or with the target among them.
  public func check() throws {
    guard !sources.isEmpty, Set(modalities).count == modalities.count else {
      throw Failure(.usage, "\(self): name one or more different sources, and a target that is none of them")
    }
  }
}
