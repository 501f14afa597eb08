import Files

/// What was measured of one subject as a whole.
public struct SubjectFigures<M: Measure>: Sendable, Equatable, Codable {
  public var subject: String
  /// Whose visit the subject is, where one person may be several subjects; nil where each is a person of their own.
  public var patient: String?
  public var values: MeasuredValues<M>
  /// Whether what is measured touches the first or the last of the slices where the volume goes on, so that it may go on too;
  /// nil where that was not asked.
  public var isCut: Bool?

  public init(subject: String, patient: String? = nil, values: MeasuredValues<M>, isCut: Bool? = nil) {
    (self.subject, self.patient, self.values, self.isCut) = (subject, patient, values, isCut)
  }

  /// Who it is: what a test over people counts.
  public var person: String { patient ?? subject }
}

/// What was measured of one model, or under one condition, subject by subject: a row of a table.
public struct ModelFigures<M: Measure>: Sendable, Equatable, Codable {
  /// As a table's row prints it.
  public var name: String
  public var subjects: [SubjectFigures<M>]

  public init(name: String, subjects: [SubjectFigures<M>] = []) {
    (self.name, self.subjects) = (name, subjects)
  }

  /// Mean and deviation over the subjects that have the figure.
  public func overSubjects(_ measure: M) -> Spread { Spread(subjects.compactMap { $0.values[measure] }) }

  /// The same over people, each of whom counts with the mean of their visits that have a finite figure.
  public func overPeople(_ measure: M) -> Spread {
    let known = subjects.filter { $0.values[measure]?.isFinite == true }
    return Spread(
      known.grouped(by: \.person).compactMap { Spread($0.elements.compactMap { $0.values[measure] }).mean })
  }

  /// How many people it was that had these visits.
  public var people: Int { subjects.map(\.person).unique.count }

  /// Compares this model with another, person by person, where both have a finite figure; a person counts with the mean of
  /// their visits.
  /// - Returns: the comparison of (this - other) in the measure's stored unit; nothing without a common subject.
  public func compared(with other: ModelFigures, _ measure: M) -> PairedComparison? {
    let theirs = Dictionary(other.subjects.map { ($0.subject, $0.values[measure]) }) { first, _ in first }
    let pairs = subjects.compactMap { subject -> (person: String, mine: Double, theirs: Double)? in
      guard let mine = subject.values[measure], let their = theirs[subject.subject] ?? nil,
        mine.isFinite && their.isFinite
      else { return nil }
      return (subject.person, mine, their)
    }
    let people = pairs.grouped(by: \.person).map(\.elements)
    return PairedComparison(
      people.map { visits in visits.reduce(0) { $0 + $1.mine } / Double(visits.count) },
      people.map { visits in visits.reduce(0) { $0 + $1.theirs } / Double(visits.count) })
  }

  /// The whole in a few figures.
  public var summary: FigureSummary<M> {
    var over: [M: Spread] = [:]
    for measure in M.allCases where subjects.contains(where: { $0.values[measure] != nil }) {
      over[measure] = overSubjects(measure)
    }
    return FigureSummary(name: name, subjects: subjects.count, overSubjects: over)
  }
}

/// The figures of one model in a few.
public struct FigureSummary<M: Measure>: Sendable, Equatable, Codable {
  public var name: String
  public var subjects: Int
  /// Of a measure that no subject has, nothing.
  public var overSubjects: [M: Spread]
}
