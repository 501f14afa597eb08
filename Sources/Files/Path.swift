import Glibc

/// The parts of a path, as POSIX's `basename` and `dirname` have them.
///
/// Foundation's own (`NSString.deletingLastPathComponent`) ends the process on Linux for some names of one letter.
public enum Path {
  /// The last part without slashes at its end: "a" of "a", "a/" and "b/a"; "/" of "/"; "" of "".
  public static func name(_ path: String) -> String {
    let trimmed = withoutEnd(path)
    guard let slash = trimmed.lastIndex(of: "/"), trimmed != "/" else { return trimmed }
    return String(trimmed[trimmed.index(after: slash)...])
  }

  /// The folder that holds the last part: "b" of "b/a" and "b/a/"; "." of "a" and ""; "/" of "/a" and "/".
  public static func folder(_ path: String) -> String {
    let trimmed = withoutEnd(path)
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    let folder = withoutEnd(String(trimmed[..<slash]))
    return folder.isEmpty ? "/" : folder
  }

  /// The same path without slashes at its end; "/" stays.
  public static func withoutEnd(_ path: String) -> String {
    var bytes = path.utf8[...]
    while bytes.count > 1 && bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return String(bytes) ?? path
  }

  /// Whether a path leads to a folder or into it, whatever the names and links on the way; what does not exist yet is
  /// looked for where it would lie.
  public static func isInside(_ path: String, _ folder: String) -> Bool {
    guard let real = real(folder) else { return false }
    var (place, rest) = (withoutEnd(path), [String]())
    while true {
      if let found = self.real(place) {
        let whole = rest.reversed().reduce(found) { $0 == "/" ? "/" + $1 : $0 + "/" + $1 }
        return whole == real || whole.hasPrefix(real == "/" ? "/" : real + "/")
      }
      let above = Path.folder(place)
      if above == place { return false }
      rest.append(name(place))
      place = above
    }
  }

  private static func real(_ path: String) -> String? {
    guard let found = realpath(path, nil) else { return nil }
    defer { free(found) }
    return String(cString: found)
  }
}
