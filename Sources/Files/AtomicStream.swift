import Failures
import Foundation

/// A file written in pieces that appears under its name whole or not at all.
///
/// Dropped without `commit()`, it leaves nothing behind.
final class AtomicStream {
  let path: String
  private let folder: String
  private let temporary: String
  private var descriptor: Int32

  /// Opens a temporary file beside `path`.
  init(_ path: String) throws {
    let name = (path as NSString).lastPathComponent
    let inside = (path as NSString).deletingLastPathComponent
    self.path = path
    folder = inside.isEmpty ? "." : inside
    // A long name is cut so that the temporary one still fits the file system's 255 bytes.
    let stem = String(decoding: name.utf8.prefix(200), as: UTF8.self)
    temporary = "\(folder)/.\(stem).\(getpid()).\(UInt32.random(in: 0 ... .max)).part"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw Failure.cannotWrite(path, errno) }
  }

  deinit { discard() }

  func append(_ bytes: UnsafeRawBufferPointer) throws {
    guard writeAll(bytes, to: descriptor) else { throw abandon(errno) }
  }

  func append(_ bytes: Data) throws { try bytes.withUnsafeBytes { try append($0) } }

  /// Flushes to the disk, gives the file its name, and flushes the folder.
  func commit() throws {
    // Network file systems report a full disk only here.
    guard fsync(descriptor) == 0 else { throw abandon(errno) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0, rename(temporary, path) == 0 else {
      let reason = errno
      unlink(temporary)
      throw Failure.cannotWrite(path, reason)
    }
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      // Some file systems cannot flush a folder; the file itself is complete either way.
      fsync(directory)
      close(directory)
    }
  }

  private func abandon(_ code: Int32) -> Failure {
    discard()
    return Failure.cannotWrite(path, code)
  }

  private func discard() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
    unlink(temporary)
  }
}

/// Writes everything, or returns false with `errno` set.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
  var done = 0
  while done < bytes.count {
    let count = write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
    if count < 0 && errno == EINTR { continue }
    if count == 0 { errno = EIO }
    guard count > 0 else { return false }
    done += count
  }
  return true
}

extension Failure {
  static func cannotWrite(_ path: String, _ code: Int32) -> Failure {
    let folder = (path as NSString).deletingLastPathComponent
    let place = folder.isEmpty ? "this folder" : folder
    let reason =
      switch code {
      case ENOENT, ENOTDIR: "the folder \(place) does not exist; make it first"
      case EACCES, EPERM, EROFS: "no permission to write in \(place)"
      case ENOSPC, EDQUOT: "no space left in \(place); free some and run again"
      case EISDIR: "a folder has this name"
      default: String(cString: strerror(code))
      }
    return Failure(.cannotWrite, "\(path): cannot write: \(reason)")
  }
}
