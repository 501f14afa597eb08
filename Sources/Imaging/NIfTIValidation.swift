import Failures
import Foundation

/// An input that is not what it should be.
func malformed(_ message: String) -> Failure { Failure(.malformed, message) }

extension NIfTIHeader {
  /// Recognises the first bytes of a file.
  static func identify(_ head: [UInt8], name: String) throws -> (version: Version, isBigEndian: Bool) {
    func size(bigEndian: Bool) -> UInt32 {
      head.prefix(4).enumerated().reduce(0) {
        $0 | UInt32($1.element) << (8 * (bigEndian ? 3 - $1.offset : $1.offset))
      }
    }
    if let format = otherFormat(head, name: name) {
      throw malformed("\(name): is not NIfTI: \(format)")
    }
    guard head.count >= 348 else {
      throw malformed("\(name): is not NIfTI: it holds \(head.count) bytes, fewer than the 348 of a header")
    }
    for bigEndian in [false, true] {
      switch size(bigEndian: bigEndian) {
      case 348:
        let magic = Array(head[344..<348])
        if magic == Array("n+1\0".utf8) { return (.one, bigEndian) }
        if magic == Array("ni1\0".utf8) { throw pair(name) }
        throw malformed(
          "\(name): is an Analyze 7.5 header or a damaged NIfTI one (no \"n+1\" mark); convert it to .nii.gz, "
            + "for left and right are not certain without it")
      case 540:
        let magic = Array(head[4..<12])
        if magic == Array("n+2\0\r\n\u{1A}\n".utf8) { return (.two, bigEndian) }
        if magic.prefix(4) == Array("ni2\0".utf8)[...] { throw pair(name) }
        throw malformed("\(name): is a damaged NIfTI-2 header: its mark is not \"n+2\"")
      default: continue
      }
    }
    throw malformed("\(name): is not NIfTI (its first number is neither 348 nor 540)")
  }

  /// What else people give, by its first bytes, and how it becomes NIfTI.
  private static func otherFormat(_ head: [UInt8], name: String) -> String? {
    func holds(_ mark: String, at place: Int = 0) -> Bool { head.dropFirst(place).starts(with: mark.utf8) }
    if holds("DICM", at: 128) { return "it is DICOM; convert the series with dcm2niix" }
    if holds("NRRD") { return "it is NRRD; convert it, for example with 3D Slicer" }
    if holds("ObjectType =") || holds("NDims =") {
      return "it is MetaImage; convert it, for example with SimpleITK"
    }
    if head.starts(with: [0, 0, 0, 1]) && name.lowercased().contains(".mg") {
      return "it is FreeSurfer's MGH; convert it with mri_convert"
    }
    if holds("CDF") || head.starts(with: [0x89, 0x48, 0x44, 0x46]) {
      return "it is MINC or HDF5; convert it with mnc2nii"
    }
    let lowercased = name.lowercased()
    if lowercased.hasSuffix(".img") || lowercased.hasSuffix(".img.gz") {
      return "it is the voxels of a .hdr/.img pair; convert the pair to one .nii.gz file (for example with"
        + " nib-convert)"
    }
    return nil
  }

  private static func pair(_ name: String) -> Failure {
    malformed(
      "\(name): is a .hdr/.img pair; convert it to one .nii.gz file (for example with nib-convert)")
  }

  func checkDatatype(_ name: String) throws {
    let code = integer(.datatype)
    guard let type = Datatype(rawValue: Int16(truncatingIfNeeded: code)) else {
      let what = Datatype.refused(code).map { "\($0) voxels" } ?? "an unknown voxel type (code \(code))"
      throw malformed(
        "\(name): holds \(what); only real integer and 32- or 64-bit floating-point scans are read")
    }
    // Nought is "not said"; the type says it all.
    let bits = integer(.bitsPerVoxel)
    if bits != 0 && bits != 8 * type.size {
      throw malformed(
        "\(name): header contradicts itself: \(type) voxels have \(8 * type.size) bits, not \(bits)")
    }
    let (slope, intercept) = (number(.slope), number(.intercept))
    if slope.isFinite && slope != 0 && !intercept.isFinite {
      throw malformed(
        "\(name): its intensity scaling is not a number (scl_slope \(slope), scl_inter \(intercept))")
    }
  }

  func checkedDimensions(_ name: String) throws -> SIMD3<Int> {
    var sizes = dimensions
    let count = sizes[0]
    guard (1...7).contains(count) else {
      throw malformed("\(name): header says \(count) dimensions; 1 to 7 are possible")
    }
    // A further axis of nought is one that is not there, as the NIfTI library reads it.
    for axis in 4..<8 where sizes[axis] == 0 { sizes[axis] = 1 }
    let shape = sizes[1...count].map(String.init).joined(separator: "x")
    for axis in 1...count where sizes[axis] < 1 {
      throw malformed("\(name): is empty: header says \(shape) voxels")
    }
    var volumes = 1
    for axis in 4..<8 where axis <= count {
      let (product, overflow) = volumes.multipliedReportingOverflow(by: sizes[axis])
      volumes = overflow ? Int.max : product
    }
    if volumes > 1 {
      throw malformed(
        "\(name): holds \(volumes) volumes (\(shape)), one is needed; take one out, for example with fslroi or "
          + "mrconvert -coord")
    }
    func size(_ axis: Int) -> Int { axis <= count ? sizes[axis] : 1 }
    return [size(1), size(2), size(3)]
  }
}
