import Files

/// The scores of one slice of one subject; a row of `slices.csv`.
public struct SliceScores: Sendable, Equatable, Codable {
  public var subject: String
  /// Index of the slice in the subject's volume, as the cohort numbers it.
  public var slice: Int
  public var values: MetricValues
  /// Share of the prediction's pixels, 0 to 1, that were outside [0, 1] and were clamped.
  public var clampedShare: Double
  /// Whether the target is 0 everywhere: such a slice flatters, SSIM is 1 and PSNR infinite if predicted right.
  public var emptyTarget: Bool
  /// Whose visit the subject is, where one person may be several subjects; nil where each is a person of their own.
  public var patient: String?

  public init(
    subject: String, slice: Int, values: MetricValues, clampedShare: Double = 0, emptyTarget: Bool = false,
    patient: String? = nil
  ) {
    self.subject = subject
    self.slice = slice
    self.values = values
    self.clampedShare = clampedShare
    self.emptyTarget = emptyTarget
    self.patient = patient
  }

  /// Whose slice it is: what a test over people counts.
  public var person: String { patient ?? subject }
}

/// The means over a subject's slices; a row of `subjects.csv`.
public struct SubjectScores: Sendable, Equatable, Codable {
  public var subject: String
  public var slices: Int
  /// Each the mean over those slices where it is finite; missing where there is none.
  public var values: MetricValues
}

/// Mean and spread of one metric, over slices or over subjects.
///
/// Values that are not finite do not enter the mean; they are counted. An infinite PSNR (a slice without any
/// error) is left out rather than capped, since a cap chosen freely would move the mean as one likes.
public struct Spread: Sendable, Equatable, Codable {
  /// Missing where no value is finite.
  public private(set) var mean: Double?
  /// Sample standard deviation (divided by n - 1); missing for fewer than two values.
  public private(set) var standardDeviation: Double?
  /// Values in the mean.
  public private(set) var count: Int
  /// Values left out because they are infinite.
  public private(set) var infinite: Int
  /// Values left out because they are not a number: a prediction that is not one, or a slice too small for SSIM.
  public private(set) var undefined: Int

  public init(_ values: some Sequence<Double>) {
    let values = Array(values)
    let finite = values.filter(\.isFinite)
    count = finite.count
    infinite = values.count { $0.isInfinite }
    undefined = values.count { $0.isNaN }
    guard !finite.isEmpty else { return }
    let mean = finite.reduce(0, +) / Double(finite.count)
    self.mean = mean
    guard finite.count > 1 else { return }
    let squares = finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardDeviation = (squares / Double(finite.count - 1)).squareRoot()
  }

  /// Student's confidence interval of the mean, of independent values: mean ± t(n - 1) s / √n; missing for fewer than three.
  ///
  /// With so few it is wide, and holds what it says for normal values alone: see ``PairedComparison``.
  public func interval(_ confidence: Double = 0.95) -> (lower: Double, upper: Double)? {
    guard count >= 3, let mean, let standardDeviation else { return nil }
    let reach =
      StudentT.quantile(confidence, freedom: count - 1) * standardDeviation / Double(count).squareRoot()
    return (mean - reach, mean + reach)
  }
}

/// Everything one model, or one baseline, scored on a split.
///
/// The paper's figures are plain means over slices (as CodeBrain computes them); means over subjects weigh
/// every patient alike and are the ones to test differences with.
public struct Scores: Sendable, Equatable, Codable {
  /// The model's name, as a table's row prints it.
  public var name: String
  public var scorer: Scorer
  public var slices: [SliceScores]

  public init(name: String, scorer: Scorer = Scorer(), slices: [SliceScores] = []) {
    self.name = name
    self.scorer = scorer
    self.slices = slices
  }

  /// Subjects in the order in which they first appear.
  public var subjects: [SubjectScores] {
    let groups = Dictionary(grouping: slices, by: \.subject)
    return slices.map(\.subject).unique.map { subject in
      let group = groups[subject] ?? []
      var values = MetricValues()
      for metric in Metric.allCases {
        values[metric] = Spread(group.compactMap { $0.values[metric] }).mean
      }
      return SubjectScores(subject: subject, slices: group.count, values: values)
    }
  }

  /// The people who were scored, in the order in which they first appear.
  public var people: [String] { slices.map(\.person).unique }

  /// The metrics that at least one slice has, in their fixed order.
  public var metrics: [Metric] {
    Metric.allCases.filter { metric in slices.contains { $0.values[metric] != nil } }
  }

  public func overSlices(_ metric: Metric) -> Spread { Spread(slices.compactMap { $0.values[metric] }) }

  public func overSubjects(_ metric: Metric) -> Spread { Spread(subjects.compactMap { $0.values[metric] }) }

  /// The whole in a few figures; what `summary.json` holds.
  public var summary: Summary {
    let subjects = subjects
    func spreads(_ spread: (Metric) -> Spread) -> [Metric: Spread] {
      Dictionary(uniqueKeysWithValues: metrics.map { ($0, spread($0)) })
    }
    let clamped = slices.reduce(0) { $0 + $1.clampedShare } / Double(max(1, slices.count))
    return Summary(
      name: name, ssim: scorer.ssim.variant, slices: slices.count, subjects: subjects.count,
      emptyTargets: slices.count { $0.emptyTarget }, clampedShare: clamped, overSlices: spreads(overSlices),
      overSubjects: spreads { metric in Spread(subjects.compactMap { $0.values[metric] }) })
  }
}

/// The scores of one model in a few figures.
public struct Summary: Sendable, Equatable, Codable {
  public var name: String
  /// The flavour of SSIM.
  public var ssim: SSIM.Variant
  public var slices: Int
  public var subjects: Int
  /// Slices whose target is 0 everywhere.
  public var emptyTargets: Int
  /// Mean share of pixels, 0 to 1, that were clamped to [0, 1].
  public var clampedShare: Double
  public var overSlices: [Metric: Spread]
  public var overSubjects: [Metric: Spread]
  /// What it makes of the lesions; nil where that was not measured.
  public var lesions: FigureSummary<LesionMeasure>?
}
