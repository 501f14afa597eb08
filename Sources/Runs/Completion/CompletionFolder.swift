import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Inference
import Training

/// A folder of BIDS derivatives that `Completion` writes into, again and again and from several processes at once: every file
/// in it is whole, and what it tells of everyone is put together from what stands there of each.
public struct CompletionFolder: Sendable {
  public let path: String

  init(_ path: String) { self.path = Path.withoutEnd(path) }

  public func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Of everyone: the table and the page.
  public static let table = "participants_completed.tsv"
  /// What the table's columns hold.
  static let dictionary = "participants_completed.json"
  public static let page = "completed.html"
  private static let description = "dataset_description.json"
  /// Of images of a person, as `GeneratedBy` of a data set calls the program.
  static let generator = "aginet complete"

  /// Makes the folder and says in it what it is.
  /// - Throws: `.cannotWrite` where it holds anything else.
  func prepare(for cohort: BIDSCohort) throws {
    if let isFolder = RunFolder.isFolder(path) {
      guard isFolder else { throw Failure(.cannotWrite, "\(path): is a file; name a folder") }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      guard names.allSatisfy({ $0.hasPrefix(".") }) || Self.isGenerated(path) else {
        throw Failure(
          .cannotWrite,
          "\(path): holds something else (no \(Self.description) of \(Self.generator)); choose another folder"
        )
      }
    }
    try RunFolder.make(path)
    try describe(cohort)
    try write("\(ModelCard.warning)\n\nWritten by \(Self.generator), \(Version.current).\n", to: "README")
    // What BIDS has no name for.
    try write(
      "*.html\nlogs/\nsub-*/figures\nsub-*/ses-*/figures\n\(Self.table)\n\(Self.dictionary)\n",
      to: ".bidsignore")
  }

  /// Says what the folder is, and by which models that was computed which stands there, whoever computed it and when.
  func describe(_ cohort: BIDSCohort) throws {
    let models = self.models(of: cohort)
    func program(_ version: String, _ words: String) -> Description.Program {
      .init(name: Self.generator, version: version, description: ModelCard.warning + words)
    }
    try write(
      Description(
        name: "Contrasts computed from those that were acquired",
        generatedBy: models.isEmpty
          ? [program(Version.current, "")] : models.map { program($0.version, " Model \($0.words)") },
        links: ["raw": Self.way(from: path, to: cohort.folder)]
      ).json() + "\n", to: Self.description)
  }

  /// By what the images were computed that stand there of a data set's people.
  private func models(of cohort: BIDSCohort) -> [CompletionModel] {
    let found = cohort.subjects.flatMap { images(of: $0).compactMap(\.sidecar).map(CompletionModel.init) }
    return Set(found).sorted { ($0.name, $0.sha256, $0.version) < ($1.name, $1.sha256, $1.version) }
  }

  /// Images that were computed of a person and stand there, by name.
  func images(of subject: Subject) -> [DerivedImage] {
    let place = anat(of: subject)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: self(place))) ?? []
    return names.filter { $0.contains(DerivativeName.mark) && $0.scanStem != nil }.sorted().map {
      DerivedImage("\(place)/\($0)", in: self)
    }
  }

  /// Where a person's images lie, from the folder.
  private func anat(of subject: Subject) -> String {
    ([subject.patient] + [subject.session].compactMap { $0 } + ["anat"]).joined(separator: "/")
  }

  /// Removes what was made for a person's images where there are none.
  func removeEmpty(of subject: Subject) { RunFolder.removeEmpty(self(anat(of: subject)), within: path) }

  private struct Description: Codable {
    struct Program: Codable {
      var name: String, version: String, description: String
      enum CodingKeys: String, CodingKey {
        case name = "Name"
        case version = "Version"
        case description = "Description"
      }
    }

    var name: String
    var version = "1.10.0"
    var type = "derivative"
    var generatedBy: [Program]
    var links: [String: String]

    enum CodingKeys: String, CodingKey {
      case name = "Name"
      case version = "BIDSVersion"
      case type = "DatasetType"
      case generatedBy = "GeneratedBy"
      case links = "DatasetLinks"
    }
  }

  /// Whether a folder holds images that were computed so.
  static func isGenerated(_ folder: String) -> Bool {
    let path = "\(folder)/\(description)"
    guard let data = FileManager.default.contents(atPath: path),
      let programs = (try? StrictJSON.parse(data, file: path))?["GeneratedBy"]?.elements
    else { return false }
    return programs.contains { $0["Name"]?.string == generator }
  }

  /// The relative path between two folders, as links between data sets are written.
  static func way(from folder: String, to other: String) -> String {
    let ends = [folder, other].map { (Path.resolved($0) ?? $0).split(separator: "/") }
    let common = zip(ends[0], ends[1]).prefix { $0 == $1 }.count
    let words = ends[0].dropFirst(common).map { _ in "..".prefix(2) } + ends[1].dropFirst(common)
    return words.isEmpty ? "." : words.joined(separator: "/")
  }

  /// Writes a file, whole, and its folder before.
  package func write(_ bytes: [UInt8], to name: String) throws {
    try RunFolder.make(Path.folder(self(name)))
    try AtomicFile.write(bytes, to: self(name))
  }

  package func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

  // MARK: - What became of each

  private func log(of id: String) -> String { "logs/\(id).json" }

  func keep(_ person: CompletedPerson) throws { try write(person.json() + "\n", to: log(of: person.id)) }

  /// What stands there of these, in their order; nothing of those with whom nobody began.
  func people(_ ids: [String]) -> [CompletedPerson] {
    ids.compactMap { id in
      FileManager.default.contents(atPath: self(log(of: id))).flatMap {
        try? JSONDecoder().decode(CompletedPerson.self, from: $0)
      }
    }
  }
}
