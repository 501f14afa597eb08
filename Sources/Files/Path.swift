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
}
