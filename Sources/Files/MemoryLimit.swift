import Foundation

/// The most memory that this process may have: the computer's, or less where a limit is set; of what it shares with its
/// `Companions`, an equal part.
public struct MemoryLimit: Sendable, Equatable {
  public let bytes: Int
  /// What sets it, in words.
  public let origin: String

  package init(bytes: Int, origin: String) { (self.bytes, self.origin) = (bytes, origin) }

  /// The least of the computer's memory, the limits of the process's control groups (both versions) and those of the
  /// shell (`ulimit -v`, `ulimit -d`); nil where nothing tells.
  public static var own: MemoryLimit? { of(root: "", limits: shellLimits, processes: Companions.count) }

  /// The same of a system whose `/proc` and `/sys` lie in a folder.
  /// - Parameters:
  ///   - limits: the shell's, which every process has for itself.
  ///   - processes: how many share the others.
  package static func of(root: String, limits: [Int], processes: Int = 1) -> MemoryLimit? {
    func part(_ bytes: Int, _ origin: String) -> MemoryLimit {
      MemoryLimit(
        bytes: bytes / processes,
        origin: processes > 1 ? "\(origin), shared by \(processes) processes" : origin)
    }
    var found = limits.map { MemoryLimit(bytes: $0, origin: "ulimit") }
    found += groupLimits(root).map { part($0, "the control group") }
    if let bytes = physical(root) { found.append(part(bytes, "this computer")) }
    return found.filter { $0.bytes > 0 }.min { $0.bytes < $1.bytes }
  }

  /// `MemTotal:       24567890 kB`
  private static func physical(_ root: String) -> Int? {
    let line = ControlGroups.lines(root + "/proc/meminfo").first { $0.hasPrefix("MemTotal:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
  }

  private static func groupLimits(_ root: String) -> [Int] {
    ControlGroups(root: root).folders(of: "memory").flatMap { path, isFirst in
      // A group without a limit says `max`, or a number beyond any memory.
      ControlGroups.lines(path + (isFirst ? "/memory.limit_in_bytes" : "/memory.max")).compactMap { Int($0) }
    }
  }

  private static var shellLimits: [Int] {
    [RLIMIT_AS, RLIMIT_DATA].compactMap { resource in
      var limit = rlimit()
      guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur < Int.max else {
        return nil
      }
      return Int(limit.rlim_cur)
    }
  }
}
