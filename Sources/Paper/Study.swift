import Cohorts
import Experiments
import Imaging
import Metrics

/// A table or figure of the paper as a value: what is trained, and how it is looked at.
public struct Study: Sendable {
  public enum Form: Sendable, Equatable {
    case table
    /// A table of whole volumes, and three planes of one test subject.
    case volumes
    /// A table of what a segmentation, which is trained as well, finds where the rows give it one contrast; and outlines in
    /// three planes.
    case segmentation(by: Experiment)
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
    /// Whether test subjects are scored whole, however few slices are wanted.
    public var isWhole: Bool

    init(_ title: String, _ scenario: Scenario, shift: Perturbation? = nil, isWhole: Bool = false) {
      (self.title, self.scenario, self.shift, self.isWhole) = (title, scenario, shift, isWhole)
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

    /// What a segmentation is given in place of the contrast that is synthesised.
    public enum Input: Sendable, Equatable {
      case acquired
      /// 0 everywhere, once intensities are scaled.
      case zero
      case copy(of: Modality)
      case synthesised
    }

    public var title: String
    /// What is trained for each condition, with the first seed; nothing where nothing is synthesised.
    public var experiments: [Experiment]
    public var standing: Standing
    public var input: Input

    init(
      _ title: String, _ experiments: [Experiment], _ standing: Standing = .published,
      input: Input = .synthesised
    ) {
      (self.title, self.experiments, self.standing, self.input) = (title, experiments, standing, input)
    }
  }

  /// As it is typed: `table5`.
  public let name: String
  /// `Table 5`
  public let title: String
  /// What is compared, in a sentence.
  public let caption: String
  public private(set) var form: Form
  /// What of the scores is shown.
  public let metrics: [Metric]
  /// Over the rows' names.
  public let heading: String
  public var conditions: [Condition]
  public var rows: [Row]
  /// Whether a row that cannot be trained takes the point from the whole.
  public let needsAllRows: Bool

  init(
    _ title: String, name: String? = nil, _ caption: String, form: Form = .table,
    metrics: [Metric] = Metric.paper,
    heading: String, conditions: [Condition], rows: [Row], needsAllRows: Bool = false
  ) {
    precondition(
      rows.allSatisfy { $0.experiments.count == ($0.input == .synthesised ? conditions.count : 0) })
    self.name = name ?? title.lowercased().replacing(" ", with: "")
    (self.title, self.caption, self.form, self.heading) = (title, caption, form, heading)
    (self.metrics, self.conditions, self.rows, self.needsAllRows) = (metrics, conditions, rows, needsAllRows)
  }

  /// The segmentation that is trained, where there is one.
  public var segmentation: Experiment? {
    if case .segmentation(let experiment) = form { experiment } else { nil }
  }

  /// The contrast that the first condition asks for. Throws as `Scenario.contrast`.
  public var contrast: Modality { get throws { try conditions[0].scenario.contrast } }

  /// Everything that is trained for it, each with the first seed; the same one may stand there more than once.
  public var experiments: [Experiment] {
    [segmentation].compactMap { $0 } + rows.filter { $0.standing != .ifTrained }.flatMap(\.experiments)
  }

  /// The same with other experiments.
  func mapping(_ change: (Experiment) throws -> Experiment) rethrows -> Study {
    var study = self
    if let segmentation { study.form = .segmentation(by: try change(segmentation)) }
    for row in rows.indices { study.rows[row].experiments = try rows[row].experiments.map(change) }
    return study
  }

  /// Modalities that all of it needs, in the usual order.
  public var modalities: [Modality] {
    let scenarios = conditions.map(\.scenario) + [segmentation?.scenario].compactMap { $0 }
    let needed = Set(scenarios.flatMap(\.modalities))
    return Modality.allCases.filter { needed.contains($0) }
  }

  /// Why a cohort cannot serve, or nil.
  public func refusal(by manifest: CohortManifest) -> String? {
    guard modalities.allSatisfy({ manifest.modalities.contains($0) }) else {
      return "\(name) needs \(modalities.titles); \(manifest.name) has \(manifest.modalities.titles)"
    }
    guard segmentation != nil, manifest.subjects.allSatisfy({ $0.labels == nil }) else { return nil }
    return "\(name) needs label maps; \(manifest.name) has none"
  }
}
