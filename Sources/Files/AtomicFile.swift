import Failures
import Foundation

/// Writing that either happens or does not: a file's final name never points at part of it.
public enum AtomicFile {
  /// Writes `data` to a temporary file beside `path`, flushes it to the disk, and renames it into place.
  /// - Throws: `Failure(.cannotWrite)` with the system's reason; whatever was at `path` before is still there.
  public static func write(_ data: Data, to path: String) throws {
    let folder = (path as NSString).deletingLastPathComponent
    let inside = folder.isEmpty ? "." : folder
    let name = (path as NSString).lastPathComponent
    let temporary = inside + "/.\(name).\(ProcessInfo.processInfo.processIdentifier).\(UInt32.random(in: 0 ... .max)).part"

    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(path) }
    do {
      try data.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
          let written = Foundation.write(descriptor, rest.baseAddress(), rest.count)
          if written < 0 && errno == EINTR { continue }
          guard written > 0 else { throw failure(path) }
          rest = rest.dropFirst(written)
        }
      }
      guard fsync(descriptor) == 0 else { throw failure(path) }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    guard close(descriptor) == 0, rename(temporary, path) == 0 else {
      let reason = failure(path)
      unlink(temporary)
      throw reason
    }
    // The rename itself reaches the disk only with the folder.
    let directory = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
  }

  private static func failure(_ path: String) -> Failure {
    Failure(.cannotWrite, "\(path) cannot be written: \(String(cString: strerror(errno)))")
  }
}

extension Slice where Base == UnsafeRawBufferPointer {
  fileprivate func baseAddress() -> UnsafeRawPointer? { UnsafeRawBufferPointer(rebasing: self).baseAddress }
}
