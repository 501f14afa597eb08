extension Safetensors {
  /// What one element is; the raw value is the format's own name.
  public enum DataType: String, Sendable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u64 = "U64"
    case u32 = "U32"
    case u16 = "U16"
    case u8 = "U8"
    case bool = "BOOL"

    /// Bytes an element takes.
    public var size: Int {
      switch self {
      case .f64, .i64, .u64: 8
      case .f32, .i32, .u32: 4
      case .f16, .bf16, .i16, .u16: 2
      case .i8, .u8, .bool: 1
      }
    }

    /// The bytes of a tensor of this shape; nil where an extent is negative or the product overflows.
    package func byteCount(of shape: [Int]) -> Int? {
      shape.reduce(size) { total, extent in
        guard let total, extent >= 0 else { return nil }
        let (product, overflow) = total.multipliedReportingOverflow(by: extent)
        return overflow ? nil : product
      }
    }
  }
}

/// A Swift number that lies in a safetensors file as it lies in memory.
public protocol SafetensorsElement: BitwiseCopyable, Sendable {
  static var safetensorsType: Safetensors.DataType { get }
}

extension Double: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .f64 } }
extension Float: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .f32 } }
extension Int: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i64 } }
extension Int64: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i64 } }
extension Int32: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i32 } }
extension Int16: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i16 } }
extension Int8: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i8 } }
extension UInt64: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .u64 } }
extension UInt32: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .u32 } }
extension UInt16: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .u16 } }
extension UInt8: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .u8 } }
