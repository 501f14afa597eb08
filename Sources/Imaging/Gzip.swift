import CZlib
import Failures

/// RFC 1952 in one member, compressed in blocks on several threads. The bytes depend on the level alone: not on
/// the number of threads, the clock or the file's name.
struct Gzip {
  static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
  /// How far back deflate can refer, in bytes.
  static let window = 32768

  /// One block's deflate stream, not yet ended unless `isLast`; `dictionary` is what came just before it.
  static func deflated(
    _ block: UnsafeRawBufferPointer, after dictionary: UnsafeRawBufferPointer, level: Int, isLast: Bool
  ) throws -> [UInt8] {
    // zlib keeps a pointer to the stream inside its state: it must not move.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    let size = Int32(MemoryLayout<z_stream>.size)
    guard
      deflateInit2_(stream, Int32(level), Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
    else { throw Failure(.limit, "out of memory while compressing") }
    defer { deflateEnd(stream) }
    if let base = dictionary.baseAddress, dictionary.count > 0 {
      deflateSetDictionary(stream, base.assumingMemoryBound(to: UInt8.self), UInt32(dictionary.count))
    }
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: block.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(block.count)
    let room = Int(deflateBound(stream, UInt(block.count))) + 64
    return [UInt8](unsafeUninitializedCapacity: room) { output, count in
      stream.pointee.next_out = output.baseAddress
      stream.pointee.avail_out = UInt32(room)
      deflate(stream, isLast ? Z_FINISH : Z_SYNC_FLUSH)
      count = room - Int(stream.pointee.avail_out)
    }
  }

  /// CRC-32 and length modulo 2^32, as the member ends.
  static func trailer(crc: UInt, length: Int) -> [UInt8] {
    [UInt32(truncatingIfNeeded: crc), UInt32(truncatingIfNeeded: length)].flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
  }

  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return crc32(0, nil, 0) }
    return crc32_z(0, base.assumingMemoryBound(to: UInt8.self), bytes.count)
  }
}
