import CGuard
import Failures
import Foundation
import Glibc
import Synchronization

/// A folder that appears under its name whole or not at all, in place of an older one of its kind where that is asked.
///
/// Files go to a hidden folder beside it. `commit()` exchanges the two in one step of the file system, so that at every
/// moment a whole folder stands under the name (where the file system knows no exchange, the old one is moved aside
/// first and put back by the next run, should this one be killed in between). What killed runs left is removed.
public final class AtomicFolder: Sendable {
  /// What may stand in the place, and be replaced.
  public struct Kind: Sendable {
    let noun: String
    let isOne: @Sendable (_ folder: String) -> Bool
    let owns: @Sendable (_ name: String) -> Bool

    /// - Parameters:
    ///   - noun: as messages call it, such as `prepared cohort`.
    ///   - isOne: whether a folder that is not empty holds one.
    ///   - owns: whether a name at the top of such a folder is a part of it, and not something that a user put there.
    public init(
      _ noun: String, isOne: @escaping @Sendable (_ folder: String) -> Bool,
      owns: @escaping @Sendable (_ name: String) -> Bool
    ) {
      (self.noun, self.isOne, self.owns) = (noun, isOne, owns)
    }
  }

  /// The final place.
  public let path: String
  private let kind: Kind
  private let replacing: Bool
  private let temporary: String
  /// The hidden folder, locked for as long as this process may write in it.
  private let descriptor: Int32
  /// Where it is known to whatever ends the program.
  private let place: Int32
  private let folders = Mutex<Set<String>>([])
  private let exchanges: Bool

  /// Refuses (`.cannotWrite`) a place that is taken: unless `replacing` any folder that is not empty, and even then
  /// whatever is not of this kind or holds anything besides.
  public convenience init(_ path: String, of kind: Kind, replacing: Bool) throws {
    try self.init(path, of: kind, replacing: replacing, exchanges: true)
  }

  /// - Parameter exchanges: false as on a file system that cannot exchange two names.
  package init(_ path: String, of kind: Kind, replacing: Bool, exchanges: Bool) throws {
    let path = try Place.checked(path)
    Leftovers.clear(beside: path, isWhole: kind.isOne)
    try Self.refuseOccupied(path, kind, replacing)
    let parent = Path.folder(path)
    guard (try? FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)) != nil
    else { throw Self.failure(path, parent) }
    // Another run may take a folder for a leftover before it is locked: then a new one is made.
    for _ in 0..<8 {
      let number = UInt32.random(in: 0 ... .max)
      let name = "\(parent)/.\(Claim.stem(of: Path.name(path))).\(getpid()).\(number)\(Leftovers.ending)"
      guard mkdir(name, 0o777) == 0 else { throw Self.failure(path, parent) }
      let descriptor = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else { throw Self.failure(path, parent) }
      let isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
      if isLocked, Claim.isSame(name, descriptor) {
        (self.path, self.kind, self.replacing, self.exchanges) = (path, kind, replacing, exchanges)
        (temporary, self.descriptor, place) = (name, descriptor, guard_unfinished(name))
        return
      }
      close(descriptor)
    }
    throw Failure(.cannotWrite, "\(path): another process writes there")
  }

  deinit {
    guard_finished(place)
    close(descriptor)
  }

  /// Makes a folder inside, and returns its present path; "" is the folder itself.
  @discardableResult
  public func folder(_ name: String) throws -> String {
    let path = name.isEmpty ? temporary : "\(temporary)/\(name)"
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .cannotWrite, "\(self.path)/\(name): the folder cannot be made; check that its parent may be written")
    }
    return path
  }

  /// Writes one file in full and flushes it to the disk. Throws `.cannotWrite` with the system's reason.
  public func write(_ bytes: UnsafeRawBufferPointer, to name: String) throws {
    let inner = Path.folder(name)
    // Under the lock, so that nobody writes into a folder that another thread is about to make.
    try folders.withLock { if $0.insert(inner).inserted { try folder(inner == "." ? "" : inner) } }
    let descriptor = open("\(temporary)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Failure.cannotWrite("\(path)/\(name)", errno) }
    let isWritten = writeAll(bytes, to: descriptor) && fsync(descriptor) == 0
    let code = errno
    guard close(descriptor) == 0, isWritten else {
      throw Failure.cannotWrite("\(path)/\(name)", isWritten ? errno : code)
    }
  }

  public func write(_ text: String, to name: String) throws {
    try Array(text.utf8).withUnsafeBytes { try write($0, to: name) }
  }

  /// Gives the complete folder its final name. One that was there goes only once the new one stands.
  public func commit() throws {
    for inner in folders.withLock({ $0 }) { AtomicFile.flush("\(temporary)/\(inner)") }
    // Someone else may have written there since: look again, and let rename refuse a folder that is not empty.
    try Self.refuseOccupied(path, kind, replacing)
    let replaces = replacing && access(path, F_OK) == 0
    var old = temporary
    if !replaces || !exchanges || !Self.exchange(temporary, path) {
      old += Leftovers.retired
      if replaces, rename(path, old) != 0 { throw taken(errno) }
      guard rename(temporary, path) == 0 else {
        let code = errno
        // Should the old one not fit back, another complete one stands in its place.
        if replaces, rename(old, path) != 0 { try? FileManager.default.removeItem(atPath: old) }
        throw taken(code)
      }
    }
    AtomicFile.flush(Path.folder(path))
    if replaces { try? FileManager.default.removeItem(atPath: old) }
  }

  /// Removes what was written so far.
  public func discard() { try? FileManager.default.removeItem(atPath: temporary) }

  private typealias Renameat2 =
    @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32

  /// Swaps two names in one step; false where the system or the file system cannot.
  private static func exchange(_ one: String, _ other: String) -> Bool {
    // Looked up by name: Swift does not see what the C library declares for GNU sources alone. nil is `RTLD_DEFAULT`.
    guard let symbol = dlsym(nil, "renameat2") else { return false }
    let renameat2 = unsafeBitCast(symbol, to: Renameat2.self)
    // 2 is `RENAME_EXCHANGE` of linux/fs.h.
    return renameat2(AT_FDCWD, one, AT_FDCWD, other, 2) == 0
  }

  private static func refuseOccupied(_ path: String, _ kind: Kind, _ replacing: Bool) throws {
    func refused(_ what: String) -> Failure { Failure(.cannotWrite, "\(path): \(what)") }
    var info = stat()
    guard stat(path, &info) == 0 else { return }
    guard info.st_mode & S_IFMT == S_IFDIR else { throw refused("is a file; choose another output folder") }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw refused("cannot be read; check its permissions")
    }
    if names.isEmpty { return }
    guard kind.isOne(path) else {
      throw refused("holds other files and no \(kind.noun); choose another output folder")
    }
    guard replacing else { throw refused("holds a \(kind.noun) already; \(Term.overwrites) replaces it") }
    if let stranger = names.filter({ !kind.owns($0) }).min() {
      let what = "holds \(stranger.printable) beside the \(kind.noun)"
      throw refused("\(what), which replacing it would remove; move it away")
    }
  }

  private static func failure(_ path: String, _ parent: String) -> Failure {
    Failure(.cannotWrite, "\(path): the folder cannot be made; check that \(parent) may be written")
  }

  private func taken(_ code: Int32) -> Failure {
    let isTaken = code == ENOTEMPTY || code == EEXIST
    let reason = isTaken ? "another process wrote there meanwhile" : String(cString: strerror(code))
    return Failure(.cannotWrite, "\(path): cannot be written: \(reason)")
  }
}

/// Hidden folders of runs that were killed.
private enum Leftovers {
  static let ending = ".part"
  /// Follows `ending` on an old folder that was moved aside.
  static let retired = ".old"

  /// Removes what no living process holds. An old folder that was moved aside is put back where nothing stands.
  static func clear(beside path: String, isWhole: (String) -> Bool) {
    let parent = Path.folder(path)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    for name in names.sorted().reversed() where isLeftover(name, of: Claim.stem(of: Path.name(path))) {
      let leftover = "\(parent)/\(name)"
      let descriptor = open(leftover, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      guard Claim.isAbandoned(descriptor) else { continue }
      if name.hasSuffix(retired) && access(path, F_OK) != 0 && isWhole(leftover) {
        if rename(leftover, path) == 0 { continue }
      }
      try? FileManager.default.removeItem(atPath: leftover)
    }
  }

  /// Whether a name is `.STEM.PROCESS.NUMBER.part` or that with `.old` behind it.
  private static func isLeftover(_ name: String, of stem: String) -> Bool {
    guard name.hasPrefix(".\(stem).") else { return false }
    var words = name.dropFirst(stem.count + 2).split(separator: ".", omittingEmptySubsequences: false)
    if words.last == "old" { words.removeLast() }
    return words.count == 3 && words[2] == "part" && words.prefix(2).allSatisfy { UInt64($0) != nil }
  }
}

/// Where a folder can be put in place by a change of names.
private enum Place {
  /// The path without slashes at its end; that of the folder it leads to, where it is a link.
  static func checked(_ path: String) throws -> String {
    let path = Path.withoutEnd(path)
    guard !["", ".", "..", "/"].contains(Path.name(path)) else {
      let example = path.isEmpty ? "new" : "\(path)/new"
      throw Failure(.cannotWrite, "'\(path)': the output needs a name of its own, such as \(example)")
    }
    var info = stat()
    if lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFLNK {
      guard let target = Path.resolved(path) else {
        throw Failure(.cannotWrite, "\(path): is a link that leads nowhere; remove it or choose another name")
      }
      return target
    }
    var parent = stat()
    if stat(path, &info) == 0, stat(Path.folder(path), &parent) == 0, info.st_dev != parent.st_dev {
      throw Failure(
        .cannotWrite, "\(path): is where a file system begins; name a folder inside it, such as \(path)/new")
    }
    return path
  }
}
