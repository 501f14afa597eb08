import Foundation

/// The Castagnoli checksum (RFC 3720, appendix B.4), polynomial 0x1EDC6F41 bit-reversed, eight bytes at a time (Kounavis
/// and Berry 2005, slicing by eight).
package struct CRC32C {
  /// Row k holds what a byte does to the register when k zero bytes follow it, so that eight bytes go at once.
  private static let tables: [UInt32] = {
    var rows: [UInt32] = []
    for byte in 0..<UInt32(256) {
      var crc = byte
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
      rows.append(crc)
    }
    for index in 256..<2048 {
      let before = rows[index - 256]
      rows.append(before >> 8 ^ rows[Int(before & 0xFF)])
    }
    return rows
  }()

  private var register: UInt32

  /// - Parameter before: the checksum of what came before; 0 for nothing.
  package init(after before: UInt32 = 0) { register = ~before }

  /// Of all bytes taken in so far.
  package var value: UInt32 { ~register }

  /// Takes in more bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var crc = register
    CRC32C.tables.withUnsafeBufferPointer { table in
      func row(_ number: Int, _ byte: UInt64) -> UInt32 { table[number << 8 | Int(byte & 0xFF)] }
      var place = 0
      while place + 8 <= bytes.count {
        let next =
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)) ^ UInt64(crc)
        let low: UInt32 = row(7, next) ^ row(6, next >> 8) ^ row(5, next >> 16) ^ row(4, next >> 24)
        let high: UInt32 = row(3, next >> 32) ^ row(2, next >> 40) ^ row(1, next >> 48) ^ row(0, next >> 56)
        crc = low ^ high
        place += 8
      }
      while place < bytes.count {
        crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[place])]
        place += 1
      }
    }
    register = crc
  }

  /// The checksum of bytes that follow others with the checksum `before`.
  package static func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 {
    var crc = CRC32C(after: before)
    crc.update(bytes)
    return crc.value
  }

  package static func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }

  /// As files state it: eight hexadecimal digits.
  package static func hexadecimal(_ checksum: UInt32) -> String { String(format: "%08x", checksum) }

  /// As TFRecord stores it: a checksum of data that itself holds checksums would be weak.
  package static func masked(_ bytes: [UInt8]) -> UInt32 {
    let crc = checksum(bytes)
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }
}
