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
    public var cohorts: [String]
    public var tasks: [Task]
    public var failures: [String: String]

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
      cohorts: cohorts,
      tasks: scenarios.map { scenario in
        Summary.Task(task: scenario.description, methods: figures(of: scenario).map(Summary.Method.init))
      },
      failures: Dictionary(failures.map { (label($0.cohort, $0.person), $0.reason) }) { first, _ in first })
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
    var parts = ["# People of \(cohorts.joined(separator: ", "))\n"]
    for scenario in scenarios {
      parts.append(means(scenario).written(as: .markdown))
      parts.append(everyone(scenario).written(as: .markdown))
    }
    if !failures.isEmpty {
      parts.append(
        "Not measured:\n"
          + failures.map { "- \(label($0.cohort, $0.person)): \($0.reason)" }.joined(separator: "\n") + "\n")
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
        + "fitted to the target and are not among those of which the best is marked.",
      columns: [Table.Column("Method")] + PersonMeasure.allCases.map { Table.Column($0) })
    for model in figures {
      if PersonBaselines.ceilings.contains(model.name) { table.unranked.insert(table.rows.count) }
      table.append(
        [.text(model.name)] + PersonMeasure.allCases.map { Table.Cell(model.overPeople($0), of: $0) })
    }
    return table
  }

  /// A row a person: every method in the brain, and what the model says of itself.
  package func everyone(_ scenario: Scenario) -> Table {
    let all = rows.filter { $0.scenario == scenario }
    let methods = all.map(\.method).unique
    var table = Table(
      "\(scenario), everyone", caption: "Brain, dB over mean.",
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
