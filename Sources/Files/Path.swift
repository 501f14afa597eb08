import Failures
import Foundation

/// The parts of a path, as POSIX's `basename` and `dirname` have them.
///
/// Foundation's own (`NSString.deletingLastPathComponent`) ends the process on Linux for some names of one letter.
public enum Path {
  /// The last part without slashes at its end: "a" of "a", "a/" and "b/a"; "/" of "/"; "" of "".
  public static func name(_ path: String) -> String {
    let trimmed = withoutEnd(path)
    // By bytes: as a character a slash is another one where a mark follows that combines with it.
    guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")), trimmed != "/" else { return trimmed }
    return String(trimmed[trimmed.utf8.index(after: slash)...])
  }

  /// The folder that holds the last part: "b" of "b/a" and "b/a/"; "." of "a" and ""; "/" of "/a" and "/".
  public static func folder(_ path: String) -> String {
    let trimmed = withoutEnd(path)
    guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    let folder = withoutEnd(String(trimmed[..<slash]))
    return folder.isEmpty ? "/" : folder
  }

  /// The same path without slashes at its end; "/" stays.
  public static func withoutEnd(_ path: String) -> String {
    var bytes = path.utf8[...]
    while bytes.count > 1 && bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return String(bytes) ?? path
  }

  /// The absolute path without links, `.` and `..`; nil where nothing is there.
  public static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The same for what may not be there yet: links are followed as far as there are any.
  static func wouldBe(_ path: String) -> String {
    if let resolved = resolved(path) { return resolved }
    let (inner, name) = (folder(path), name(path))
    guard inner != path, name != "/" else { return path }
    let base = wouldBe(inner)
    switch name {
    case ".", "": return base
    case "..": return folder(base)
    default: return base == "/" ? "/" + name : base + "/" + name
    }
  }

  /// Whether two paths lead to one place, by whatever links, whether or not something is there.
  package static func isSame(_ path: String, _ other: String) -> Bool { wouldBe(path) == wouldBe(other) }

  /// Whether a path leads to a folder or into it, by whatever links; what does not exist yet counts where it would lie.
  public static func isInside(_ path: String, _ folder: String) -> Bool {
    guard let outer = resolved(folder) else { return false }
    let place = wouldBe(path)
    return place == outer || lies(place, in: outer)
  }

  /// Of absolute paths without links.
  private static func lies(_ inner: String, in outer: String) -> Bool {
    inner.hasPrefix(outer == "/" ? outer : outer + "/")
  }

  /// Makes sure that a command does not write into what it reads.
  ///
  /// - Parameter except: a folder of the input's in which outputs have their place, such as BIDS' `derivatives`.
  /// - Throws: `.cannotWrite` where the output is the input, lies inside it, or holds it.
  public static func refuse(_ output: String, inside input: String, except derived: String? = nil) throws {
    let (place, source) = (wouldBe(output), wouldBe(input))
    let advice = derived.map { ", or one in \(input)/\($0)" } ?? ""
    if place == source {
      throw Failure(.cannotWrite, "\(output): is the input itself; choose a folder beside it\(advice)")
    }
    if lies(source, in: place) {
      throw Failure(.cannotWrite, "\(output): holds the input \(input); choose another folder")
    }
    guard lies(place, in: source) else { return }
    if let derived, lies(place, in: source + "/" + derived) { return }
    let what = "lies inside the input \(input), which is only read"
    throw Failure(.cannotWrite, "\(output): \(what); choose a folder beside it\(advice)")
  }
}
