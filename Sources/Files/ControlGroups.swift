import Foundation

/// The control groups of this process, of a system whose `/proc` and `/sys` lie in a folder ("" is this one).
struct ControlGroups {
  let root: String

  /// Folders with a controller's files, of the process's group and of those that it lies in, and whether they are of
  /// version 1. A container sees its own group as the outermost.
  func folders(of controller: String) -> [(path: String, isFirst: Bool)] {
    Self.lines(root + "/proc/self/cgroup").flatMap { line -> [(path: String, isFirst: Bool)] in
      // number:controllers:path, where version 2 has the number 0 and no controllers.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      let isFirst = parts[1].split(separator: ",").contains { $0 == controller }
      guard isFirst || parts[1].isEmpty else { return [] }
      let folder = root + "/sys/fs/cgroup" + (isFirst ? "/\(controller)" : "")
      var path = parts[2] == "/" ? "" : String(parts[2])
      var folders: [(path: String, isFirst: Bool)] = []
      while true {
        folders.append((folder + path, isFirst))
        guard let slash = path.lastIndex(of: "/") else { return folders }
        path = String(path[..<slash])
      }
    }
  }

  /// Of a file; none where it cannot be read.
  static func lines(_ path: String) -> [Substring] {
    (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
  }
}
