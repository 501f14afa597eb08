import Failures

/// Stored voxels to 32-bit floats, block by block, so that the raw bytes are still in cache when they are converted.
struct VoxelDecoder {
  private let datatype: Datatype
  private let swaps: Bool
  private let slope: Double
  private let intercept: Double
  private var isScaled: Bool { slope != 1 || intercept != 0 }

  private static let blockSize = 1 << 18

  init(_ header: NIfTIHeader) {
    datatype = header.datatype
    swaps = header.isBigEndian == (1.littleEndian == 1)
    (slope, intercept) = header.scaling ?? (1, 0)
  }

  func decode(_ source: ByteSource, into output: UnsafeMutableBufferPointer<Float>) throws {
    let size = datatype.size
    func fill(_ target: UnsafeMutableRawBufferPointer) throws {
      guard try source.read(into: target) == target.count else {
        throw Failure(
          .malformed,
          "\(source.name): is truncated: the data end before the last of \(output.count) voxels; copy it again"
        )
      }
    }
    if datatype == .float32 && !swaps && !isScaled {
      return try fill(UnsafeMutableRawBufferPointer(output))
    }
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.blockSize, alignment: 64)
    defer { block.deallocate() }
    var done = 0
    while done < output.count {
      let count = min(output.count - done, Self.blockSize / size)
      let raw = UnsafeMutableRawBufferPointer(rebasing: block[..<(count * size)])
      try fill(raw)
      convert(raw, UnsafeMutableBufferPointer(rebasing: output[done..<done + count]))
      done += count
    }
  }

  private func convert(_ raw: UnsafeMutableRawBufferPointer, _ output: UnsafeMutableBufferPointer<Float>) {
    switch datatype {
    case .uint8: integers(raw.bindMemory(to: UInt8.self), output)
    case .int8: integers(raw.bindMemory(to: Int8.self), output)
    case .uint16: integers(raw.bindMemory(to: UInt16.self), output)
    case .int16: integers(raw.bindMemory(to: Int16.self), output)
    case .uint32: integers(raw.bindMemory(to: UInt32.self), output)
    case .int32: integers(raw.bindMemory(to: Int32.self), output)
    case .uint64: integers(raw.bindMemory(to: UInt64.self), output)
    case .int64: integers(raw.bindMemory(to: Int64.self), output)
    case .float32:
      let bits = raw.bindMemory(to: UInt32.self)
      if swaps { for i in bits.indices { bits[i] = bits[i].byteSwapped } }
      if isScaled {
        for i in bits.indices { output[i] = scaled(Double(Float(bitPattern: bits[i]))) }
      } else {
        for i in bits.indices { output[i] = Float(bitPattern: bits[i]) }
      }
    case .float64:
      let bits = raw.bindMemory(to: UInt64.self)
      if swaps { for i in bits.indices { bits[i] = bits[i].byteSwapped } }
      if isScaled {
        for i in bits.indices { output[i] = scaled(Double(bitPattern: bits[i])) }
      } else {
        for i in bits.indices { output[i] = Float(Double(bitPattern: bits[i])) }
      }
    }
  }

  @inline(__always)
  private func scaled(_ value: Double) -> Float { Float(value * slope + intercept) }

  @inline(__always)
  private func integers<T: FixedWidthInteger>(
    _ stored: UnsafeMutableBufferPointer<T>, _ output: UnsafeMutableBufferPointer<Float>
  ) {
    if swaps { for i in stored.indices { stored[i] = stored[i].byteSwapped } }
    if isScaled {
      for i in stored.indices { output[i] = scaled(Double(stored[i])) }
    } else {
      for i in stored.indices { output[i] = Float(stored[i]) }
    }
  }
}
