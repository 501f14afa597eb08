import Cohorts
import Experiments
import Foundation
import Imaging
import PipelineSupport
import Reporting
import Runs
import Testing

/// The page of everyone whose contrasts were completed.
@Suite struct CompletionPageTests {
  private let scratch: Scratch
  private let page: String

  /// Three people, of whom one cannot be completed.
  init() throws {
    scratch = try Scratch()
    try makeBIDS(scratch("raw"), subjects: 3, modalities: [.t1, .t2])
    try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), 3, .t2))
    let model = try Trained.model()
    let completion = try Completion(
      of: BIDSCohort(folder: scratch("raw")), by: model, into: scratch("out"), .init())
    try completion.run(model)
    page = try CompletionPage(completion).write(drawing: Set(completion.people.map(\.id)))
  }

  private var text: String { contents(of: page).map { String(decoding: $0, as: UTF8.self) } ?? "" }

  @Test func everyoneIsOnIt() throws {
    #expect(page == scratch("out/completed.html"))
    checkBalance(text)
    #expect(text.contains("SYNTHETIC") && !text.contains("http:") && !text.contains("https:"))
    #expect(text.contains("What was computed for 3 people of raw"))
    for person in ["sub-01", "sub-02"] {
      #expect(text.contains("<a href=\"#\(person)\">") && text.contains("<section id=\"\(person)\">"))
    }
    #expect(text.contains(">has no T2, which the model needs<") && !text.contains("id=\"sub-03\""))
    let digest = try Trained.model().sha256
    #expect(!text.contains(scratch.path) && text.contains(digest))
    let pictures = text.matches(of: #/<img src="([^"]*)"/#).map { String($0.1) }
    #expect(pictures == [1, 2].map { "sub-0\($0)/figures/sub-0\($0)_desc-T1T2toPD.png" })
    for picture in pictures {
      #expect(contents(of: scratch("out/\(picture)"))?.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
    }
  }

  /// A browser shows all pictures, and nothing runs out of the page.
  @Test(.enabled(if: Browser.path != nil)) func aBrowserShowsIt() throws {
    #expect(try Browser.seen(of: text, in: scratch, beside: "out") == "2 of 2, in place")
  }

  @Test func picturesAreDrawnWhereTheyAreDue() throws {
    let picture = scratch("out/sub-01/figures/sub-01_desc-T1T2toPD.png")
    func date() throws -> Date {
      try #require(FileManager.default.attributesOfItem(atPath: picture)[.modificationDate] as? Date)
    }
    let model = try Trained.model()
    let completion = try Completion(
      of: BIDSCohort(folder: scratch("raw")), by: model, into: scratch("out"), .init())
    let before = try date()
    try completion.run(model)
    var drawn: [Int] = []
    try CompletionPage(completion).write(drawing: ["sub-01"]) { _, total in drawn.append(total) }
    #expect(try date() == before && drawn == [0])
    try FileManager.default.removeItem(atPath: picture)
    try CompletionPage(completion).write(drawing: ["sub-02"])
    #expect(!FileManager.default.fileExists(atPath: picture) && !text.contains("id=\"sub-01\""))
    try CompletionPage(completion).write(drawing: ["sub-01"])
    #expect(FileManager.default.fileExists(atPath: picture))
  }
}
