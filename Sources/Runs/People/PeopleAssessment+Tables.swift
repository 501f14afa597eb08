import Failures
import Files
import Foundation
import Imaging
import Metrics
import Training

extension PeopleAssessment {
  /// Writes `people.csv` (a row for each person, task and method), `summary.json` (means over people) and `people.md`, where
  /// everyone is seen.
  public func write(to folder: String) throws {
    try RunFolder.make(folder)
    try AtomicFile.write(table.written(as: .csv), to: folder + "/people.csv")
    try AtomicFile.write(markdown, to: folder + "/people.md")
    try AtomicFile.write(summary.json() + "\n", to: folder + "/summary.json")
  }

  /// Whether a folder holds what `write` writes.
  public static func exists(in folder: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/summary.json")
  }

  /// Everything that was measured.
  public var table: Table {
    var table = Table(
      "People",
      columns: ["cohort", "person", "sources", "target", "method", "detail", "stripped"].map {
        Table.Column($0)
      }
        + PersonMeasure.allCases.map { Table.Column($0.rawValue, decimals: $0.decimals) }
        + ["reliability_db", "lesion_ml"].map { Table.Column($0) })
    for row in rows {
      let texts = [
        row.cohort, row.person, row.scenario.sources.map(\.rawValue).joined(separator: "+"),
        row.scenario.target.rawValue,
        row.method, row.detail, row.isStripped ? "yes" : "no",
      ]
      table.append(
        texts.map { Table.Cell.text($0) } + PersonMeasure.allCases.map { Table.Cell(row.values[$0]) }
          + [Table.Cell(row.reliability), Table.Cell(row.millilitres)])
    }
    return table
  }

  /// Means over people, by task and method. A person counts with the mean of their visits.
  public struct Summary: Encodable {
    public var origin: Origin
    public var cohorts: [String]
    public var tasks: [Task]
    public var failures: [String: String]
    /// People with whom nobody began, as the work was stopped; nil where it was not.
    public var unbegun: Int?

    public struct Task: Encodable {
      public var task: String
      public var methods: [Method]
    }

    public struct Method: Encodable {
      public var name: String
      public var people: Int, visits: Int
      /// Of a measure that nobody has, nothing.
      public var overPeople: [PersonMeasure: Spread]

      init(_ figures: ModelFigures<PersonMeasure>) {
        (name, people, visits) = (figures.name, figures.people, figures.subjects.count)
        overPeople = Dictionary(
          uniqueKeysWithValues: PersonMeasure.allCases.map { ($0, figures.overPeople($0)) }
            .filter { $0.1.count > 0 })
      }
    }
  }

  public var summary: Summary {
    Summary(
      origin: origin, cohorts: cohorts,
      tasks: scenarios.map { scenario in
        Summary.Task(task: scenario.description, methods: figures(of: scenario).map(Summary.Method.init))
      },
      failures: Dictionary(failures.map { (label($0.cohort, $0.person), $0.reason) }) { first, _ in first },
      unbegun: unbegun > 0 ? unbegun : nil)
  }

  package var scenarios: [Scenario] { rows.map(\.scenario).unique }

  /// What a person is called where those of several folders stand together.
  package func label(_ cohort: String, _ person: String) -> String {
    cohorts.count > 1 ? "\(cohort)/\(person)" : person
  }

  /// Of every method, person by person.
  package func figures(of scenario: Scenario) -> [ModelFigures<PersonMeasure>] {
    let all = rows.filter { $0.scenario == scenario }
    return all.map(\.method).unique.map { method in
      ModelFigures(
        name: method,
        subjects: all.filter { $0.method == method }.map {
          SubjectFigures(
            subject: label($0.cohort, $0.person), patient: label($0.cohort, $0.patient), values: $0.values)
        })
    }
  }

  /// Means of every task, then everyone.
  var markdown: String {
    var parts = ["# People of \(Table.markdown(cohorts.joined(separator: ", ")))\n"]
    for scenario in scenarios {
      parts.append(means(scenario).written(as: .markdown))
      parts.append(everyone(scenario).written(as: .markdown))
    }
    if unbegun > 0 { parts.append("Stopped before \(unbegun.people) had been looked at.\n") }
    parts.append(origin.lines.map { "- \($0.name): \(Table.markdown($0.value))\n" }.joined())
    if !failures.isEmpty {
      parts.append(
        "Not measured:\n"
          + failures.map { "- " + Table.markdown("\(label($0.cohort, $0.person)): \($0.reason)") }.joined(
            separator: "\n") + "\n")
    }
    return parts.joined(separator: "\n")
  }

  /// A row a method: means of every measure.
  package func means(_ scenario: Scenario) -> Table {
    let figures = figures(of: scenario)
    let (people, visits) = (figures.map(\.people).max() ?? 0, figures.map(\.subjects.count).max() ?? 0)
    var table = Table(
      scenario.description,
      caption: "Mean ± standard deviation over \(people.people)"
        + (visits > people ? ", each the mean of their visits (\(visits) in all); " : "; ")
        + "each image by its own foreground's scale, but for copies by the 99.5th percentile and for ceilings, which were "
        + "fitted to the target and are not among those of which the best is marked; they are the most that a voxel's own "
        + "intensities tell, and a network sees more. The best line may turn an image over, dark for bright."
        + partial(figures, of: people),
      columns: [Table.Column("Method")] + PersonMeasure.allCases.map { Table.Column($0) })
    for model in figures {
      if PersonBaselines.ceilings.contains(model.name) { table.unranked.insert(table.rows.count) }
      table.append(
        [.text(model.name)] + PersonMeasure.allCases.map { Table.Cell(model.overPeople($0), of: $0) })
    }
    return table
  }

  /// Sentences on the measures that fewer people have than there are; measures of as many share one.
  private func partial(_ figures: [ModelFigures<PersonMeasure>], of people: Int) -> String {
    let counts = PersonMeasure.allCases.map { measure in
      (measure: measure, counts: figures.map { $0.overPeople(measure).count })
    }
    let partial = counts.filter { $0.counts.contains { $0 > 0 } && ($0.counts.min() ?? 0) < people }
    return partial.grouped { one in
      let (least, most) = (one.counts.min() ?? 0, one.counts.max() ?? 0)
      return least == most ? "\(most)" : "\(least) to \(most)"
    }.map { count, measures in
      " Of \(count) of them alone, whose figure exists and is finite: "
        + measures.map(\.measure.heading).joined(separator: ", ") + "."
    }.joined()
  }

  /// A row a person: every method in the brain, and what the model says of itself.
  package func everyone(_ scenario: Scenario) -> Table {
    let all = rows.filter { $0.scenario == scenario }
    let methods = all.map(\.method).unique
    let whose = models.first.map { "; the columns behind them are \($0)'s" } ?? ""
    var table = Table(
      "\(scenario), everyone", caption: "Each method in the brain, dB over mean\(whose).",
      columns: [Table.Column("Person")] + methods.map { Table.Column($0) }
        + [
          Table.Column("Best line (dB)"), Table.Column("Reliability (dB)"), Table.Column("Sharpness"),
          Table.Column("Lesion contrast"),
          Table.Column("False bright (%)"),
        ])
    for (person, own) in all.grouped(by: { label($0.cohort, $0.person) }) {
      // What follows is the first model's; where it made nothing, it is nobody's.
      let first = own.first { $0.method == models.first }
      let figures = methods.map { method in
        Table.Cell(own.first { $0.method == method }?.values[.brain])
      }
      table.append(
        [.text(person)] + figures + [
          Table.Cell(first?.values[.fitted]), Table.Cell(first?.reliability),
          Table.Cell(first?.values[.sharpness]),
          Table.Cell(first?.values[.lesionContrast]),
          Table.Cell(first?.values[.falseBright], scale: PersonMeasure.falseBright.scale),
        ])
    }
    return table
  }
}
