import Failures
import Glibc

/// Writes everything, or returns false with `errno` set.
/// - Parameter write: as `write(2)`.
func writeAll(
  _ bytes: UnsafeRawBufferPointer, to descriptor: Int32,
  by write: AtomicFile.Write = { Glibc.write($0, $1, $2) }
) -> Bool {
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
  /// A file that cannot be read, with the system's reason.
  package static func cannotRead(_ path: String, _ code: Int32) -> Failure {
    Failure(.notFound, "\(path): cannot be read: \(String(cString: strerror(code)))")
  }

  /// A file that cannot be written, with the system's reason and what mends it.
  static func cannotWrite(_ path: String, _ code: Int32) -> Failure {
    let folder = Path.folder(path)
    let place = folder == "." ? "this folder" : folder
    let reason =
      switch code {
      case ENOENT where Path.resolved(folder) != nil: "no file can be made in \(place); choose another folder"
      case ENOENT, ENOTDIR: "the folder \(place) does not exist; make it first"
      case EACCES, EPERM, EROFS: "no permission to write in \(place)"
      case ENOSPC, EDQUOT: "no space left in \(place); free some and run again"
      case EISDIR: "a folder has this name"
      case ENAMETOOLONG: "the name is too long"
      default: String(cString: strerror(code))
      }
    return Failure(.cannotWrite, "\(path): cannot write: \(reason)")
  }
}
