import Files
import Foundation
import Testing

/// Golden files are as the scripts of `Support/golden` wrote them: `make golden` lists their digests.
@Suite struct GoldenFilesTests {
  private static let root = URL(fileURLWithPath: golden("")).deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// Digests by path, as listed.
  private func listed() throws -> [String: String] {
    let text = try String(contentsOfFile: golden("digests.txt"), encoding: .utf8)
    let lines = text.split(separator: "\n").map { $0.components(separatedBy: "  ") }
    #expect(lines.allSatisfy { $0.count == 3 })
    return Dictionary(uniqueKeysWithValues: lines.map { ($0[1], $0[0]) })
  }

  /// Every file below a folder called Golden, but for the list itself.
  private func found() throws -> [String] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: Self.root + "/Tests")
    return names.filter { name in
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: Self.root + "/Tests/" + name, isDirectory: &isFolder)
      return !isFolder.boolValue && name.split(separator: "/").dropLast().contains("Golden")
    }.map { "Tests/" + $0 }.filter { $0 != "Tests/Golden/digests.txt" }
  }

  @Test func everyFileIsListedAndEveryListedFileIsThere() throws {
    let (listed, found) = (Set(try listed().keys), Set(try found()))
    #expect(found.subtracting(listed).sorted() == [], "not written by `make golden`")
    #expect(listed.subtracting(found).sorted() == [], "listed, but not there")
    #expect(found.count > 30)
  }

  @Test func noFileWasEditedByHand() throws {
    for (path, digest) in try listed() where FileManager.default.fileExists(atPath: Self.root + "/" + path) {
      #expect(try SHA256.ofFile(Self.root + "/" + path).digest == digest, "\(path): run `make golden`")
    }
  }

  /// Whatever a line names wrote its file, and is still there to do so again.
  @Test func everyScriptIsThere() throws {
    let text = try String(contentsOfFile: golden("digests.txt"), encoding: .utf8)
    let sources = Set(text.split(separator: "\n").compactMap { $0.components(separatedBy: "  ").last })
    for source in sources where source != "aginet 0.1.0" {
      #expect(FileManager.default.fileExists(atPath: Self.root + "/" + source), "\(source)")
    }
  }
}
