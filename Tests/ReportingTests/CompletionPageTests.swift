import Cohorts
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
    page = try CompletionPage(completion, by: model).write(drawing: Set(completion.people.map(\.id)))
  }

  private var text: String { contents(of: page).map { String(decoding: $0, as: UTF8.self) } ?? "" }

  @Test func everyoneIsOnIt() throws {
    #expect(page == scratch("out/completed.html"))
    checkBalance(text)
    #expect(text.contains("SYNTHETIC") && !text.contains("http:") && !text.contains("https:"))
    for person in ["sub-01", "sub-02"] {
      #expect(text.contains("<a href=\"#\(person)\">") && text.contains("<section id=\"\(person)\">"))
    }
    #expect(text.contains("sub-03: has no T2, which the model needs") && !text.contains("id=\"sub-03\""))
    let pictures = text.matches(of: #/<img src="([^"]*)"/#).map { String($0.1) }
    #expect(pictures == [1, 2].map { "sub-0\($0)/figures/sub-0\($0)_desc-synthetic.png" })
    for picture in pictures {
      #expect(contents(of: scratch("out/\(picture)"))?.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
    }
  }

  private static let browser = ["chromium", "chromium-browser", "google-chrome"].lazy
    .map { "/usr/bin/\($0)" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  /// A browser shows all pictures, and nothing runs out of the page.
  @Test(.enabled(if: browser != nil)) func aBrowserShowsIt() throws {
    // What is far down would be loaded when somebody gets there.
    let script = """
      <script>addEventListener("load", () => {
        const images = [...document.images], seen = images.filter((image) => image.naturalWidth > 0).length
        const wide = document.documentElement.scrollWidth - innerWidth
        document.body.dataset.seen = `${seen} of ${images.length}, ${wide > 1 ? "too wide" : "in place"}`
      })</script></body>
      """
    try scratch.write(
      text.replacing(" loading=\"lazy\"", with: "").replacing("</body>", with: script), to: "out/shown.html")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.browser))
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
      "--user-data-dir=\(scratch("browser"))", "--dump-dom", "file://\(scratch("out/shown.html"))",
    ]
    let dump = scratch("dump.html")
    _ = FileManager.default.createFile(atPath: dump, contents: nil)
    process.standardOutput = FileHandle(forWritingAtPath: dump)
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let shown = String(decoding: try #require(contents(of: dump)), as: UTF8.self)
    #expect(shown.contains("data-seen=\"2 of 2, in place\""), "\(shown.suffix(400))")
  }

  @Test func picturesAreDrawnWhereTheyAreDue() throws {
    let picture = scratch("out/sub-01/figures/sub-01_desc-synthetic.png")
    func date() throws -> Date {
      try #require(FileManager.default.attributesOfItem(atPath: picture)[.modificationDate] as? Date)
    }
    let model = try Trained.model()
    let completion = try Completion(
      of: BIDSCohort(folder: scratch("raw")), by: model, into: scratch("out"), .init())
    let before = try date()
    try completion.run(model)
    var drawn: [Int] = []
    try CompletionPage(completion, by: model).write(drawing: ["sub-01"]) { _, total in drawn.append(total) }
    #expect(try date() == before && drawn == [0])
    try FileManager.default.removeItem(atPath: picture)
    try CompletionPage(completion, by: model).write(drawing: ["sub-02"])
    #expect(!FileManager.default.fileExists(atPath: picture))
    try CompletionPage(completion, by: model).write(drawing: ["sub-01"])
    #expect(FileManager.default.fileExists(atPath: picture))
  }
}
