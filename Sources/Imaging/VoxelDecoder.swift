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
        let what = "the data end before the last of \(output.count) voxels"
        throw malformed("\(source.name): is truncated: \(what); copy it again")
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
      words(
        raw.bindMemory(to: UInt32.self), output, plain: { Float(bitPattern: $0) },
        exact: { Double(Float(bitPattern: $0)) })
    case .float64:
      words(
        raw.bindMemory(to: UInt64.self), output, plain: { Float(Double(bitPattern: $0)) },
        exact: { Double(bitPattern: $0) })
    }
  }

  @inline(__always)
  private func integers<T: FixedWidthInteger>(
    _ stored: UnsafeMutableBufferPointer<T>, _ output: UnsafeMutableBufferPointer<Float>
  ) { words(stored, output, plain: { Float($0) }, exact: { Double($0) }) }

  /// - Parameters:
  ///   - plain: what a word stands for as it is.
  ///   - exact: the same where it is scaled yet.
  @inline(__always)
  private func words<T: FixedWidthInteger>(
    _ stored: UnsafeMutableBufferPointer<T>, _ output: UnsafeMutableBufferPointer<Float>,
    plain: (T) -> Float, exact: (T) -> Double
  ) {
    if swaps { for i in stored.indices { stored[i] = stored[i].byteSwapped } }
    if isScaled {
      for i in stored.indices { output[i] = Float(exact(stored[i]) * slope + intercept) }
    } else {
      for i in stored.indices { output[i] = plain(stored[i]) }
    }
  }
}
