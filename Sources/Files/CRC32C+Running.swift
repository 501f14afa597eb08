import Foundation

extension CRC32C {
  /// `tables[256 * place + byte]`: what a byte adds that is followed by `7 - place` others.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 2048)
    for byte in 0..<256 {
      var crc = (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
      for place in (0..<8).reversed() {
        tables[place << 8 | byte] = crc
        crc = (0..<8).reduce(crc) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
      }
    }
    return tables
  }()

  /// The checksum of bytes that follow others with the checksum `before` (0 for none), eight bytes at a time
  /// (Kounavis and Berry 2005, slicing by eight).
  package static func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 {
    tables.withUnsafeBufferPointer { table in
      var crc = ~before
      var start = 0
      while start + 8 <= bytes.count {
        let word =
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)) ^ UInt64(crc)
        let low = table[Int(word & 0xFF)] ^ table[256 | Int(word >> 8 & 0xFF)]
        let second = table[512 | Int(word >> 16 & 0xFF)] ^ table[768 | Int(word >> 24 & 0xFF)]
        let third = table[1024 | Int(word >> 32 & 0xFF)] ^ table[1280 | Int(word >> 40 & 0xFF)]
        let high = table[1536 | Int(word >> 48 & 0xFF)] ^ table[1792 | Int(word >> 56)]
        crc = low ^ second ^ third ^ high
        start += 8
      }
      while start < bytes.count {
        crc = crc >> 8 ^ table[1792 | Int(UInt8(truncatingIfNeeded: crc) ^ bytes[start])]
        start += 1
      }
      return ~crc
    }
  }

  /// As files state it: eight hexadecimal digits.
  package static func hexadecimal(_ checksum: UInt32) -> String { String(format: "%08x", checksum) }
}
