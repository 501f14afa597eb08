import Failures
import Imaging

/// A file of labels in LPS order, whatever the order in the file.
struct LabelFile {
  let codes: [UInt16]
  let dimensions: SIMD3<Int>
  let spacing: SIMD3<Float>
  /// Of the first voxel, in mm to the left, posterior and superior.
  let origin: SIMD3<Float>

  /// Throws `.malformed` where a file holds anything but whole numbers from 0, and what `NIfTI.read` throws.
  init(path: String) throws {
    let volume = try NIfTI.read(path: path).volume
    let own = volume.orientation
    let sides = volume.dimensions
    let strides = SIMD3(1, sides.x, sides.x * sides.y)
    var (size, step, edges, start) = (SIMD3<Int>.zero, SIMD3<Int>.zero, SIMD3<Float>.zero, 0)
    var first = SIMD3<Double>.zero
    let spacing = volume.affine.spacing
    for axis in 0..<3 {
      guard let from = (0..<3).first(where: { own.axes[$0] == axis }) else { continue }
      size[axis] = sides[from]
      edges[axis] = Float(spacing[from])
      let isReversed = own.signs[from] != Orientation.lps.signs[axis]
      step[axis] = isReversed ? -strides[from] : strides[from]
      if isReversed {
        start += strides[from] * (sides[from] - 1)
        first[from] = Double(sides[from] - 1)
      }
    }
    let world = volume.affine(first)
    origin = [-Float(world.x), -Float(world.y), Float(world.z)]
    var isWhole = true
    codes = [UInt16](unsafeUninitializedCapacity: volume.voxels.count) { output, count in
      volume.voxels.withUnsafeBufferPointer { input in
        var to = 0
        for k in 0..<size.z {
          for j in 0..<size.y {
            var from = start + k * step.z + j * step.y
            for _ in 0..<size.x {
              let value = input[from]
              let code = value >= 0 && value < 65536 ? UInt16(value) : 0
              isWhole = isWhole && Float(code) == value
              output[to] = code
              to += 1
              from += step.x
            }
          }
        }
      }
      count = volume.voxels.count
    }
    guard isWhole else {
      throw Failure(
        .malformed, "\(path): is no label map: its voxels are not all whole numbers from 0 to 65535")
    }
    (dimensions, self.spacing) = (size, edges)
  }

  /// The codes there are, 0 left out.
  func present() -> Set<Int> {
    var table = [Int](repeating: 0, count: 65536)
    table.withUnsafeMutableBufferPointer { table in
      codes.withUnsafeBufferPointer { for code in $0 { table[Int(code)] += 1 } }
    }
    return Set(table.indices.filter { $0 > 0 && table[$0] > 0 })
  }

  /// The map of tissues. Where voxels are finer than `finest` mm, every second one is taken along that axis.
  /// - Throws: `.malformed` for codes that the convention does not have.
  func labels(_ codes: LabelCodes, of present: Set<Int>, finest: Float, name: String) throws -> LabelMap {
    let unknown = present.filter { codes.tissue($0) == nil }.sorted()
    guard unknown.isEmpty else {
      let some = unknown.prefix(8).map(String.init).joined(separator: ", ")
      throw Failure(
        .malformed,
        "\(name): unknown code\(unknown.count > 1 ? "s" : "") \(some)\(unknown.count > 8 ? ", ..." : "") among "
          + "those of \(codes.rawValue); leave the map out or give these voxels a known code")
    }
    var table = [UInt8](repeating: 0, count: 65536)
    for code in present { table[code] = codes.tissue(code) ?? 0 }
    return table.withUnsafeBufferPointer { table in map(finest: finest) { table[Int($0)] } }
  }

  @inline(__always)
  func map(finest: Float, _ value: (UInt16) -> UInt8) -> LabelMap {
    var stride = SIMD3<Int>.one
    for axis in 0..<3 where spacing[axis] < finest { stride[axis] = 2 }
    let size = (dimensions &+ stride &- 1) / stride
    let total = size.x * size.y * size.z
    let voxels = [UInt8](unsafeUninitializedCapacity: total) { output, count in
      codes.withUnsafeBufferPointer { codes in
        var to = 0
        for k in 0..<size.z {
          for j in 0..<size.y {
            let start = dimensions.x * (stride.y * j + dimensions.y * stride.z * k)
            for i in 0..<size.x { output[to + i] = value(codes[start + stride.x * i]) }
            to += size.x
          }
        }
      }
      count = total
    }
    let scale = SIMD3<Float>(Float(stride.x), Float(stride.y), Float(stride.z))
    return LabelMap(dimensions: size, spacing: spacing * scale, voxels: voxels)
  }
}

extension LabelMap {
  /// The box of what is not 0; nil where all is.
  func cropped() -> (labels: LabelMap, low: SIMD3<Int>)? {
    var (low, high) = (dimensions, SIMD3<Int>(repeating: -1))
    voxels.withUnsafeBufferPointer { voxels in
      for k in 0..<dimensions.z {
        for j in 0..<dimensions.y {
          let start = dimensions.x * (j + dimensions.y * k)
          var any: UInt8 = 0
          for at in start..<start + dimensions.x { any |= voxels[at] }
          guard any != 0 else { continue }
          for i in 0..<dimensions.x where voxels[start + i] != 0 {
            low = pointwiseMin(low, [i, j, k])
            high = pointwiseMax(high, [i, j, k])
          }
        }
      }
    }
    guard high.x >= 0 else { return nil }
    let size = high &- low &+ 1
    var kept: [UInt8] = []
    for k in low.z...high.z {
      for j in low.y...high.y {
        let start = index(low.x, j, k)
        kept.append(contentsOf: voxels[start..<start + size.x])
      }
    }
    return (LabelMap(dimensions: size, spacing: spacing, voxels: kept), low)
  }
}
