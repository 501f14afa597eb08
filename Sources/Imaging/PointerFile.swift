import Failures
import Foundation
import Glibc

/// Files that stand for contents which were not fetched: links and pointer files of git-annex (DataLad) and Git LFS.
enum PointerFile {
  /// What a path that leads to nothing is, with its cure; nil where it is no link.
  static func failure(ofLink path: String) -> Failure? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &buffer, buffer.count)
    guard count > 0 else { return nil }
    let target = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if target.contains("annex/objects/") { return annexed(path) }
    let what = "is a link to \(target), which is not there"
    return Failure(.notFound, "\(path): \(what); restore it, or copy the scan itself here")
  }

  /// What a file with these first bytes is, if it is a pointer.
  static func failure(of path: String, first bytes: ArraySlice<UInt8>) -> Failure? {
    // The longest pointers have some hundred bytes, and hold text.
    let start = String(decoding: bytes.prefix(512), as: UTF8.self)
    let line = start.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    if line.hasPrefix("/annex/objects/") || (line.hasPrefix("../") && line.contains(".git/annex/objects/")) {
      return annexed(path)
    }
    if start.hasPrefix("version https://git-lfs.github.com/spec/")
      || start.hasPrefix("version https://hawser.github.com/")
    {
      return unfetched(path, "Git LFS", "git lfs pull --include=\(quoted(path))")
    }
    return nil
  }

  private static func annexed(_ path: String) -> Failure {
    unfetched(path, "git-annex", "datalad get \(quoted(path)) or git annex get \(quoted(path))")
  }

  private static func unfetched(_ path: String, _ kind: String, _ cure: String) -> Failure {
    let what = "its contents were not fetched (it is a \(kind) pointer)"
    return Failure(.notFound, "\(path): \(what); fetch them with \(cure)")
  }

  /// As a shell takes it.
  private static func quoted(_ path: String) -> String {
    let isPlain = path.utf8.allSatisfy { byte in
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 32 || UInt8(ascii: "-")...UInt8(ascii: "9") ~= byte
        || byte == UInt8(ascii: "_")
    }
    return isPlain ? path : "'" + path.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}
