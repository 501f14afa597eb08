import Failures
import Files

/// What is computed of a patient's contrasts: another contrast, those of the sources that the patient lacks, or the label of
/// every voxel.
public enum Target: Choice, Hashable {
  case contrast(Modality)
  case missing
  case labels

  public static let allCases = Modality.allCases.map(contrast) + [missing, labels]

  public init?(rawValue: String) {
    guard let found = Target.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = found
  }

  public var rawValue: String {
    switch self {
    case .contrast(let modality): modality.rawValue
    case .missing: "missing"
    case .labels: "labels"
    }
  }

  /// `PD`, `missing` or `labels`.
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

  /// A synthesis of whichever of these a patient lacks, from whichever there are.
  public init(completing modalities: [Modality]) { self.init(sources: modalities, .missing) }

  init(sources: [Modality], _ target: Target) { (self.sources, self.target) = (sources, target) }

  /// The contrasts of it: the sources, and the target where that is one.
  public var modalities: [Modality] { sources + [target.modality].compactMap { $0 } }

  /// The contrasts that a network makes, in the order of its channels; none of a segmentation.
  public var made: [Modality] { target == .missing ? sources : [target.modality].compactMap { $0 } }

  /// The contrast that is synthesised.
  /// - Throws: `.usage` where labels are asked for, or whatever is missing.
  public var contrast: Modality {
    get throws {
      guard let modality = target.modality else {
        let what = target == .labels ? "is a segmentation" : "has no one target"
        throw Failure(.usage, "\(self) \(what), where a synthesis of one contrast is needed")
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
