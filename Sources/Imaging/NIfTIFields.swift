// The layouts of nifti1.h and nifti2.h.

extension NIfTIHeader.Version {
  /// Bytes of the fixed part.
  var size: Int { self == .one ? 348 : 540 }
  var magic: Int { self == .one ? 344 : 4 }
  var description: Int { self == .one ? 148 : 240 }
}

/// A numeric field: its place and type in either version.
struct NIfTIField {
  enum Kind { case uint8, int16, int32, int64, float32, float64 }

  let one: (offset: Int, kind: Kind)
  let two: (offset: Int, kind: Kind)

  init(_ one: Int, _ kindOne: Kind, _ two: Int, _ kindTwo: Kind) {
    self.one = (one, kindOne)
    self.two = (two, kindTwo)
  }

  static let headerSize = NIfTIField(0, .int32, 0, .int32)
  static let dimension = NIfTIField(40, .int16, 16, .int64)
  static let datatype = NIfTIField(70, .int16, 12, .int16)
  static let bitsPerVoxel = NIfTIField(72, .int16, 14, .int16)
  static let pixelDimension = NIfTIField(76, .float32, 104, .float64)
  static let voxelOffset = NIfTIField(108, .float32, 168, .int64)
  static let slope = NIfTIField(112, .float32, 176, .float64)
  static let intercept = NIfTIField(116, .float32, 184, .float64)
  static let units = NIfTIField(123, .uint8, 500, .int32)
  static let qformCode = NIfTIField(252, .int16, 344, .int32)
  static let sformCode = NIfTIField(254, .int16, 348, .int32)
  static let quaternion = NIfTIField(256, .float32, 352, .float64)
  static let qoffset = NIfTIField(268, .float32, 376, .float64)
  static let srow = NIfTIField(280, .float32, 400, .float64)
}

extension NIfTIField.Kind {
  var size: Int {
    switch self {
    case .uint8: 1
    case .int16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    }
  }
}

extension NIfTIHeader {
  private func raw(_ field: NIfTIField, _ index: Int) -> (bits: UInt64, kind: NIfTIField.Kind) {
    let (offset, kind) = version == .one ? field.one : field.two
    var bits: UInt64 = 0
    for byte in 0..<kind.size {
      let place = offset + index * kind.size + (isBigEndian ? byte : kind.size - 1 - byte)
      bits = bits << 8 | UInt64(bytes[place])
    }
    return (bits, kind)
  }

  func number(_ field: NIfTIField, _ index: Int = 0) -> Double {
    let (bits, kind) = raw(field, index)
    switch kind {
    case .float32: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .float64: return Double(bitPattern: bits)
    default: return Double(integer(field, index))
    }
  }

  /// An integer field's value; a field of real numbers has none and gives 0.
  func integer(_ field: NIfTIField, _ index: Int = 0) -> Int {
    let (bits, kind) = raw(field, index)
    switch kind {
    case .uint8: return Int(bits)
    case .int16: return Int(Int16(truncatingIfNeeded: bits))
    case .int32: return Int(Int32(truncatingIfNeeded: bits))
    case .int64: return Int(Int64(bitPattern: bits))
    case .float32, .float64: return 0
    }
  }

  /// Writes a number, into an integer field a whole one.
  mutating func set(_ field: NIfTIField, _ value: Double, _ index: Int = 0) {
    let (offset, kind) = version == .one ? field.one : field.two
    let bits =
      switch kind {
      case .float32: UInt64(Float(value).bitPattern)
      case .float64: value.bitPattern
      default: UInt64(bitPattern: Int64(value))
      }
    for byte in 0..<kind.size {
      let shift = 8 * (isBigEndian ? kind.size - 1 - byte : byte)
      bytes[offset + index * kind.size + byte] = UInt8(truncatingIfNeeded: bits >> UInt64(shift))
    }
  }

  mutating func set(_ field: NIfTIField, _ value: Int, _ index: Int = 0) { set(field, Double(value), index) }

  func text(_ offset: Int, _ size: Int) -> String {
    String(decoding: bytes[offset..<offset + size].prefix { $0 != 0 }, as: UTF8.self)
  }

  mutating func setText(_ text: String, _ offset: Int, _ size: Int) {
    var kept: [UInt8] = []
    for character in text {
      let next = Array(character.utf8)
      // One byte stays nought: many programs read these fields as C strings.
      if kept.count + next.count > size - 1 || next == [0] { break }
      kept += next
    }
    kept += [UInt8](repeating: 0, count: size - kept.count)
    bytes.replaceSubrange(offset..<offset + size, with: kept)
  }
}
