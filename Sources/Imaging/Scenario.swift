import Failures

/// What is asked: one missing modality from those at hand, by name.
public struct Scenario: Codable, Sendable, Hashable, CustomStringConvertible {
  public var sources: [Modality]
  public var target: Modality

  public init(sources: [Modality], target: Modality) {
    self.sources = sources
    self.target = target
  }

  /// The sources and the target.
  public var modalities: [Modality] { sources + [target] }

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
