import Foundation
import PipelineSupport
import Testing

/// A browser that opens pages, where one is installed.
enum Browser {
  static let path = ["chromium", "chromium-browser", "google-chrome"].lazy
    .map { "/usr/bin/\($0)" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  /// What a browser sees of a page: how many of its pictures, and whether anything runs out of it.
  /// - Parameter folder: where the page would lie.
  static func seen(of text: String, in scratch: Scratch, beside folder: String) throws -> String {
    // What is far down would be loaded when somebody gets there.
    let script = """
      <script>addEventListener("load", () => {
        const images = [...document.images], seen = images.filter((image) => image.naturalWidth > 0).length
        const wide = document.documentElement.scrollWidth - innerWidth
        document.body.dataset.seen = `${seen} of ${images.length}, ${wide > 1 ? "too wide" : "in place"}`
      })</script></body>
      """
    try scratch.write(
      text.replacing(" loading=\"lazy\"", with: "").replacing("</body>", with: script),
      to: "\(folder)/shown.html")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(path))
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
      "--user-data-dir=\(scratch("browser"))", "--dump-dom", "file://\(scratch("\(folder)/shown.html"))",
    ]
    let dump = scratch("dump.html")
    _ = FileManager.default.createFile(atPath: dump, contents: nil)
    process.standardOutput = FileHandle(forWritingAtPath: dump)
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let shown = String(decoding: try #require(contents(of: dump)), as: UTF8.self)
    return shown.firstMatch(of: #/data-seen="([^"]*)"/#).map { String($0.1) }
      ?? "nothing: \(shown.suffix(400))"
  }
}
