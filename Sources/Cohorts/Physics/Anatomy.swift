import Imaging

/// One head's label map, ready to be sampled: cropped, in LPS order, with what is computed from it once.
package struct Anatomy: Sendable {
  package let name: String
  /// Voxels along each axis (right to left, anterior to posterior, foot to head), and their edges in mm.
  package let dimensions: SIMD3<Int>
  let spacing: SIMD3<Float>
  /// `TissueClass` raw values, or `cord` and `sheet`; the first axis runs fastest.
  let voxels: [UInt8]
  /// Whether skull and skin are there.
  package let isWhole: Bool
  /// Whether deep nuclei, brain stem and cerebellum are told apart.
  let hasStructures: Bool
  /// Signed distance to the outer surface of the fluid around the brain.
  var surface: SurfaceDistance { surfaces[0] }
  /// The same surface, one half way to the brain's own, and that: heads have more or less fluid about the brain.
  let surfaces: [SurfaceDistance]
  /// Of voxels with brain, the lowest and highest index along each axis.
  let low: SIMD3<Int>
  let high: SIMD3<Int>
  /// Places for lesions, as voxel indices: any white matter, and white matter beside ventricles.
  let deepWhite: [SIMD3<Int32>]
  let periventricular: [SIMD3<Int32>]
  /// Where the brain's surface lies.
  let rim: [SIMD3<Int32>]
  /// For each surface, voxels by label and by distance from it: `shells[surface][shell * 256 + label]`.
  let shells: [[Int32]]

  /// The spinal cord: it looks like the brain stem, but skull-stripping leaves it out.
  static let cord: UInt8 = 64
  /// Fluid where the falx or the tentorium may lie.
  static let sheet: UInt8 = 66

  /// Shells are half a millimetre thick; the first holds all that lies deeper than `innerShell`, the last all beyond.
  static let shellCount = 24
  static let innerShell: Float = -6

  static func shell(_ distance: Float) -> Int {
    min(max(Int((distance - innerShell) * 2), 0), shellCount - 1)
  }

  /// - Parameter labels: whose voxels are codes as `LabelCodes.tissue` gives them.
  init(name: String, labels: LabelMap, isPrepared: Bool) {
    self.name = name
    var labels = labels
    isWhole =
      labels.voxels.contains(TissueClass.skin.rawValue) && labels.voxels.contains(TissueClass.bone.rawValue)
    hasStructures = labels.voxels.contains(TissueClass.thalamus.rawValue)
    if !isPrepared {
      labels.crop(margins: isWhole ? ([25, 45, 15], [25, 25, 25]) : ([10, 10, 10], [10, 10, 10]))
      if !isWhole { labels.addFluid() }
    }
    let body = labels.strippedBody()
    if !isPrepared && !hasStructures { labels.tellVentricles(body) }
    let surface = SurfaceDistance(body: body, labels.dimensions, labels.spacing)
    surfaces = [surface] + surface.towards(labels, shares: [0.5, 1])
    if !isPrepared { labels.tellSoftTissue(surface) }
    labels.addSheets()
    (dimensions, spacing, voxels) = (labels.dimensions, labels.spacing, labels.voxels)
    (low, high) = labels.brainBox()
    let places = labels.places(surface)
    (deepWhite, periventricular, rim) = (places.white, places.near, places.rim)
    shells = surfaces.map { [labels] in labels.shells($0) }
  }

  /// The map as it is packed: without the sheets, which are found again.
  var packed: [UInt8] { voxels.map { $0 == Self.sheet ? TissueClass.sulcalFluid.rawValue : $0 } }
}

/// A label map in LPS order while it is prepared.
struct LabelMap: Sendable {
  var dimensions: SIMD3<Int>
  var spacing: SIMD3<Float>
  var voxels: [UInt8]

  @inline(__always)
  func index(_ i: Int, _ j: Int, _ k: Int) -> Int { i + dimensions.x * (j + dimensions.y * k) }

  var voxelVolume: Float { spacing.x * spacing.y * spacing.z }
}

/// What is true of a label, by its value.
struct LabelSet: Sendable {
  /// 256 bits and no array, whose count of owners all threads would change at every look.
  private let bits: SIMD4<UInt64>

  init(_ isMember: (UInt8) -> Bool) {
    var bits = SIMD4<UInt64>.zero
    for label in 0...255 where isMember(UInt8(label)) { bits[label >> 6] |= 1 << UInt64(label & 63) }
    self.bits = bits
  }

  @inline(__always)
  subscript(_ label: UInt8) -> Bool { bits[Int(label >> 6)] >> UInt64(label & 63) & 1 == 1 }

  static let brain = LabelSet { TissueClass(rawValue: $0)?.isBrain ?? false }
  static let fluid = LabelSet { (TissueClass(rawValue: $0)?.isFluid ?? false) || $0 == Anatomy.sheet }
  static let brainAndChoroid = LabelSet { brain[$0] || $0 == TissueClass.choroidPlexus.rawValue }
  /// Brain and the fluid of its sulci, which what grows there effaces; ventricles stay.
  static let effaced = LabelSet { brainAndChoroid[$0] || $0 == TissueClass.sulcalFluid.rawValue }
  static let white = LabelSet { $0 == 1 || $0 == 9 }
  static let cerebellum = LabelSet { $0 == 9 || $0 == 10 }
  static let cerebrum = LabelSet { (1...7).contains($0) }
  /// What lies within the outer fluid and is no background.
  static let inner = LabelSet { value in
    TissueClass(rawValue: value).map { $0.isBrain || $0.isFluid || $0.isVessel || $0 == .choroidPlexus }
      ?? false
  }
}
