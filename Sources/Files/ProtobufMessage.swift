/// The bytes of a protocol buffer message; fields are added in the order of their numbers.
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  /// An integer; 0 is what a reader assumes of a missing field, so it is left out.
  mutating func add(_ field: UInt64, _ value: Int64) {
    if value == 0 { return }
    varint(field << 3)
    varint(UInt64(bitPattern: value))
  }

  mutating func add(_ field: UInt64, _ value: Double) {
    varint(field << 3 | 1)
    littleEndian(value.bitPattern)
  }

  mutating func add(_ field: UInt64, _ value: Float) {
    varint(field << 3 | 5)
    littleEndian(value.bitPattern)
  }

  mutating func add(_ field: UInt64, _ value: [UInt8]) {
    varint(field << 3 | 2)
    varint(UInt64(value.count))
    bytes += value
  }

  mutating func add(_ field: UInt64, _ value: String) { add(field, Array(value.utf8)) }

  mutating func add(_ field: UInt64, _ value: ProtobufMessage) { add(field, value.bytes) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func littleEndian(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}
