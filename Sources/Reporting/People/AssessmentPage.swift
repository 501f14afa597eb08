import Files
import Foundation
import Imaging
import Inference
import Metrics
import Runs
import Training

/// One page of models that were measured on people one by one: what they reach beside everything simpler, how far they can be
/// relied on, and pictures. The pictures are files beside it, drawn as the work goes on.
public struct AssessmentPage {
  /// Its file.
  public static let name = "assessment.html"
  /// People of whom pictures are drawn, at the most; a person has some two megabytes of them.
  static let mostPictured = 30
  /// Errors of this share of the full intensity, and larger ones, have the brightest colour.
  static let errorScale: Float = 0.3

  private let folder: String
  private var drawn: [Drawn] = []
  /// Everyone of whom there were pictures to draw.
  private var people: [String] = []

  struct Drawn {
    let cohort: String, person: String, scenario: Scenario
    /// From the page, and what its columns show.
    let file: String, names: [String]
  }

  /// - Parameter folder: where tables and page are written.
  public init(in folder: String) { self.folder = Path.withoutEnd(folder) }

  /// Draws a person's plane, unless there are many people.
  /// - Throws: `.cannotWrite`.
  public mutating func draw(_ picture: PersonPicture) throws {
    let who = "\(picture.cohort)/\(picture.person)"
    if people.last != who { people.append(who) }
    guard people.count <= AssessmentPage.mostPictured else { return }
    let scenario = picture.scenario
    let task = scenario.sources.map(\.rawValue).joined(separator: "-") + "-to-" + scenario.target.rawValue
    let file = "figures/\(picture.cohort)_\(picture.person)_\(task).png"
    try RunFolder.make(folder + "/figures")
    try AtomicFile.write(AssessmentPage.mosaic(picture).png(), to: "\(folder)/\(file)")
    let target = scenario.target.title
    drawn.append(
      Drawn(
        cohort: picture.cohort, person: picture.person, scenario: scenario, file: file,
        names: scenario.sources.map(\.title) + ["\(target), acquired"]
          + picture.made.flatMap { ["\(target) by \($0.method)", "difference"] }))
  }

  private static func mosaic(_ picture: PersonPicture) -> Mosaic {
    func view(_ image: [Float]) -> View {
      View(picture.columns, picture.rows, pixel: (picture.spacing.x, picture.spacing.y)) { $0 = image }
    }
    let made = picture.made.flatMap { _, image -> [Tile] in
      let difference = view(zip(image, picture.acquired).map { abs($0 - $1) })
      return [
        Tile(grey: view(image), isMade: true),
        Tile(
          width: difference.width, height: difference.height,
          rgb: Colormap.error.rgb(difference.values, over: 0...errorScale), aspect: difference.aspect
        ).below([0, 0, 0]),
      ]
    }
    let acquired = (picture.given + [picture.acquired]).map { Tile(grey: view($0), isMade: false) }
    return Mosaic([acquired + made], side: 176)
  }

  /// Writes the page, and removes pictures that an earlier one showed and this one does not.
  /// - Returns: its path.
  /// - Throws: `.cannotWrite`.
  @discardableResult
  public func write(_ assessment: PeopleAssessment) throws -> String {
    let path = "\(folder)/\(AssessmentPage.name)"
    try AtomicFile.write(html(of: assessment), to: path)
    let shown = Set(drawn.map { Path.name($0.file) })
    let figures = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/figures")) ?? []
    for name in figures where name.hasSuffix(".png") && name.contains("-to-") && !shown.contains(name) {
      try? FileManager.default.removeItem(atPath: "\(folder)/figures/\(name)")
    }
    return path
  }

  // MARK: - The page

  func html(of assessment: PeopleAssessment) -> String {
    let cohorts = assessment.cohorts.joined(separator: ", ")
    let hasFailures = !assessment.failures.isEmpty
    return HTML.document("\(cohorts), assessed – aginet") {
      HTML.header(
        "Models on people", "What was made of the people of \(cohorts), beside what was acquired",
        warning: ModelCard.warning, facts: facts(of: assessment),
        contents: [
          ("overview", "Overview"), ("reliability", "Reliability"), ("tasks", "Tasks"),
          ("pictures", "Pictures"),
        ]
          + (hasFailures ? [("failures", "Not measured")] : []))
      HTML("main") {
        HTML.section("overview", "Overview") { HTML(assessment.overview) }
        HTML.section("reliability", "Reliability") { reliability(of: assessment) }
        HTML.section("tasks", "Tasks") {
          for scenario in assessment.scenarios {
            HTML("h3") { scenario.description }
            HTML(assessment.means(scenario))
            HTML(assessment.everyone(scenario))
          }
        }
        HTML.section("pictures", "Pictures") { pictures(of: assessment) }
        if hasFailures {
          HTML.section("failures", "Not measured") {
            HTML("ul") {
              for one in assessment.failures {
                HTML("li") { "\(assessment.label(one.cohort, one.person)): \(one.reason)" }
              }
            }
          }
        }
      }
      HTML("footer") {
        HTML("p") { ModelCard.intendedUse }
        HTML("p") { "Written by aginet \(Version.current)." }
      }
    }
  }

  private func facts(of assessment: PeopleAssessment) -> [(name: String, value: String)] {
    let visits = assessment.rows.map { assessment.label($0.cohort, $0.person) }.unique.count
    let people = assessment.rows.map { assessment.label($0.cohort, $0.patient) }.unique.count
    return [
      ("Models", assessment.models.isEmpty ? "none" : assessment.models.joined(separator: ", ")),
      ("Folders", assessment.cohorts.joined(separator: ", ")),
      ("Measured", visits > people ? "\(people.people) in \(visits) visits" : "\(people)"),
      ("Not measured", "\(assessment.failures.count)"),
    ]
      + (assessment.unbegun > 0
        ? [("Stopped", "before \(assessment.unbegun.people) had been looked at")] : [])
      + assessment.origin.lines
  }

  private func reliability(of assessment: PeopleAssessment) -> HTML {
    let checks = assessment.models.map { ReliabilityCheck(of: $0, in: assessment) }.filter {
      !$0.points.isEmpty
    }
    return HTML {
      if checks.isEmpty {
        HTML("p") {
          "There is nobody of whom both a model's reliability and a finite figure are known: a reliability takes two given "
            + "contrasts and more, and their being hidden in turn."
        }
      } else {
        for check in checks { HTML("p") { check.words } }
        HTML("div", ["class": "charts one"]) {
          Chart(
            title: "What a model says of itself, and what is so", horizontal: "reliability (dB)",
            vertical: "brain, dB over mean",
            lines: checks.enumerated().map { Chart.Line($1.model, colour: $0, $1.points, isJoined: false) }
          ).html
        }
        HTML("p", ["class": "note"]) {
          "A point for every person and task. The reliability is what hiding each given contrast in turn tells, without the "
            + "one that is asked for."
        }
      }
    }
  }

  private func pictures(of assessment: PeopleAssessment) -> HTML {
    HTML {
      if drawn.isEmpty {
        HTML("p") { "Nothing was made of anybody." }
      } else {
        HTML("p", ["class": "note"]) {
          "The axial plane with most of the lesions, or in the middle of each brain where none are marked; the patient's right is "
            + "at the left. Intensities from 0 (black) to the 99.5th percentile of the contrast in the brain (white); of a head in "
            + "which nothing tells where that is, of what lies 25 mm deep. What was made has a line above, and the scale of what "
            + "was acquired. "
            + "Differences from 0 (black) to \(number(Double(AssessmentPage.errorScale), 1)) of that range (pale yellow)."
        }
        if people.count > AssessmentPage.mostPictured {
          HTML("p", ["class": "note"]) {
            "Pictures of the first \(AssessmentPage.mostPictured) of \(people.count), each visit counted."
          }
        }
        for (index, picture) in drawn.enumerated() {
          let who = assessment.label(picture.cohort, picture.person)
          if index == 0
            || (drawn[index - 1].cohort, drawn[index - 1].person) != (picture.cohort, picture.person)
          {
            HTML("h3") { who }
          }
          HTML.strip(
            picture.names, file: picture.file, caption: caption(of: picture, in: assessment),
            "\(who): \(picture.names.joined(separator: "; "))")
        }
      }
    }
  }

  private func caption(of picture: Drawn, in assessment: PeopleAssessment) -> String {
    let figures = assessment.models.compactMap { model -> String? in
      let row = assessment.rows.first {
        $0.method == model && $0.scenario == picture.scenario && $0.cohort == picture.cohort
          && $0.person == picture.person
      }
      return row?.values[.brain].map { "\(model) \(number($0, 1)) dB over mean" }
    }
    return ([picture.scenario.description] + figures).joined(separator: "; ")
  }
}

extension PeopleAssessment {
  /// A row a task, a column a method: the mean in the brain over people, and its interval where there are three or more.
  var overview: Table {
    let methods = rows.map(\.method).unique
    let ordered = models.filter(methods.contains) + methods.filter { !models.contains($0) }
    var table = Table(
      "Brain, dB over mean",
      caption:
        "Means over people, in brackets the 95 % interval (Student's) where there are three or more. 0 dB is an image "
        + "of one intensity. Ceilings were fitted to the very target: the most that a voxel's own intensities tell, and a network "
        + "sees more.",
      columns: [Table.Column("Task"), Table.Column("People", decimals: 0)] + ordered.map { Table.Column($0) })
    for scenario in scenarios {
      let figures = figures(of: scenario)
      let people = figures.map(\.people).max() ?? 0
      table.append(
        [.text(scenario.description), .number(Double(people))]
          + ordered.map { method in
            guard let spread = figures.first(where: { $0.name == method })?.overPeople(.brain),
              let mean = spread.mean
            else { return .empty }
            let interval = spread.interval().map { " (\(number($0.lower, 2)) to \(number($0.upper, 2)))" }
            let who = spread.count < people ? ", of \(spread.count) alone" : ""
            return .text(number(mean, 2) + (interval ?? "") + who)
          })
    }
    return table
  }
}
