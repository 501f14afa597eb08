import CZlib
import Failures
import Files
import Foundation

extension NIfTI {
  /// Deflate effort for `.nii.gz` unless told otherwise.
  public static let defaultCompressionLevel = 6

  /// Writes a volume, atomically; gzip if the name ends in `.gz`.
  ///
  /// With `header`, the file has that header's version, byte order and every geometry field, byte for byte, provided
  /// the volume lies on its grid (`Grid.matches`); on another grid the geometry is written anew. Nothing else of the
  /// header comes along (`NIfTIHeader.geometryAlone()`): its names, dates and extensions are the patient's.
  /// Integer types store whole numbers in range as they are and other values with a slope.
  /// - Parameters:
  ///   - description: `descrip`, cut to 79 bytes between characters; nil leaves it empty.
  ///   - replacing: whether an existing file of that name may be replaced.
  ///   - beforeCommit: called when all is written, before the file gets its name, and may throw.
  /// - Throws: `Failure` of kind `cannotWrite`; of kind `numerical` for NaN or infinity in an integer type.
  public static func write(
    _ volume: Volume, like header: NIfTIHeader? = nil, as datatype: Datatype = .float32,
    description: String? = nil, to path: String, level: Int = defaultCompressionLevel,
    replacing: Bool = true, threads: Int = Parallel.coreCount, beforeCommit: () throws -> Void = {}
  ) throws {
    let isCompressed = path.lowercased().hasSuffix(".gz")
    guard isCompressed || path.lowercased().hasSuffix(".nii") else {
      throw Failure(.cannotWrite, "\(path): a volume's name ends in .nii or .nii.gz")
    }
    let encoder = try encoder(volume, like: header, as: datatype, description: description, name: path)
    let file = try AtomicFile(path, replacing: replacing)
    try encoder.encode(compressed: isCompressed, level: level, threads: threads) { try file.append($0) }
    // What is done before and this have next to no time between them.
    try file.flush()
    try beforeCommit()
    try file.commit()
  }

  /// The bytes of the file that `write` would make.
  package static func encoded(
    _ volume: Volume, like header: NIfTIHeader? = nil, as datatype: Datatype = .float32,
    description: String? = nil, compressed: Bool, level: Int = defaultCompressionLevel, threads: Int = 1
  ) throws -> [UInt8] {
    let encoder = try encoder(volume, like: header, as: datatype, description: description, name: "volume")
    var bytes: [UInt8] = []
    try encoder.encode(compressed: compressed, level: level, threads: threads) { bytes += $0 }
    return bytes
  }

  private static func encoder(
    _ volume: Volume, like header: NIfTIHeader?, as datatype: Datatype, description: String?, name: String
  ) throws -> VoxelEncoder {
    var new = header?.geometryAlone() ?? NIfTIHeader(grid: volume.grid, datatype: datatype)
    // An axis that a NIfTI-1 header cannot count asks for a fresh header of the second version.
    if new.version == .one && volume.dimensions.max() > 32767 { new = NIfTIHeader(grid: volume.grid) }
    if !new.grid.matches(volume.grid) { new.place(on: volume.grid) }
    new.datatype = datatype
    if let description { new.description = description }
    new.scaling = datatype.isInteger ? try datatype.scaling(for: volume.voxels, name: name) : (1, 0)
    return VoxelEncoder(
      voxels: volume.voxels, header: new, slope: new.scaling?.slope ?? 1,
      intercept: new.scaling?.intercept ?? 0)
  }
}

/// Floats to stored voxels, in blocks that are compressed side by side.
struct VoxelEncoder: Sendable {
  let voxels: [Float]
  let header: NIfTIHeader
  let slope: Double
  let intercept: Double

  private static let blockSize = 1 << 20

  func encode(compressed: Bool, level: Int, threads: Int, _ emit: ([UInt8]) throws -> Void) throws {
    let head = header.stored
    let perBlock = Self.blockSize / header.datatype.size
    let blocks = (voxels.count + perBlock - 1) / perBlock
    let group = max(1, threads) * 4
    var checksum = head.withUnsafeBytes { Gzip.checksum($0) }
    if compressed {
      try emit(Gzip.header)
      try emit(
        head.withUnsafeBytes {
          try Gzip.deflated(
            $0, after: UnsafeRawBufferPointer(start: nil, count: 0), level: level, isLast: false)
        })
    } else {
      try emit(head)
    }
    for first in stride(from: 0, to: blocks, by: group) {
      let count = min(group, blocks - first)
      var parts = [(bytes: [UInt8], checksum: UInt, length: Int)](repeating: ([], 0, 0), count: count)
      try parts.withUnsafeMutableBufferPointer { parts in
        nonisolated(unsafe) let parts = parts
        try Parallel.forEach(count: count, threads: threads) { index in
          let start = (first + index) * perBlock
          let range = start..<min(start + perBlock, voxels.count)
          let raw = stored(range)
          guard compressed else {
            parts[index] = (raw, 0, raw.count)
            return
          }
          let before = stored(max(0, start - Gzip.window / header.datatype.size)..<start)
          let bytes = try raw.withUnsafeBytes { raw in
            try before.withUnsafeBytes {
              try Gzip.deflated(raw, after: $0, level: level, isLast: range.upperBound == voxels.count)
            }
          }
          parts[index] = (bytes, raw.withUnsafeBytes { Gzip.checksum($0) }, raw.count)
        }
      }
      for part in parts {
        try emit(part.bytes)
        checksum = crc32_combine(checksum, part.checksum, part.length)
      }
    }
    if compressed {
      try emit(Gzip.trailer(crc: checksum, length: head.count + voxels.count * header.datatype.size))
    }
  }

  private func stored(_ range: Range<Int>) -> [UInt8] {
    switch header.datatype {
    case .uint8: integers(range, UInt8.self)
    case .int8: integers(range, Int8.self)
    case .uint16: integers(range, UInt16.self)
    case .int16: integers(range, Int16.self)
    case .uint32: integers(range, UInt32.self)
    case .int32: integers(range, Int32.self)
    case .uint64: integers(range, UInt64.self)
    case .int64: integers(range, Int64.self)
    case .float32: words(range) { $0.bitPattern }
    case .float64: words(range) { Double($0).bitPattern }
    }
  }

  @inline(__always)
  private func words<T: FixedWidthInteger>(_ range: Range<Int>, _ word: (Float) -> T) -> [UInt8] {
    let size = MemoryLayout<T>.size
    let swaps = header.isBigEndian == (1.littleEndian == 1)
    return [UInt8](unsafeUninitializedCapacity: range.count * size) { output, count in
      let target = UnsafeMutableRawBufferPointer(output)
      voxels.withUnsafeBufferPointer { voxels in
        for (place, index) in range.enumerated() {
          let value = word(voxels[index])
          target.storeBytes(of: swaps ? value.byteSwapped : value, toByteOffset: place * size, as: T.self)
        }
      }
      count = range.count * size
    }
  }

  @inline(__always)
  private func integers<T: FixedWidthInteger>(_ range: Range<Int>, _ type: T.Type) -> [UInt8] {
    let limits = header.datatype.range
    let plain = slope == 1 && intercept == 0
    return words(range) { value in
      let stored = plain ? Double(value) : (Double(value) - intercept) / slope
      return T(min(max(stored.rounded(.toNearestOrEven), limits.lowerBound), limits.upperBound))
    }
  }
}

extension Datatype {
  /// The range of an integer type.
  var range: ClosedRange<Double> {
    switch self {
    case .uint8: 0...255
    case .int8: -128...127
    case .uint16: 0...65535
    case .int16: -32768...32767
    case .uint32: 0...4_294_967_295
    case .int32: -2_147_483_648...2_147_483_647
    case .uint64: 0...0x1p64.nextDown
    case .int64: -0x1p63...0x1p63.nextDown
    case .float32, .float64: -Double.infinity...Double.infinity
    }
  }

  /// Slope and intercept under which an integer type holds the values: none for whole numbers in range,
  /// otherwise the values' range spread over 16 bits, or over all an 8-bit type has.
  func scaling(for voxels: [Float], name: String) throws -> (slope: Double, intercept: Double) {
    var (lowest, highest) = (Float.infinity, -Float.infinity)
    var isWhole = true
    var infinite = 0
    for value in voxels {
      if value.isFinite {
        lowest = min(lowest, value)
        highest = max(highest, value)
        isWhole = isWhole && value == value.rounded(.towardZero)
      } else {
        infinite += 1
      }
    }
    if infinite > 0 {
      throw Failure(.numerical, "\(name): \(infinite) voxels are NaN or infinite, which \(self) cannot hold")
    }
    let (low, high) = (Double(lowest), Double(highest))
    if isWhole && range.contains(low) && range.contains(high) || voxels.isEmpty { return (1, 0) }
    if low == high { return (1, low) }
    let steps = size == 1 ? 255.0 : 65535.0
    let bottom = self == .int8 ? -128.0 : self == .int16 ? -32768.0 : 0.0
    let slope = (high - low) / steps
    return (slope, low - bottom * slope)
  }
}
