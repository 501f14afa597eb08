/// A table as a value: what is in it, apart from how it is written.
///
/// Write it with ``written(as:)``; every text is escaped for the format it goes into.
public struct Table: Sendable, Equatable, Encodable {
  public struct Column: Sendable, Equatable, Encodable {
    /// What a column's marked cell is.
    public enum Best: String, Sendable, Encodable { case largest, smallest }

    /// Name and unit: `PSNR (dB)`.
    public var heading: String
    /// Digits after the point, for those who read; CSV and JSON keep every digit.
    public var decimals: Int
    /// Which value is marked as the best; none by default.
    public var best: Best?
    /// What this column has in common with its neighbours of the same group; it stands above them.
    public var group: String?
    /// Whether its figures are probabilities, which are never printed as 0.
    public var isNeverZero = false

    private enum CodingKeys: String, CodingKey { case heading, decimals, best, group }

    public init(_ heading: String, decimals: Int = 2, best: Best? = nil, group: String? = nil) {
      self.heading = heading
      self.decimals = decimals
      self.best = best
      self.group = group
    }

    /// Probabilities.
    package static func probability(_ heading: String, decimals: Int = 4) -> Column {
      var column = Column(heading, decimals: decimals)
      column.isNeverZero = true
      return column
    }

    /// A measure's figures, the best of which are marked.
    package init(_ measure: some Measure, group: String? = nil) {
      self.init(measure.heading, decimals: measure.decimals, best: measure.best, group: group)
    }

    /// Where a column has to say all by itself.
    var fullHeading: String { group.map { "\($0): \(heading)" } ?? heading }
  }

  public enum Cell: Sendable, Equatable {
    case text(String)
    case number(Double)
    /// A mean and its standard deviation, which is missing for a single value.
    case spread(mean: Double, deviation: Double?)
    /// The same without infinitely bad ones, which is no rival of a mean over all.
    case partial(mean: Double, deviation: Double?)
    /// Nothing was measured.
    case empty

    /// A figure as it is printed, where there is one.
    package init(_ value: Double?, scale: Double = 1) { self = value.map { .number($0 * scale) } ?? .empty }

    /// A measure's mean and deviation as they are printed, where there is a mean; infinity where all values are infinite.
    package init(_ spread: Spread, of measure: some Measure) {
      guard let mean = spread.mean.map({ $0 * measure.scale }) else {
        self = spread.infinite > 0 ? .number(.infinity) : .empty
        return
      }
      let deviation = spread.standardDeviation.map { $0 * measure.scale }
      let isPartial = spread.infinite > 0 && measure.best == .smallest
      self =
        isPartial ? .partial(mean: mean, deviation: deviation) : .spread(mean: mean, deviation: deviation)
    }
  }

  public var title: String
  public var caption: String
  public var columns: [Column]
  public private(set) var rows: [[Cell]]
  /// Rows over which a line is drawn, as they are of another kind than those before.
  public var rules: Set<Int> = []
  /// Rows that are never marked as the best, as what they tell is no rival of the others.
  public var unranked: Set<Int> = []

  private enum CodingKeys: String, CodingKey { case title, caption, columns, rows, rules, unranked }

  public init(_ title: String, caption: String = "", columns: [Column], rows: [[Cell]] = []) {
    self.title = title
    self.caption = caption
    self.columns = columns
    self.rows = []
    for row in rows { append(row) }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(title, forKey: .title)
    try container.encode(caption, forKey: .caption)
    try container.encode(columns, forKey: .columns)
    try container.encode(rows, forKey: .rows)
    if !rules.isEmpty { try container.encode(rules.sorted(), forKey: .rules) }
    if !unranked.isEmpty { try container.encode(unranked.sorted(), forKey: .unranked) }
  }

  /// Adds a row with a cell for every column.
  public mutating func append(_ row: [Cell]) {
    precondition(row.count == columns.count, "a row of \(row.count) cells in \(columns.count) columns")
    rows.append(row)
  }

  /// Neighbouring columns of one group together, in order; those without a group each by itself.
  var groups: [(title: String?, columns: Range<Int>)] {
    columns.indices.reduce(into: []) { found, index in
      let title = columns[index].group
      if let last = found.last, let title, last.title == title {
        found[found.count - 1].columns = last.columns.lowerBound..<index + 1
      } else {
        found.append((title, index..<index + 1))
      }
    }
  }

  /// Whether a column holds figures, which stand at its right.
  func isNumeric(_ column: Int) -> Bool {
    let known = rows.map { $0[column] }.filter { $0 != .empty }
    return !known.isEmpty && known.allSatisfy { $0.figure != nil }
  }

  /// Whether the column has a mean with its deviation anywhere.
  func hasSpread(_ column: Int) -> Bool {
    rows.contains { row in
      switch row[column] {
      case .spread, .partial: true
      case .text, .number, .empty: false
      }
    }
  }

  /// For each row whether its cell is the best of the column: as printed, so that equal figures are all marked.
  ///
  /// A column with fewer than two figures has no best; an infinity, a mean that leaves some out where they are bad, or what is
  /// not a number never is.
  package func best(_ column: Int) -> [Bool] {
    let (rule, decimals) = (columns[column].best, columns[column].decimals)
    let figures = rows.enumerated().map { place, row in
      if case .partial = row[column] { return nil as Double? }
      return unranked.contains(place) ? nil : row[column].figure.flatMap { $0.isFinite ? $0 : nil }
    }
    let known = figures.compactMap { $0 }
    let top = known.count < 2 || rule == nil ? nil : rule == .largest ? known.max() : known.min()
    return figures.map { figure in
      if let figure, let top { fixed(figure, decimals) == fixed(top, decimals) } else { false }
    }
  }
}

extension Table.Cell {
  /// The number, or the mean.
  package var figure: Double? {
    switch self {
    case .number(let value), .spread(let value, _), .partial(let value, _): value
    case .text, .empty: nil
    }
  }
}

extension Table.Cell: Encodable {
  private enum CodingKeys: String, CodingKey {
    case mean
    case deviation = "sd"
  }

  /// A string, a number, `{"mean": …, "sd": …}` or null; a number that JSON does not know is `{"mean": "inf"}`.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .text(let text): try text.encode(to: encoder)
    case .number(let value) where value.isFinite: try value.encode(to: encoder)
    case .number(let value):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Figure(value), forKey: .mean)
    case .spread(let mean, let deviation), .partial(let mean, let deviation):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Figure(mean), forKey: .mean)
      try container.encode(deviation.map { Figure($0) }, forKey: .deviation)
    case .empty:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    }
  }
}
