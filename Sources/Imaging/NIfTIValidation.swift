import Failures
import Foundation

extension NIfTIHeader {
  /// Recognises the first bytes of a file.
  static func identify(_ head: [UInt8], name: String) throws -> (version: Version, isBigEndian: Bool) {
    func size(bigEndian: Bool) -> UInt32 {
      head.prefix(4).enumerated().reduce(0) {
        $0 | UInt32($1.element) << (8 * (bigEndian ? 3 - $1.offset : $1.offset))
      }
    }
    guard head.count >= 348 else {
      throw Failure(
        .malformed, "\(name): is not NIfTI: it holds \(head.count) bytes, fewer than the 348 of a header")
    }
    for bigEndian in [false, true] {
      switch size(bigEndian: bigEndian) {
      case 348:
        let magic = Array(head[344..<348])
        if magic == Array("n+1\0".utf8) { return (.one, bigEndian) }
        if magic == Array("ni1\0".utf8) { throw pair(name) }
        throw Failure(
          .malformed,
          "\(name): is an Analyze 7.5 header or a damaged NIfTI one (no \"n+1\" mark); convert it to .nii.gz, "
            + "for left and right are not certain without it")
      case 540:
        let magic = Array(head[4..<12])
        if magic == Array("n+2\0\r\n\u{1A}\n".utf8) { return (.two, bigEndian) }
        if magic.prefix(4) == Array("ni2\0".utf8)[...] { throw pair(name) }
        throw Failure(.malformed, "\(name): is a damaged NIfTI-2 header: its mark is not \"n+2\"")
      default: continue
      }
    }
    throw Failure(.malformed, "\(name): is not NIfTI (its first number is neither 348 nor 540)")
  }

  private static func pair(_ name: String) -> Failure {
    Failure(
      .malformed,
      "\(name): is a .hdr/.img pair; convert it to one .nii.gz file (for example with nib-convert)")
  }

  func checkDatatype(_ name: String) throws {
    let code = integer(.datatype)
    guard let type = Datatype(rawValue: Int16(truncatingIfNeeded: code)) else {
      let what = Datatype.refused(code).map { "\($0) voxels" } ?? "an unknown voxel type (code \(code))"
      throw Failure(
        .malformed,
        "\(name): holds \(what); only real integer and 32- or 64-bit floating-point scans are read")
    }
    let bits = integer(.bitsPerVoxel)
    if bits != 8 * type.size {
      throw Failure(
        .malformed,
        "\(name): header contradicts itself: \(type) voxels have \(8 * type.size) bits, not \(bits)")
    }
    let (slope, intercept) = (number(.slope), number(.intercept))
    if !slope.isFinite || (slope != 0 && !intercept.isFinite) {
      throw Failure(
        .malformed,
        "\(name): its intensity scaling is not a number (scl_slope \(slope), scl_inter \(intercept))")
    }
  }

  func checkedDimensions(_ name: String) throws -> SIMD3<Int> {
    let sizes = dimensions
    let count = sizes[0]
    guard (1...7).contains(count) else {
      throw Failure(.malformed, "\(name): header says \(count) dimensions; 1 to 7 are possible")
    }
    let shape = sizes[1...count].map(String.init).joined(separator: "x")
    for axis in 1...count where sizes[axis] < 1 {
      throw Failure(.malformed, "\(name): is empty: header says \(shape) voxels")
    }
    var volumes = 1
    for axis in 4..<8 where axis <= count {
      let (product, overflow) = volumes.multipliedReportingOverflow(by: sizes[axis])
      volumes = overflow ? Int.max : product
    }
    if volumes > 1 {
      throw Failure(
        .malformed,
        "\(name): holds \(volumes) volumes (\(shape)), one is needed; take one out, for example with fslroi or "
          + "mrconvert -coord")
    }
    func size(_ axis: Int) -> Int { axis <= count ? sizes[axis] : 1 }
    return [size(1), size(2), size(3)]
  }

  func checkedAffine(_ name: String) throws -> Affine {
    let scale = units.millimetres
    let affine: Affine
    let source: String
    if sformCode > 0 {
      func row(_ r: Int) -> SIMD4<Double> {
        SIMD4((0..<4).map { number(.srow, 4 * r + $0) }) * scale
      }
      affine = Affine(row(0), row(1), row(2))
      source = "sform"
    } else {
      var spacing = SIMD3<Double>.one
      for axis in 0..<3 {
        // Sizes that are nought or negative occur in old files; nibabel repairs them the same way.
        let size = abs(number(.pixelDimension, axis + 1))
        spacing[axis] = (size == 0 ? 1 : size) * scale
      }
      if qformCode > 0 {
        let (b, c, d) = (number(.quaternion, 0), number(.quaternion, 1), number(.quaternion, 2))
        let square = b * b + c * c + d * d
        guard square <= 1 + 1e-4 else {
          throw Failure(
            .malformed,
            "\(name): its qform is not a rotation (quaternion \(b), \(c), \(d)); set it anew from a source"
              + " that is right")
        }
        let rotation = Quaternion(b: b, c: c, d: d, handedness: number(.pixelDimension, 0) < 0 ? -1 : 1)
        let origin = SIMD3((0..<3).map { number(.qoffset, $0) }) * scale
        affine = Affine(rotation, spacing: spacing, origin: origin)
        source = "qform"
      } else {
        affine = Affine(spacing: spacing)
        source = "voxel size"
      }
    }
    guard affine.isFinite else {
      throw Failure(.malformed, "\(name): its \(source) holds a value that is not a finite number")
    }
    guard affine.isInvertible, affine.spacing.min() > 1e-6, affine.spacing.max() < 1e6 else {
      throw Failure(
        .malformed,
        "\(name): its \(source) places no volume in space (voxels of \(affine.spacing.millimetres) mm whose axes "
          + "do not span three directions)")
    }
    return affine
  }
}
