import Failures
import Files
import Foundation
import Synchronization

/// A file of the store, open for reading.
///
/// Read by position and not mapped: a mapped file that is cut short ends the process (SIGBUS), a short read fails.
final class StoreFile: Sendable {
  let path: String
  let size: Int
  private let descriptor: Int32
  /// CRC-32C in hexadecimal digits, where the manifest states one.
  private let checksum: String?
  private let isVerified = Mutex<Bool>(false)

  /// Opens a file that must be exactly `size` bytes long. Throws `.notFound` or `.malformed`.
  init(path: String, size: Int, checksum: String?) throws {
    // A pipe under this name would keep the program waiting.
    func opened() -> Int32 { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    var descriptor = opened()
    // A cohort may have more files than a process usually has.
    if descriptor < 0 && errno == EMFILE && Self.raiseLimit() { descriptor = opened() }
    guard descriptor >= 0 else {
      let code = errno
      let reason = String(cString: strerror(code))
      switch code {
      case ENOENT: throw Self.failure(path, "is missing, the prepared cohort is incomplete;")
      case EMFILE: throw Failure(.limit, "\(path): \(reason); raise the limit (ulimit -n)")
      default: throw Self.failure(path, "\(reason);", .notFound)
      }
    }
    (self.path, self.size, self.descriptor, self.checksum) = (path, size, descriptor, checksum)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Self.failure(path, "is not a regular file;")
    }
    guard Int(status.st_size) == size else {
      throw Self.failure(path, "has \(status.st_size) bytes where the manifest says \(size);")
    }
  }

  private static func failure(_ path: String, _ what: String, _ kind: Failure.Kind = .malformed) -> Failure {
    Failure(kind, "\(path): \(what) run \(Term.preparation) again")
  }

  deinit { close(descriptor) }

  /// Fills `target` from `offset` on; the whole file is checked before the first time.
  /// - Throws: `.malformed` where the file is damaged or no longer long enough.
  func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    try verify()
    try fill(target, at: offset)
  }

  /// Compares the file with its checksum, once. Throws `.malformed`.
  func verify() throws {
    guard let checksum else { return }
    try isVerified.withLock { isVerified in
      if isVerified { return }
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(size, 1 << 20), alignment: 16)
      defer { buffer.deallocate() }
      var (found, start): (UInt32, Int) = (0, 0)
      while start < size {
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, size - start)])
        try fill(part, at: start)
        found = CRC32C.checksum(UnsafeRawBufferPointer(part), after: found)
        start += part.count
      }
      guard CRC32C.hexadecimal(found) == checksum else {
        throw Self.failure(path, "is damaged (its checksum is not the manifest's): copy it again, or")
      }
      isVerified = true
    }
  }

  private func fill(_ target: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < target.count {
      let got = pread(
        descriptor, target.baseAddress.map { $0 + done }, target.count - done, off_t(offset + done))
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw Failure.cannotRead(path, errno) }
      guard got > 0 else { throw Self.failure(path, "was cut short while in use (\(size) bytes before);") }
      done += got
    }
  }

  /// Asks for as many open files as the system grants; whether that is more than before.
  private static func raiseLimit() -> Bool {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max
    else { return false }
    limit.rlim_cur = limit.rlim_max
    return setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
  }
}
