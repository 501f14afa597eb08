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

  private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  private var readme: String { root.appendingPathComponent("README.md").path }

  @Test func everyCommandOfTheReadmeParses() throws {
    let text = try #require(contents(of: readme).map { String(decoding: $0, as: UTF8.self) }, "no README.md")
    let commands = commands(in: text)
    #expect(!commands.isEmpty, "the README shows no command")
    for command in commands { try expectParses(command) }
  }

  /// The `swift` blocks.
  private func programs(in text: String) -> [String] {
    text.components(separatedBy: "\n```swift\n").dropFirst().map {
      String(($0.components(separatedBy: "\n```").first ?? "") + "\n")
    }
  }

  /// `make test` builds and runs the example, as a package that uses the library; the README shows it whole.
  @Test func theExampleIsTheReadmes() throws {
    let text = try #require(contents(of: readme).map { String(decoding: $0, as: UTF8.self) }, "no README.md")
    let example = try String(
      contentsOf: root.appendingPathComponent("Benchmarks/Example/main.swift"), encoding: .utf8)
    #expect(example.contains("import Networks") && example.hasSuffix("\n"))
    #expect(
      programs(in: text).contains(example), "no swift block of README.md is Benchmarks/Example/main.swift")
    #expect(programs(in: "a\n```swift\nlet x = 1\n\nf(x)\n```\nb\n") == ["let x = 1\n\nf(x)\n"])
  }

  /// Flags that the text speaks of, in commands or between them.
  private func flags(in text: String) -> Set<String> {
    Set(text.matches(of: #/(?:^|[\s`(])(--[a-z][a-z0-9-]*)/#).map { String($0.1) })
  }

  @Test func everyFlagOfTheReadmeIsThere() throws {
    let text = try #require(contents(of: readme).map { String(decoding: $0, as: UTF8.self) }, "no README.md")
    let aginet = try Command(in: "/")
    let known = try UsageTests.commands.reduce(into: Set<String>()) {
      $0.formUnion(flags(in: try aginet($1, "--help").output))
    }
    let named = flags(in: text)
    #expect(named.count > 20 && known.isSuperset(of: ["--data", "--on-defect", "--t1gd"]))
    #expect(named.subtracting(known).sorted() == [])
    #expect(
      flags(in: "`--frob x` --t1=a (--on-defect) a--b --").sorted() == ["--frob", "--on-defect", "--t1"])
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
