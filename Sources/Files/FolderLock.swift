import Failures
import Foundation

/// The right to write in a folder, held by one process at a time for as long as this value lives.
///
/// An advisory lock on `<folder>/.lock`. The system lets go of it when the process ends, however it ends, so
/// nothing stale has to be removed. The file itself stays.
public final class FolderLock: Sendable {
  public let folder: String
  /// False on a file system that has no locks: nothing then keeps a second process out.
  public let isEnforced: Bool
  private let descriptor: Int32

  /// Takes the lock, or fails at once.
  /// - Throws: `Failure(.cannotWrite)` where another holds it, or the folder cannot be written.
  public init(_ folder: String) throws {
    let path = folder + "/.lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw Failure.cannotWrite(path, errno) }
    var taken = flock(descriptor, LOCK_EX | LOCK_NB)
    while taken != 0 && errno == EINTR { taken = flock(descriptor, LOCK_EX | LOCK_NB) }
    let code = taken == 0 ? 0 : errno
    guard [0, ENOLCK, ENOSYS, EOPNOTSUPP].contains(code) else {
      let holder = FolderLock.holder(descriptor)
      close(descriptor)
      throw code == EWOULDBLOCK
        ? Failure(.cannotWrite, "\(folder) is in use by another aginet\(holder)") : .cannotWrite(path, code)
    }
    self.folder = folder
    self.descriptor = descriptor
    isEnforced = code == 0
    // Only for the other's message, so a full disk is no reason to stop here.
    let line = Array("\(getpid()) \(Host.name)\n".utf8)
    if ftruncate(descriptor, 0) == 0 { _ = line.withUnsafeBytes { writeAll($0, to: descriptor) } }
  }

  deinit { close(descriptor) }

  /// ` (pid N)`, with the host where it is not this one; empty where the holder has not yet said.
  private static func holder(_ descriptor: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 300)
    let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    let words = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split { $0.isWhitespace }
    guard let pid = words.first, Int(pid) != nil else { return "" }
    let host = words.dropFirst().first.map(String.init) ?? Host.name
    return host == Host.name ? " (pid \(pid))" : " (pid \(pid) on \(host.printable))"
  }
}
