import Foundation

/// What unfinished files and folders have in common: their writer holds an advisory lock on them, so that what a killed
/// program left is told from what somebody is at.
enum Claim {
  /// A final name, cut so that the temporary one still fits in the file system's 255 bytes.
  static func stem(of name: String) -> String {
    String(decoding: Array(name.utf8.prefix(200)), as: UTF8.self)
  }

  /// Whether a path still leads to what was opened under it.
  static func isSame(_ path: String, _ descriptor: Int32) -> Bool {
    var (named, opened) = (stat(), stat())
    return lstat(path, &named) == 0 && fstat(descriptor, &opened) == 0
      && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino
  }

  /// Whether nobody is at it any more; then this process holds the lock, where there are locks.
  ///
  /// - Parameter isRunning: whether a process of its writer's number runs here. Where there are no locks, the writer may
  ///   be on another machine: then only age tells, a day without a change.
  static func isAbandoned(_ descriptor: Int32, isRunning: Bool = false) -> Bool {
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
    var info = stat()
    return errno != EWOULDBLOCK && !isRunning && fstat(descriptor, &info) == 0
      && time(nil) - info.st_mtim.tv_sec > 86_400
  }
}
