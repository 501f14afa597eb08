import Foundation
import PipelineSupport
import Testing

/// Reliability R30: every command that the README shows is one the program takes.
@Suite struct ReadmeTests {
  /// The `aginet` lines of the `sh` blocks, continued lines joined.
  private func commands(in text: String) -> [String] {
    var commands: [String] = []
    var isShell = false
    var open = ""
    for line in text.components(separatedBy: "\n") {
      if line.hasPrefix("```") {
        isShell = !isShell && ["```sh", "```bash", "```console"].contains(line)
        continue
      }
      guard isShell else { continue }
      open += line
      if open.hasSuffix("\\") {
        open = String(open.dropLast()) + " "
        continue
      }
      var words = open.trimmingCharacters(in: .whitespaces)
      if words.hasPrefix("$ ") { words = String(words.dropFirst(2)) }
      let name = words.prefix { $0 != " " }
      if name == "aginet" || name.hasSuffix("/aginet") { commands.append(words) }
      open = ""
    }
    return commands
  }

  @Test func everyCommandOfTheReadmeParses() throws {
    let readme = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("README.md").path
    let text = try #require(contents(of: readme).map { String(decoding: $0, as: UTF8.self) }, "no README.md")
    let commands = commands(in: text)
    #expect(!commands.isEmpty, "the README shows no command")
    for command in commands { try expectParses(command) }
  }

  @Test func blocksAreFound() {
    let text = """
      aginet outside
      ```sh
      make demo
      aginet train \\
        --data cohort   # comment
      .build/release/aginet info x
      ```
      ```swift
      aginet no
      ```
      """
    #expect(
      commands(in: text) == ["aginet train    --data cohort   # comment", ".build/release/aginet info x"])
  }

  @Test func aWrongFlagWouldBeFound() throws {
    withKnownIssue { try expectParses("aginet train --frobnicate --data cohort -o run") }
    try expectParses("aginet train --data cohort -o run  # a comment")
  }
}
