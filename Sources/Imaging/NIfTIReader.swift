import Failures

/// A volume as read, with the header that is needed to write another one on the same grid.
public struct NIfTIImage: Sendable {
  public var header: NIfTIHeader
  public var volume: Volume

  public init(header: NIfTIHeader, volume: Volume) {
    self.header = header
    self.volume = volume
  }
}

/// NIfTI-1 and NIfTI-2 single files (`.nii`, `.nii.gz`), after nifti1.h and nifti2.h.
public enum NIfTI {
  /// Voxels a file may have unless told otherwise: 2^29 (512 x 1024 x 1024), 2 GiB in memory.
  public static let defaultVoxelLimit = 1 << 29

  /// Bytes that may lie between header and voxels.
  private static let extensionLimit = 1 << 24

  /// Reads one volume, with slope and intercept applied, as 32-bit floats.
  ///
  /// The size is checked against `limit` and the file's length before memory is taken; truncated files, wrong checksums
  /// and anything but zeros after the last voxel are refused. NaN and infinite voxels are kept: see `Volume.check(name:)`.
  /// - Throws: `Failure` of kind `notFound`, `malformed` or `limit`, in one line that names the file.
  public static func read(path: String, limit: Int = defaultVoxelLimit) throws -> NIfTIImage {
    try read(try source(path), limit: limit)
  }

  /// Reads and checks the header (and its extensions) alone.
  public static func readHeader(path: String, limit: Int = defaultVoxelLimit) throws -> NIfTIHeader {
    try readHeader(try source(path), limit: limit)
  }

  /// Reads a file already in memory; `name` stands in messages.
  package static func read(_ bytes: [UInt8], name: String, limit: Int = defaultVoxelLimit) throws
    -> NIfTIImage
  {
    try read(try ByteSource(bytes, name: name), limit: limit)
  }

  private static func source(_ path: String) throws -> ByteSource {
    let source = try ByteSource(path: path)
    let lowercased = path.lowercased()
    if lowercased.hasSuffix(".gz") && !source.isCompressed {
      throw malformed("\(path): is named .gz but is not gzip; rename it to .nii if it is NIfTI")
    }
    if lowercased.hasSuffix(".nii") && source.isCompressed {
      throw malformed("\(path): is named .nii but is gzip; rename it to .nii.gz")
    }
    return source
  }

  private static func readHeader(_ source: ByteSource, limit: Int) throws -> NIfTIHeader {
    let name = source.name
    var head = try source.read(348)
    let (version, isBigEndian) = try NIfTIHeader.identify(head, name: name)
    head += try source.read(version.size - head.count)
    guard head.count == version.size else {
      throw malformed("\(name): ends within its header (truncated file); copy it again")
    }
    var header = try NIfTIHeader(head, version: version, isBigEndian: isBigEndian, name: name)

    // A NIfTI-1 offset is a float; nought means "straight after the header".
    let stated = version == .one ? header.number(.voxelOffset) : Double(header.integer(.voxelOffset))
    let first = Double(version.size + 4)
    let offset = stated == 0 && version == .one ? first : stated
    guard offset >= first, offset <= Double(version.size + extensionLimit), offset == offset.rounded() else {
      throw malformed(
        "\(name): header says its voxels begin at byte \(stated), which is not after the header")
    }

    let grid = header.grid
    let (area, overflow) = grid.dimensions.x.multipliedReportingOverflow(by: grid.dimensions.y)
    let (count, overflowToo) = area.multipliedReportingOverflow(by: grid.dimensions.z)
    guard !overflow, !overflowToo, count <= limit else {
      throw Failure(
        .limit, "\(name): header says \(grid.dimensions.text) voxels, more than the limit of \(limit)")
    }
    // The product cannot overflow: `count` is bounded by the limit, the offset by the extensions'.
    let (bytes, tooLarge) = count.multipliedReportingOverflow(by: header.datatype.size)
    let expected = tooLarge ? Int.max : bytes.addingReportingOverflow(Int(offset)).partialValue
    if source.isCompressed ? source.largestCount < expected : source.storedCount < expected {
      let needed = "\(grid.dimensions.text) voxels of \(header.datatype) take \(expected) bytes"
      let held = "the file \(source.isCompressed ? "cannot hold them in" : "has") \(source.storedCount)"
      throw malformed("\(name): is truncated: \(needed), \(held)")
    }
    if !source.isCompressed && source.storedCount - expected > ByteSource.paddingLimit {
      throw source.tooLong("\(source.storedCount - expected) bytes more")
    }
    header.extensions = try source.read(Int(offset) - version.size)
    guard header.voxelOffset == Int(offset) else {
      throw malformed("\(name): ends before its voxels begin (truncated file); copy it again")
    }
    return header
  }

  private static func read(_ source: ByteSource, limit: Int) throws -> NIfTIImage {
    let header = try readHeader(source, limit: limit)
    let count = header.grid.voxelCount
    let voxels = try [Float](unsafeUninitializedCapacity: count) { output, written in
      let target = UnsafeMutableBufferPointer(rebasing: output[..<count])
      try VoxelDecoder(header).decode(source, into: target)
      written = count
    }
    try source.expectEnd()
    return NIfTIImage(header: header, volume: Volume(grid: header.grid, voxels: voxels))
  }
}
