import CZlib
import Failures
import Files
import Foundation

/// The bytes of a file (or of memory) in order, inflated on the way where they are gzip.
///
/// Nothing is read that was not asked for, so a stream that claims to be small cannot grow.
final class ByteSource {
  let name: String
  private(set) var isCompressed = false
  /// Bytes as stored, before inflating.
  let storedCount: Int

  private var descriptor: Int32 = -1
  /// What was read and not yet used: `buffer[position ..< end]`.
  private var buffer: [UInt8]
  private var position = 0
  private var end = 0
  private var stream: UnsafeMutablePointer<z_stream>?
  private var memberEnded = false

  /// Opens a regular file.
  init(path: String) throws {
    name = path
    var info = stat()
    guard stat(path, &info) == 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR, let failure = PointerFile.failure(ofLink: path) { throw failure }
      let reason =
        switch code {
        case ENOENT, ENOTDIR: "no such file"
        case EACCES: "no permission to read it"
        default: String(cString: strerror(code))
        }
      throw Failure(.notFound, "\(path): \(reason)")
    }
    if info.st_mode & S_IFMT == S_IFDIR {
      throw Failure(.notFound, "\(path): is a folder; name a .nii or .nii.gz file in it")
    }
    if info.st_mode & S_IFMT != S_IFREG { throw Failure(.notFound, "\(path): is not a regular file") }
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      throw Failure(.notFound, "\(path): cannot be opened: \(String(cString: strerror(errno)))")
    }
    storedCount = Int(info.st_size)
    buffer = [UInt8](repeating: 0, count: min(max(storedCount, 2), 1 << 18))
    // All properties hold a value from here on, so `deinit` closes the file if what follows throws.
    _ = try refill()
    isCompressed = end >= 2 && buffer[0] == 0x1F && buffer[1] == 0x8B
    if let failure = PointerFile.failure(of: path, first: buffer[..<end]) { throw failure }
    try start()
  }

  /// Bytes already in memory, named for messages.
  init(_ bytes: [UInt8], name: String) throws {
    self.name = name
    buffer = bytes
    end = bytes.count
    storedCount = bytes.count
    isCompressed = end >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
    try start()
  }

  private func start() throws {
    if storedCount == 0 { throw malformed("\(name): is empty (0 bytes)") }
    guard isCompressed else { return }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
      throw Failure(.limit, "\(name): out of memory while decompressing")
    }
    self.stream = stream
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if let stream {
      inflateEnd(stream)
      stream.deallocate()
    }
  }

  /// The largest number of bytes that can come out (deflate packs at most 1032 to 1).
  var largestCount: Int {
    isCompressed ? storedCount.multipliedReportingOverflow(by: 1032).partialValue : storedCount
  }

  /// Fills `target`; returns fewer bytes only at a clean end.
  func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let base = target.baseAddress, target.count > 0 else { return 0 }
    return isCompressed
      ? try inflate(into: base, count: target.count) : try copy(into: base, count: target.count)
  }

  func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let done = try bytes.withUnsafeMutableBytes { try read(into: $0) }
    bytes.removeLast(count - done)
    return bytes
  }

  /// Zeros after the data that count as the padding of a tape or an object store: up to 1 MiB.
  static let paddingLimit = 1 << 20

  /// Makes sure that nothing but padding follows and that every checksum holds.
  func expectEnd() throws {
    let rest = try read(Self.paddingLimit + 1)
    if rest.count > Self.paddingLimit || rest.contains(where: { $0 != 0 }) {
      throw tooLong(rest.count > Self.paddingLimit ? "more" : "\(rest.count) bytes more")
    }
  }

  func tooLong(_ more: String) -> Failure {
    malformed("\(name): holds \(more) than its header says; the file is damaged or its header was edited")
  }

  private func copy(into base: UnsafeMutableRawPointer, count: Int) throws -> Int {
    var done = min(count, end - position)
    buffer.withUnsafeBytes { bytes in
      if done > 0, let source = bytes.baseAddress {
        base.copyMemory(from: source + position, byteCount: done)
      }
    }
    position += done
    while done < count && descriptor >= 0 {
      // Linux moves at most 2 GiB a call.
      let got = try readFile(into: base + done, min(count - done, 1 << 30))
      if got == 0 { break }
      done += got
    }
    return done
  }

  /// Reads the next stretch of the file into the buffer; false at its end.
  private func refill() throws -> Bool {
    guard descriptor >= 0 else { return false }
    (position, end) = (0, try buffer.withUnsafeMutableBytes { try readFile(into: $0.baseAddress, $0.count) })
    return end > 0
  }

  /// What the system gives of the file, no more than `count` bytes; 0 at its end.
  private func readFile(into base: UnsafeMutableRawPointer?, _ count: Int) throws -> Int {
    while true {
      let got = Glibc.read(descriptor, base, count)
      if got >= 0 { return got }
      if errno != EINTR { throw Failure.cannotRead(name, errno) }
    }
  }

  private func inflate(into base: UnsafeMutableRawPointer, count: Int) throws -> Int {
    guard let stream else { return 0 }
    var done = 0
    while done < count {
      // Archives fill up their blocks with zeros.
      if memberEnded { while position < end && buffer[position] == 0 { position += 1 } }
      if position == end, try !refill() {
        if memberEnded { return done }
        throw malformed(
          "\(name): the gzip data end too early (truncated file); copy it again from its source")
      }
      if memberEnded {
        if buffer[position] == 0 { continue }
        guard buffer[position] == 0x1F else { throw corrupt("incorrect header check") }
        // Another member may follow; anything else is rubbish after the end.
        if inflateReset(stream) != Z_OK { throw corrupt(nil) }
        memberEnded = false
      }
      let room = min(count - done, 1 << 30)
      let status = buffer.withUnsafeMutableBufferPointer { bytes in
        stream.pointee.next_in = bytes.baseAddress.map { $0 + position }
        stream.pointee.avail_in = UInt32(end - position)
        stream.pointee.next_out = (base + done).assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        return CZlib.inflate(stream, Z_NO_FLUSH)
      }
      position = end - Int(stream.pointee.avail_in)
      done += room - Int(stream.pointee.avail_out)
      switch status {
      case Z_OK, Z_BUF_ERROR: continue
      case Z_STREAM_END: memberEnded = true
      case Z_MEM_ERROR: throw Failure(.limit, "\(name): out of memory while decompressing")
      default: throw corrupt(stream.pointee.msg.map { String(cString: $0) })
      }
    }
    return done
  }

  private func corrupt(_ detail: String?) -> Failure {
    let detail =
      switch detail {
      case "incorrect data check"?: "its checksum (CRC-32) does not match the data"
      case "incorrect length check"?: "its length field does not match the data"
      case "incorrect header check"?: "something other than gzip follows the data"
      case let text?: text
      case nil: "invalid data"
      }
    return malformed("\(name): the gzip data are damaged: \(detail); copy the file again from its source")
  }
}
