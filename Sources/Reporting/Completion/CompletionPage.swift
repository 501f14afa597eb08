import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Inference
import Metrics
import Runs

/// One page of everyone in a data set whose contrasts were completed: who lacks what, what was made, how far it can be relied
/// on, and pictures of each. The pictures are files beside it, so that a page of a thousand people opens.
public struct CompletionPage {
  private let completion: Completion
  private let people: [CompletedPerson]
  /// By what the images of these people were computed.
  private let models: [CompletionModel]

  /// Takes up what stands in the folder of everyone.
  public init(_ completion: Completion) {
    self.completion = completion
    people = completion.found()
    models = people.flatMap(\.images).compactMap(\.model).unique
  }

  /// Draws what is to be drawn and writes the page.
  /// - Parameters:
  ///   - ids: those whose pictures are drawn where they are lacking or old.
  ///   - progress: pictures drawn, of how many.
  /// - Returns: its path.
  /// - Throws: `.cannotWrite`, and what `progress` throws.
  @discardableResult
  public func write(
    drawing ids: Set<String>, voxelLimit: Int = NIfTI.defaultVoxelLimit,
    progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws -> String {
    let folder = completion.folder
    let due = people.filter { ids.contains($0.id) && isDue($0) }
    for (done, person) in due.enumerated() {
      try progress(done, due.count)
      guard let figure = person.figure else { continue }
      // A scan that went meanwhile is no reason to be without a page.
      guard let picture = try? CompletionPicture(files(of: person), voxelLimit: voxelLimit) else { continue }
      try folder.write(picture.png(), to: figure)
    }
    try progress(due.count, due.count)
    let path = folder(CompletionFolder.page)
    try AtomicFile.write(html, to: path)
    return path
  }

  private func files(of person: CompletedPerson) -> [CompletionPicture.File] {
    let given = Modality.allCases.compactMap { modality in
      person.sources[modality].map { (modality: modality, path: $0) }
    }
    return given.map { modality, path in
      CompletionPicture.File(
        path: "\(completion.cohort.folder)/\(path)", isMade: false,
        placement: person.placements?.first { $0.modality == modality })
    } + person.images.map { CompletionPicture.File(path: completion.folder($0.file), isMade: true) }
  }

  /// Whether a person's pictures are lacking, or older than the images.
  private func isDue(_ person: CompletedPerson) -> Bool {
    func modified(_ path: String) -> Date? {
      (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
    }
    guard let figure = person.figure else { return false }
    guard let drawn = modified(completion.folder(figure)) else { return true }
    return person.images.contains { modified(completion.folder($0.file)).map { $0 > drawn } ?? false }
  }

  /// Somebody else may be about to draw, or a scan be gone.
  private func isPictured(_ person: CompletedPerson) -> Bool {
    person.figure.map { FileManager.default.fileExists(atPath: completion.folder($0)) } ?? false
  }

  /// A name within the page, which holds no blanks.
  private func anchor(_ person: CompletedPerson) -> String { person.id.replacing(" ", with: "_") }

  // MARK: - The page

  var html: String {
    let name = Path.name(Path.resolved(completion.cohort.folder) ?? completion.cohort.folder)
    return HTML.document("\(name), completed – aginet") {
      HTML.header(
        "Completed contrasts", "What was computed for \(everyone) of \(name)",
        warning: ModelCard.warning,
        facts: facts, contents: [("everyone", "Everyone"), ("pictures", "Pictures")])
      HTML("main") {
        HTML.section("everyone", "Everyone") { table }
        HTML.section("pictures", "Pictures") {
          HTML("p", ["class": "note"]) {
            "Axial, coronal and sagittal planes through the middle of the head; the patient's right is at the left of the "
              + "first two, the front at the left of the last. Computed images have a line above. In every image by itself black is 0 "
              + "and white the 99.5th percentile in the brain, of a whole head of what lies deep in its upper part."
          }
          for person in people where isPictured(person) { picture(of: person) }
        }
      }
      HTML("footer") {
        HTML("p") { ModelCard.intendedUse }
        HTML("p") { "Written by aginet \(Version.current)." }
      }
    }
  }

  /// `3 people`, or `3 visits` where people have several.
  private var everyone: String {
    people.contains { $0.session != nil } ? Table.counted(people.count, "visit") : people.count.people
  }

  private var facts: [(name: String, value: String)] {
    func count(_ state: CompletedPerson.State) -> Int { people.count { $0.state == state } }
    let done = count(.completed) + count(.kept)
    return models.map { ("Model", $0.words) } + [
      ("Completed", "\(done) (\(count(.kept)) of them before)"), ("Lacked nothing", "\(count(.whole))"),
      ("Failed", "\(count(.failed))"),
    ]
  }

  private var table: HTML {
    HTML("div", ["class": "scroll", "tabindex": "0"]) {
      HTML("table") {
        HTML("thead") {
          HTML("tr") {
            for head in ["Who", "Given", "Made", "Reliability", "State"]
              + (models.count > 1 ? ["Model"] : []) + ["Notes"]
            {
              HTML("th", ["scope": "col"]) { head }
            }
          }
        }
        HTML("tbody") { for person in people { row(of: person) } }
      }
    }
  }

  private func row(of person: CompletedPerson) -> HTML {
    let made = person.images.map(\.modality.title).joined(separator: ", ")
    return HTML("tr") {
      HTML("td") {
        if isPictured(person) {
          HTML("a", ["href": "#\(anchor(person))"]) { person.id }
        } else {
          person.id
        }
      }
      HTML("td") { person.given.map(\.title).joined(separator: ", ") }
      HTML("td") { made.isEmpty ? "–" : made }
      HTML("td", ["class": "number"]) { person.reliability.map { String(format: "%.1f dB", $0) } ?? "–" }
      HTML("td") {
        if person.state == .failed { HTML("strong") { "failed" } } else { person.state.rawValue }
      }
      if models.count > 1 { HTML("td") { names(of: person.images.compactMap(\.model)) } }
      // Long sentences; the others must not run out of the page for them.
      HTML("td", ["style": "white-space:normal;min-width:18rem"]) {
        person.remarks.joined(separator: "; ")
      }
    }
  }

  /// Models of one name are told apart by the beginnings of their checksums.
  private func names(of models: [CompletionModel]) -> String {
    models.unique.map { "\($0.name) (\($0.sha256.prefix(8)))" }.joined(separator: ", ")
  }

  private func picture(of person: CompletedPerson) -> HTML {
    let given = Modality.allCases.filter { person.sources[$0] != nil }.map(\.title)
    let names = given + person.images.map { "\($0.modality.title), computed" }
    let reliability = person.reliabilityWords.map { "reliability \($0)" }
    return HTML("section", ["id": anchor(person)]) {
      HTML("h3") { person.id }
      HTML.strip(
        names, file: person.figure ?? "",
        caption: ([reliability].compactMap { $0 } + person.notes).joined(separator: "; "),
        "\(person.id): \(names.joined(separator: "; ")) in three planes")
    }
  }
}
