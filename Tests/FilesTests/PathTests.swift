import Files
import Foundation
import Glibc
import Testing

@Suite struct PathTests {
  static let paths = [
    "", "/", "a", "p", "/a", "a/", "a//", ".", "..", "./a", "../a", "a/b", "a/b/", "/a/b", "a//b",
    "ä/ö", "k/\u{301}v.nii", "\u{301}k/v", ".hidden", "a/.", "a.nii.gz", " ", "a b/c d",
  ]

  /// The C library's own functions are the reference.
  @Test(arguments: paths) func isWhatTheSystemSays(path: String) {
    #expect(Path.folder(path) == system(path) { dirname($0) })
    // `basename` calls an empty path "."; here it has no name.
    #expect(Path.name(path) == (path.isEmpty ? "" : system(path) { __xpg_basename($0) }))
  }

  /// POSIX leaves open what two slashes at the start mean; here they are one.
  @Test func twoSlashesAreOne() {
    #expect(Path.folder("//") == "/" && Path.name("//") == "/")
    #expect(Path.folder("//a") == "/" && Path.name("//a") == "a")
  }

  private func system(_ path: String, _ part: (UnsafeMutablePointer<CChar>) -> UnsafeMutablePointer<CChar>?)
    -> String
  {
    var bytes = Array(path.utf8CString)
    return bytes.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress, let result = part(start) else { return "" }
      return String(cString: result)
    }
  }

  /// Foundation's functions trap on some names; no source may come back to them.
  @Test func noPathGoesThroughFoundation() throws {
    let root = Path.folder(Path.folder(Path.folder(#filePath)))
    for name in ["Sources", "Benchmarks"] {
      let files = try #require(FileManager.default.enumerator(atPath: root + "/" + name))
      for case let file as String in files where file.hasSuffix(".swift") {
        let text = try String(contentsOfFile: "\(root)/\(name)/\(file)", encoding: .utf8)
        for word in ["as NSString)", ".lastPathComponent", ".deletingLastPathComponent", ".pathExtension"] {
          #expect(file == "Files/Path.swift" || !text.contains(word), "\(file) uses \(word)")
        }
      }
    }
  }
}
