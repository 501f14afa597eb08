import Failures
import Files
import Imaging

/// A synthesis that is asked of every person who has what it needs: `t1,t2>flair`, or `all>flair` from all else that a person
/// has.
public struct PersonTask: Sendable, Hashable, CustomStringConvertible {
  /// Nil for all that there are.
  public var sources: [Modality]?
  public var target: Modality

  /// - Throws: `.usage` for a text that is no task.
  public init(_ text: String) throws {
    let sides = text.split(separator: ">", omittingEmptySubsequences: false).map(String.init)
    func modality(_ name: some StringProtocol) throws -> Modality {
      guard let modality = Modality(name: name) else {
        throw Failure(
          .usage,
          "'\(text)': there is no contrast '\(name)'; known are \(Modality.names.joined(separator: ", "))")
      }
      return modality
    }
    guard sides.count == 2 else {
      throw Failure(.usage, "'\(text)' is no task; write t1,t2>flair, or all>flair")
    }
    target = try modality(sides[1])
    guard sides[0] != "all" else { return }
    let named = try sides[0].split(separator: ",").map { try modality($0) }
    try Scenario(sources: named, target: target).check()
    sources = named
  }

  private init(_ sources: [Modality]?, _ target: Modality) { (self.sources, self.target) = (sources, target) }

  public var description: String {
    "\(sources.map { $0.map(\.rawValue).joined(separator: ",") } ?? "all")>\(target.rawValue)"
  }

  /// What the field asks most: each contrast from all the others, and from those that are there most often.
  public static let usual: [PersonTask] =
    [Modality.flair, .t2, .t1, .t1gd].map { PersonTask(nil, $0) } + [
      PersonTask([.t1, .t2], .flair), PersonTask([.t1, .flair], .t2), PersonTask([.t2, .flair], .t1),
      PersonTask([.t1], .t2), PersonTask([.t2], .t1), PersonTask([.t1], .flair), PersonTask([.t1gd], .t1),
      PersonTask([.t1], .t1gd), PersonTask([.t1, .t1gd], .flair), PersonTask([.t1, .flair], .t1gd),
    ]

  /// What it is for a person who has these; nil where something is lacking.
  func scenario(of modalities: [Modality]) -> Scenario? {
    let sources = Modality.allCases.filter { (self.sources ?? modalities).contains($0) && $0 != target }
    guard !sources.isEmpty, modalities.contains(target), sources.allSatisfy(modalities.contains) else {
      return nil
    }
    return Scenario(sources: sources, target: target)
  }

  /// Each scenario once, in the order of the tasks.
  static func scenarios(_ tasks: [PersonTask], of modalities: [Modality]) -> [Scenario] {
    tasks.compactMap { $0.scenario(of: modalities) }.reduce(into: []) { found, scenario in
      if !found.contains(scenario) { found.append(scenario) }
    }
  }
}
