import Failures

/// The header of a NIfTI-1 or NIfTI-2 file: every byte as it was stored, and the fields that matter as values.
///
/// A volume written `like` a header lies on exactly the grid it names: same affine bytes, codes, units and
/// dimensions, in the same version and byte order.
public struct NIfTIHeader: Sendable, Equatable {
  public enum Version: Int, Sendable {
    case one = 1
    case two = 2
  }

  public let version: Version
  public let isBigEndian: Bool
  /// The 348 or 540 bytes of the fixed part.
  var bytes: [UInt8]
  /// What lies between the fixed part and the voxels: the extension flag and the extensions, untouched.
  public internal(set) var extensions: [UInt8]
  /// The voxels' places, in mm.
  public private(set) var grid: Grid
  /// Which fields the affine comes from: the sform if its code is positive, else the qform, else voxel sizes alone.
  public private(set) var placement: Placement

  /// Checks the fixed part of a file called `name`. `extensions` are added by the reader.
  init(_ bytes: [UInt8], version: Version, isBigEndian: Bool, name: String) throws {
    self.version = version
    self.isBigEndian = isBigEndian
    self.bytes = bytes
    extensions = []
    grid = Grid(dimensions: .zero, affine: .identity)
    placement = .voxelSize
    try checkDatatype(name)
    let place = try checkedPlacement(name)
    grid = Grid(dimensions: try checkedDimensions(name), affine: place.affine)
    placement = place.placement
  }

  /// A little-endian NIfTI-1 header (NIfTI-2 where an axis exceeds 32,767 voxels) for a grid in mm.
  ///
  /// The sform holds the affine; the qform too, if the axes are perpendicular. Both codes are 1 (scanner).
  public init(grid: Grid, datatype: Datatype = .float32) {
    let version: Version = grid.dimensions.max() > 32767 ? .two : .one
    self.version = version
    isBigEndian = false
    bytes = [UInt8](repeating: 0, count: version.size)
    extensions = [0, 0, 0, 0]
    self.grid = grid
    placement = .sform
    setFrame()
    set(.units, Int(Units.millimetre.rawValue) | 8)
    self.datatype = datatype
    scaling = nil
    set(.sformCode, 1)
    set(.qformCode, 1)
    place(on: grid)
  }

  /// A header of the same version and byte order that says of its volume where the voxels lie, in the same bytes, and
  /// nothing else: dimensions, voxel sizes, units, codes, qform and sform.
  ///
  /// What names or describes the scan it came from is left out: `descrip`, `aux_file`, `intent_name`, `db_name`,
  /// `data_type`, all extensions, intent, display window, slice timing, phase and slice axes, `toffset`, the fields
  /// that NIfTI does not use, and the voxels' type and scaling.
  public func geometryAlone() -> NIfTIHeader {
    var new = self
    new.bytes = [UInt8](repeating: 0, count: version.size)
    new.extensions = [0, 0, 0, 0]
    let fields: [(field: NIfTIField, count: Int)] = [
      (.dimension, 8), (.pixelDimension, 8), (.units, 1), (.qformCode, 1), (.sformCode, 1), (.quaternion, 3),
      (.qoffset, 3), (.srow, 12),
    ]
    for (field, count) in fields {
      let (offset, kind) = version == .one ? field.one : field.two
      let range = offset..<offset + count * kind.size
      new.bytes.replaceSubrange(range, with: bytes[range])
    }
    new.setFrame()
    new.datatype = .float32
    new.scaling = nil
    return new
  }

  /// What every header of its version holds.
  private mutating func setFrame() {
    set(.headerSize, version.size)
    let magic: [UInt8] = version == .one ? Array("n+1\0".utf8) : Array("n+2\0\r\n\u{1A}\n".utf8)
    bytes.replaceSubrange(version.magic..<version.magic + magic.count, with: magic)
    if version == .one { bytes[38] = UInt8(ascii: "r") }
    set(.voxelOffset, voxelOffset)
  }

  public var datatype: Datatype {
    get { Datatype(rawValue: Int16(truncatingIfNeeded: integer(.datatype))) ?? .float32 }
    set {
      set(.datatype, Int(newValue.rawValue))
      set(.bitsPerVoxel, 8 * newValue.size)
    }
  }

  /// `scl_slope` and `scl_inter`: value = stored * slope + intercept; nil where the slope is nought or no number, which
  /// means that values are stored as they are.
  public var scaling: (slope: Double, intercept: Double)? {
    get {
      let slope = number(.slope)
      return slope == 0 || !slope.isFinite ? nil : (slope, number(.intercept))
    }
    set {
      set(.slope, newValue?.slope ?? 1)
      set(.intercept, newValue?.intercept ?? 0)
    }
  }

  /// `dim[0...7]`
  public var dimensions: [Int] { (0..<8).map { integer(.dimension, $0) } }
  /// `pixdim[0...7]`: the qform's handedness, then voxel sizes in `units`.
  public var pixelDimensions: [Double] { (0..<8).map { number(.pixelDimension, $0) } }
  public var qformCode: Int { integer(.qformCode) }
  public var sformCode: Int { integer(.sformCode) }
  /// Whether the file says where its voxels lie. If not, left and right are a guess.
  public var isPlaced: Bool { qformCode > 0 || sformCode > 0 }
  public var units: Units { Units(rawValue: UInt8(truncatingIfNeeded: integer(.units) & 7)) ?? .unknown }

  /// `descrip`: up to 79 bytes of free text. Longer text is cut between characters.
  public var description: String {
    get { text(version.description, 80) }
    set { setText(newValue, version.description, 80) }
  }

  /// How `descrip` begins of an image that was computed, here or in an earlier run.
  public static let syntheticMark = "SYNTHETIC"
  /// Whether it says that its image was computed and not acquired.
  public var isSynthetic: Bool { description.hasPrefix(Self.syntheticMark) }

  /// Where the voxels begin, in bytes.
  public var voxelOffset: Int { version.size + extensions.count }

  public static func == (a: NIfTIHeader, b: NIfTIHeader) -> Bool {
    a.version == b.version && a.isBigEndian == b.isBigEndian && a.bytes == b.bytes
      && a.extensions == b.extensions
  }

  /// The bytes before the voxels, as a file holds them.
  var stored: [UInt8] { bytes + extensions }

  /// Writes another grid into the geometry fields, in mm; codes that are positive stay.
  mutating func place(on grid: Grid) {
    self.grid = grid
    placement = .sform
    let trailing = [1, 1, 1, 1]
    let sizes = [3, grid.dimensions.x, grid.dimensions.y, grid.dimensions.z] + trailing
    for (index, size) in sizes.enumerated() { set(.dimension, size, index) }
    set(.units, integer(.units) & ~7 | Int(Units.millimetre.rawValue))
    let spacing = grid.affine.spacing
    for axis in 0..<3 { set(.pixelDimension, spacing[axis], axis + 1) }
    if sformCode <= 0 { set(.sformCode, max(qformCode, 1)) }
    for row in 0..<3 { for column in 0..<4 { set(.srow, grid.affine.rows[row][column], 4 * row + column) } }
    if let rotation = grid.affine.quaternion() {
      if qformCode <= 0 { set(.qformCode, sformCode) }
      set(.pixelDimension, rotation.handedness, 0)
      for (index, value) in [rotation.b, rotation.c, rotation.d].enumerated() {
        set(.quaternion, value, index)
      }
      for axis in 0..<3 { set(.qoffset, grid.affine.origin[axis], axis) }
    } else {
      set(.qformCode, 0)
    }
  }
}

/// The unit of a header's lengths (`xyzt_units`, lower three bits). Positions are always given in mm.
public enum Units: UInt8, Sendable {
  case unknown = 0
  case metre = 1
  case millimetre = 2
  case micrometre = 3

  /// Millimetres in one unit; an unknown unit counts as mm, as every program does.
  var millimetres: Double {
    switch self {
    case .unknown, .millimetre: 1
    case .metre: 1000
    case .micrometre: 1e-3
    }
  }
}
