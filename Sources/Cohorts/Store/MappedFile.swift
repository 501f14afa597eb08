import Failures
import Foundation

/// A read-only file in the address space; the pages in use are all that memory holds of it.
///
/// Unchecked: the mapping is private, read-only and never moves before `deinit`.
final class MappedFile: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  /// Maps a file that must be exactly `size` bytes long. Throws `.notFound` or `.malformed`.
  init(path: String, size: Int) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let missing = errno == ENOENT
      throw Failure(
        missing ? .malformed : .notFound,
        "\(path): \(missing ? "is missing, the prepared cohort is incomplete" : String(cString: strerror(errno)));"
          + " run aginet prepare again")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Failure(.malformed, "\(path): is not a regular file; run aginet prepare again")
    }
    guard Int(status.st_size) == size else {
      throw Failure(
        .malformed,
        "\(path): has \(status.st_size) bytes where the manifest says \(size); run aginet prepare again")
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      address != UnsafeMutableRawPointer(bitPattern: -1)
    else {
      throw Failure(.limit, "\(path): cannot be mapped into memory: \(String(cString: strerror(errno)))")
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}
