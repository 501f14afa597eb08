/// The voxel types this program reads and writes, by their NIfTI codes.
public enum Datatype: Int16, Sendable, CaseIterable, Hashable {
  case uint8 = 2
  case int16 = 4
  case int32 = 8
  case float32 = 16
  case float64 = 64
  case int8 = 256
  case uint16 = 512
  case uint32 = 768
  case int64 = 1024
  case uint64 = 1280

  /// Bytes of one voxel.
  public var size: Int {
    switch self {
    case .uint8, .int8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  public var isInteger: Bool { self != .float32 && self != .float64 }

  /// What the standard calls a type that is refused, or nil for a code it does not know.
  static func refused(_ code: Int) -> String? {
    switch code {
    case 1: "1-bit binary"
    case 32: "complex64"
    case 128: "RGB colour"
    case 1536: "float128"
    case 1792: "complex128"
    case 2048: "complex256"
    case 2304: "RGBA colour"
    default: nil
    }
  }
}
