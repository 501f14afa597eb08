import Cohorts
import Experiments
import Failures
import Imaging

/// A table or figure of the paper as a value: what is trained, and how it is looked at.
public struct Study: Sendable {
  public enum Form: Sendable {
    case table
    /// PSNR against the shift of the conditions.
    case curve
    /// One test subject, with its errors.
    case pictures
    /// What comes out of each stage, in colours.
    case features
  }

  /// A group of columns, or a point of a curve.
  public struct Condition: Sendable, Equatable {
    public var title: String
    public var scenario: Scenario
    /// A translation of one source while testing.
    public var shift: Perturbation?

    init(_ title: String, _ scenario: Scenario, shift: Perturbation? = nil) {
      (self.title, self.scenario, self.shift) = (title, scenario, shift)
    }
  }

  public struct Row: Sendable {
    /// Why the row is there.
    public enum Standing: Sendable, Equatable {
      /// The paper has it.
      case published
      /// The paper does not have it.
      case added
      /// The paper does not have it, and nothing is trained for it.
      case ifTrained
    }

    public var title: String
    /// What is trained for each condition, with the first seed.
    public var experiments: [Experiment]
    public var standing: Standing

    init(_ title: String, _ experiments: [Experiment], _ standing: Standing = .published) {
      (self.title, self.experiments, self.standing) = (title, experiments, standing)
    }
  }

  /// As it is typed: `table5`.
  public let name: String
  public let title: String
  /// What is compared, in a sentence.
  public let caption: String
  public let form: Form
  /// Over the rows' names.
  public let heading: String
  public var conditions: [Condition]
  public var rows: [Row]
  /// Whether a row that cannot be trained takes the point from the whole.
  public let needsAllRows: Bool

  init(
    _ name: String, _ title: String, _ caption: String, form: Form = .table, heading: String,
    conditions: [Condition], rows: [Row], needsAllRows: Bool = false
  ) {
    precondition(rows.allSatisfy { $0.experiments.count == conditions.count })
    (self.name, self.title, self.caption, self.form) = (name, title, caption, form)
    (self.heading, self.conditions, self.rows) = (heading, conditions, rows)
    self.needsAllRows = needsAllRows
  }

  /// Modalities that all of it needs, in the usual order.
  public var modalities: [Modality] {
    let needed = Set(conditions.flatMap { $0.scenario.sources + [$0.scenario.target] })
    return Modality.allCases.filter { needed.contains($0) }
  }

  /// Why a cohort cannot serve, or nil.
  public func refusal(by manifest: CohortManifest) -> String? {
    guard !modalities.allSatisfy({ manifest.modalities.contains($0) }) else { return nil }
    let (needed, known) = (modalities.map(\.title), manifest.modalities.map(\.title))
    return
      "\(name) needs \(needed.joined(separator: ", ")); \(manifest.name) has \(known.joined(separator: ", "))"
  }
}

extension Study {
  /// What there is of the paper, in the order in which it builds upon itself.
  public static let names = [
    "table1", "table2", "table3", "table5", "table6", "table7", "table8", "table9", "figure3", "figure5",
    "figure6",
  ]

  /// What the paper has and this version has not, with the reason.
  public static let missing = [
    "table4": "needs a segmentation network",
    "table10": "needs training on volumes",
  ]

  /// - Parameters:
  ///   - base: what all experiments share: iterations, width, rate, and the scenario of the ablations.
  /// - Throws: `.usage` for a name the paper does not have, or that is not available yet.
  public init(named name: String, base: Experiment) throws {
    switch name {
    case "table1": self = .table1(base)
    case "table2": self = .table2(base)
    case "table3": self = .table3(base)
    case "table5": self = .table5(base)
    case "table6": self = .table6(base)
    case "table7": self = .table7(base)
    case "table8": self = .table8(base)
    case "table9": self = .table9(base)
    case "figure3": self = .figure3(base)
    case "figure5": self = .figure5(base)
    case "figure6": self = .figure6(base)
    default:
      if let reason = Study.missing[name] {
        throw Failure(.usage, "\(name) \(reason), which is not available in this version")
      }
      let known = (Study.names + ["all"]).joined(separator: ", ")
      throw Failure(.usage, "'\(name)' is no table or figure that can be reproduced; known are \(known)")
    }
  }
}
