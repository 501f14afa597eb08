import Failures
import Files
import Foundation

/// The patterns of a `.bidsignore`, which are those of a `.gitignore`.
///
/// `*`, `?` and `[a-z]` within a name, `**` for any number of folders, `/` at the end for folders alone, `/` before it
/// for paths from the top, `!` to take back, `#` for a comment. The last that fits decides, also for what is inside.
struct IgnoreRules: Sendable {
  private struct Rule: Sendable {
    var parts: [String]
    var takesBack: Bool
    var onlyFolders: Bool
  }

  private var rules: [Rule] = []

  /// - Parameter path: of a `.bidsignore`, which need not be there.
  /// - Throws: `.malformed` for one that is there and cannot be read: whoever it leaves out must not be taken.
  init(file path: String) throws {
    var info = stat()
    guard lstat(path, &info) == 0 else {
      self.init("")
      return
    }
    guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG,
      let data = FileManager.default.contents(atPath: path)
    else { throw Failure(.malformed, "\(path): cannot be read, so that nobody knows what it leaves out") }
    guard !data.contains(0) else {
      throw Failure(.malformed, "\(path): is no text in UTF-8; save it as UTF-8")
    }
    self.init(String(decoding: data.withoutByteOrderMark, as: UTF8.self))
  }

  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      var line = String(line)
      while line.hasSuffix(" ") && !line.hasSuffix("\\ ") || line.hasSuffix("\t") { line.removeLast() }
      if line.isEmpty || line.hasPrefix("#") { continue }
      let takesBack = line.hasPrefix("!")
      if takesBack { line.removeFirst() }
      let onlyFolders = line.hasSuffix("/")
      if onlyFolders { line.removeLast() }
      let isFromTop = line.contains("/")
      let parts = line.split(separator: "/").map(String.init)
      if parts.isEmpty { continue }
      rules.append(
        Rule(parts: isFromTop ? parts : ["**"] + parts, takesBack: takesBack, onlyFolders: onlyFolders))
    }
  }

  /// Whether a path from the top, or a folder on the way to it, is ignored.
  func ignores(_ path: String, isFolder: Bool = false) -> Bool {
    let names = path.split(separator: "/").map(String.init)
    return names.indices.contains { last in
      let isFolder = isFolder || last < names.count - 1
      let rule = rules.last {
        (isFolder || !$0.onlyFolders) && Self.fits(names[...last], $0.parts[...])
      }
      return rule.map { !$0.takesBack } ?? false
    }
  }

  private static func fits(_ names: ArraySlice<String>, _ parts: ArraySlice<String>) -> Bool {
    guard let part = parts.first else { return names.isEmpty }
    let others = parts.dropFirst()
    if part == "**" {
      // At the end it stands for whatever lies inside, not for the folder itself.
      if others.isEmpty { return !names.isEmpty }
      return (0...names.count).contains { fits(names.dropFirst($0), others) }
    }
    guard let name = names.first, fnmatch(part, name, 0) == 0 else { return false }
    return fits(names.dropFirst(), others)
  }
}
