import Cohorts
import Experiments
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

  /// `Table 5`
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
    _ title: String, _ caption: String, form: Form = .table, heading: String, conditions: [Condition],
    rows: [Row], needsAllRows: Bool = false
  ) {
    precondition(rows.allSatisfy { $0.experiments.count == conditions.count })
    (self.title, self.caption, self.form, self.heading) = (title, caption, form, heading)
    (self.conditions, self.rows, self.needsAllRows) = (conditions, rows, needsAllRows)
  }

  /// As it is typed: `table5`.
  public var name: String { title.lowercased().replacing(" ", with: "") }

  /// Modalities that all of it needs, in the usual order.
  public var modalities: [Modality] {
    let needed = Set(conditions.flatMap { $0.scenario.modalities })
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
