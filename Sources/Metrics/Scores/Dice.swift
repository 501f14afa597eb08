import Imaging

/// How far a predicted and a reference region coincide. Overlaps of slices add up to that of the volume.
public struct Overlap: Sendable, Equatable, Codable {
  /// What Dice is where prediction and reference are both empty; a table must say which.
  public enum EmptyConvention: String, Sendable, Codable {
    /// Not scored, as nnU-Net does.
    case exclude
    /// 1.
    case one
  }

  /// Voxels in both, in the prediction, in the reference.
  public private(set) var shared = 0
  public private(set) var predicted = 0
  public private(set) var reference = 0

  public init() {}

  /// Compares a region of two label maps with the same number of voxels, in any order.
  public init(_ prediction: [UInt8], _ reference: [UInt8], region: LabelRegion) {
    self.init(region.mask(of: prediction), region.mask(of: reference))
  }

  /// Compares two masks with the same number of voxels, in any order.
  public init(_ prediction: [Bool], _ reference: [Bool]) {
    precondition(
      prediction.count == reference.count,
      "prediction has \(prediction.count) voxels, reference \(reference.count)")
    for (p, r) in zip(prediction, reference) {
      shared += p && r ? 1 : 0
      predicted += p ? 1 : 0
      self.reference += r ? 1 : 0
    }
  }

  public static func += (sum: inout Overlap, other: Overlap) {
    sum.shared += other.shared
    sum.predicted += other.predicted
    sum.reference += other.reference
  }

  /// 2 |P ∩ R| / (|P| + |R|); nothing where both are empty and those are excluded.
  public func dice(empty: EmptyConvention = .exclude) -> Double? {
    guard predicted + reference > 0 else { return empty == .one ? 1 : nil }
    return 2 * Double(shared) / Double(predicted + reference)
  }
}
