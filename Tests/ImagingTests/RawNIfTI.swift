import CZlib
import Imaging

/// A NIfTI file built field by field, apart from the program's own writer.
struct RawNIfTI {
  var version = 1
  var bigEndian = false
  var sizes = [3, 5, 4, 3, 1, 1, 1, 1]
  var datatype = 16
  var bits = 32
  var pixdim: [Double] = [1, 1, 2, 3, 0, 0, 0, 0]
  var offset: Double?
  var slope = 1.0
  var intercept = 0.0
  var units = 2
  var qformCode = 0
  var sformCode = 0
  var quaternion = [0.0, 0.0, 0.0]
  var qoffset = [0.0, 0.0, 0.0]
  var srow: [Double] = [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0]
  var extensions: [UInt8] = [0, 0, 0, 0]
  var magic: [UInt8]?
  var data: [UInt8] = []

  /// Stores numbers in the datatype.
  mutating func store(_ values: [Double]) {
    data = values.flatMap { value -> [UInt8] in
      switch datatype {
      case 2: [UInt8(value)]
      case 256: [UInt8(bitPattern: Int8(value))]
      case 4: word(Int16(value))
      case 512: word(UInt16(value))
      case 8: word(Int32(value))
      case 768: word(UInt32(value))
      case 1024: word(Int64(value))
      case 1280: word(UInt64(value))
      case 16: word(Float(value).bitPattern)
      default: word(value.bitPattern)
      }
    }
  }

  mutating func use(_ type: Datatype) {
    datatype = Int(type.rawValue)
    bits = 8 * type.size
  }

  private func word<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: bigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
  }

  private func int(_ value: Int, _ wide: Bool) -> [UInt8] {
    wide ? word(Int64(value)) : word(Int16(truncatingIfNeeded: value))
  }

  private func real(_ value: Double) -> [UInt8] {
    version == 2 ? word(value.bitPattern) : word(Float(value).bitPattern)
  }

  var header: [UInt8] {
    let two = version == 2
    var bytes = [UInt8](repeating: 0, count: two ? 540 : 348)
    func put(_ one: Int, _ second: Int, _ value: [UInt8]) {
      let place = two ? second : one
      bytes.replaceSubrange(place..<place + value.count, with: value)
    }
    put(0, 0, word(Int32(bytes.count)))
    put(344, 4, magic ?? (two ? [0x6E, 0x2B, 0x32, 0, 13, 10, 26, 10] : [0x6E, 0x2B, 0x31, 0]))
    put(40, 16, sizes.flatMap { int($0, two) })
    put(70, 12, word(Int16(datatype)))
    put(72, 14, word(Int16(bits)))
    put(76, 104, pixdim.flatMap { real($0) })
    let offset = offset ?? Double(bytes.count + extensions.count)
    put(108, 168, two ? word(Int64(offset)) : real(offset))
    put(112, 176, real(slope))
    put(116, 184, real(intercept))
    put(123, 500, two ? word(Int32(units)) : [UInt8(units)])
    put(252, 344, two ? word(Int32(qformCode)) : word(Int16(qformCode)))
    put(254, 348, two ? word(Int32(sformCode)) : word(Int16(sformCode)))
    put(256, 352, quaternion.flatMap { real($0) })
    put(268, 376, qoffset.flatMap { real($0) })
    put(280, 400, srow.flatMap { real($0) })
    return bytes
  }

  var bytes: [UInt8] { header + extensions + data }

  /// Where a header keeps dimensions, voxel sizes, units, codes, qform and sform.
  static func geometry(_ header: [UInt8]) -> [ArraySlice<UInt8>] {
    header[0] == 0x5C || header[3] == 0x5C
      ? [header[40..<56], header[76..<108], header[123..<124], header[252..<328]]
      : [header[16..<80], header[104..<168], header[500..<504], header[344..<496]]
  }

  mutating func place(_ affine: Affine, sform: Int, qform: Int) {
    sformCode = sform
    qformCode = qform
    let size = affine.spacing
    for axis in 0..<3 { pixdim[axis + 1] = size[axis] }
    srow = (0..<12).map { affine.rows[$0 / 4][$0 % 4] }
    if let rotation = affine.quaternion() {
      pixdim[0] = rotation.handedness
      quaternion = [rotation.b, rotation.c, rotation.d]
    }
    qoffset = (0..<3).map { affine.origin[$0] }
  }
}

/// A gzip member around bytes, by zlib.
func gzip(_ bytes: [UInt8], level: Int32 = 6) -> [UInt8] {
  let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  stream.initialize(to: z_stream())
  defer { stream.deallocate() }
  deflateInit2_(
    stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  defer { deflateEnd(stream) }
  var input = bytes
  var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, UInt(bytes.count))) + 64)
  let count = input.withUnsafeMutableBufferPointer { input in
    output.withUnsafeMutableBufferPointer { output in
      stream.pointee.next_in = input.baseAddress
      stream.pointee.avail_in = UInt32(input.count)
      stream.pointee.next_out = output.baseAddress
      stream.pointee.avail_out = UInt32(output.count)
      deflate(stream, Z_FINISH)
      return output.count - Int(stream.pointee.avail_out)
    }
  }
  return Array(output[..<count])
}
