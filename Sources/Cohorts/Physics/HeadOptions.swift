import Failures

/// Which heads are drawn, and how. Every field has a default.
package struct HeadOptions: Codable, Sendable, Equatable {
  /// Share of heads whose skull is kept; only of anatomies that have one.
  package var wholeHeads = 0.38
  /// Of those, the share of samples that lie over face and neck, whether or not they show brain.
  package var faces = 0.25
  /// Share of slices that are coronal or sagittal.
  package var otherPlanes = 0.5
  /// Shares by what a head suffers from; the rest have no lesion.
  package var whiteMatterLesions = 0.35
  package var strokes = 0.07
  package var tumours = 0.38
  /// Largest rotation about each axis, in degrees.
  package var rotation = 15.0
  /// A head's size differs from its anatomy's by at most this share, and each axis by a third of it more.
  package var scaling = 0.15
  package var shear = 0.02
  /// Standard deviations of the elastic displacement on lattices of 30 mm and 14 mm, in mm; drawn up to these.
  package var coarseElastic = 4.0
  package var fineElastic = 1.2
  /// Edges of voxels in plane are drawn from here, in mm; half of them are 1 mm.
  package var smallestVoxel = 0.8
  package var largestVoxel = 2.0
  /// Where a stripped head's mask ends against its outer fluid, in mm: mean and standard deviation over heads.
  package var maskOffset = -0.3
  package var maskOffsetDeviation = 0.8
  /// Standard deviation in mm within a head.
  package var maskRoughness = 0.8
  /// Share of masks with bites and residues, and of eroded ones.
  package var damagedMasks = 0.3
  package var erodedMasks = 0.1
  /// The least share of a slice that brain takes.
  package var leastBrain = 0.1

  package init() {}

  /// Throws `.usage`, naming the value and its range.
  package func validate() throws {
    func check(_ name: String, _ value: Double, _ range: ClosedRange<Double>) throws {
      guard range.contains(value) else {
        let limits = "\(range.lowerBound) ... \(range.upperBound)"
        throw Failure(.usage, "computed heads: \(name) is \(value); it must lie in \(limits)")
      }
    }
    let shares = [
      ("wholeHeads", wholeHeads), ("faces", faces), ("otherPlanes", otherPlanes),
      ("whiteMatterLesions", whiteMatterLesions),
      ("strokes", strokes),
      ("tumours", tumours), ("damagedMasks", damagedMasks), ("erodedMasks", erodedMasks),
    ]
    for (name, share) in shares { try check(name, share, 0...1) }
    try check("the share of heads with lesions", whiteMatterLesions + strokes + tumours, 0...(1 + 1e-9))
    try check("rotation", rotation, 0...45)
    try check("scaling", scaling, 0...0.4)
    try check("shear", shear, 0...0.2)
    try check("coarseElastic", coarseElastic, 0...8)
    try check("fineElastic", fineElastic, 0...3)
    try check("smallestVoxel", smallestVoxel, 0.5...3)
    try check("largestVoxel", largestVoxel, smallestVoxel...4)
    try check("maskOffset", maskOffset, -3...3)
    try check("maskOffsetDeviation", maskOffsetDeviation, 0...3)
    try check("maskRoughness", maskRoughness, 0...3)
    try check("leastBrain", leastBrain, 0...0.5)
  }
}
