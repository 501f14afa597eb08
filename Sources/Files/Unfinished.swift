import CGuard
import Failures
import Foundation
import Synchronization

/// A file or folder that is being written under a name of its own, hidden beside its final place.
///
/// It is removed when this value goes, and by whatever else ends the program: a signal, `exit`, memory that is not
/// there. What `kill -9` or a power cut leaves, the next program removes that writes in the same folder: the name
/// says that it is unfinished, and an advisory lock whether anybody is still at it.
public final class Unfinished {
  /// `<folder>/.<name>.<pid>-<n>.partial`.
  public let path: String
  private let descriptor: Int32
  private let place: Int32
  private var isGone = false

  /// The end of every such name.
  static let suffix = ".partial"

  /// Makes an empty file.
  /// - Throws: `Failure(.cannotWrite)` with the system's reason.
  public convenience init(for final: String) throws { try self.init(for: final) { _ in } }

  /// - Parameter made: called with its path when it is made, and not locked yet.
  package init(for final: String, made: (String) -> Void) throws {
    let (folder, stem) = (Path.folder(final), Claim.stem(of: Path.name(final)))
    Unfinished.removeStale(in: folder)
    while true {
      let number = Unfinished.counter.wrappingAdd(1, ordering: .relaxed).newValue
      let path = "\(folder)/.\(stem).\(getpid())-\(number)\(Unfinished.suffix)"
      let place = guard_unfinished(path)
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else {
        let code = errno
        guard_finished(place)
        // Left by a killed program that had this number, and held by nobody, or by one on another machine.
        if code == EEXIST { continue }
        throw Failure.cannotWrite(final, code)
      }
      made(path)
      // Between the two calls another may have taken it for stale: it has removed it, or holds the lock and is about to.
      let isTaken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
      if Claim.isSame(path, descriptor) {
        guard isTaken else {
          (self.path, self.descriptor, self.place) = (path, descriptor, place)
          return
        }
        unlink(path)
      }
      close(descriptor)
      guard_finished(place)
    }
  }

  deinit { discard() }

  /// The open file, for reading and writing.
  var file: Int32 { descriptor }

  /// Removes it, unless `finish` was called.
  public func discard() {
    guard !isGone else { return }
    isGone = true
    unlink(path)
    close(descriptor)
    guard_finished(place)
  }

  /// To be called once it has its final name. Returns what closing it says: 0, or -1 with `errno` set.
  @discardableResult
  func finish() -> Int32 {
    guard !isGone else { return 0 }
    isGone = true
    guard_finished(place)
    return close(descriptor)
  }

  private static let counter = Atomic<Int>(0)
  private static let searched = Mutex<Set<String>>([])

  /// Removes unfinished files that nobody is writing any more; looks once at each folder.
  private static func removeStale(in folder: String) {
    guard searched.withLock({ $0.insert(folder).inserted }), let listing = opendir(folder) else { return }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let process = writer(of: name) else { continue }
      let path = folder + "/" + name
      let descriptor = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      let isRunning = process <= 0 || kill(process, 0) == 0 || errno == EPERM
      if Claim.isAbandoned(descriptor, isRunning: isRunning) && Claim.isSame(path, descriptor) {
        unlink(path)
      }
    }
  }

  /// The process in a name such as those above, `.<name>.<pid>-<n>.partial`; nil for other names.
  private static func writer(of name: String) -> Int32? {
    guard name.hasPrefix("."), name.hasSuffix(suffix) else { return nil }
    let parts =
      name.dropLast(suffix.count).split(separator: ".", omittingEmptySubsequences: false).last?.split(
        separator: "-") ?? []
    return parts.count == 2 && Int(parts[1]) != nil ? Int32(parts[0]) : nil
  }

  /// Lets signals that end the program, and `exit`, remove what is unfinished first.
  public static func goesWithTheProgram() { guard_signals() }
}
