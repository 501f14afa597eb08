import Failures

/// The motion of a head between two scans, whatever their contrasts: that under which they tell the most of each other
/// (`MutualInformation`), looked for at voxels of 8, then 4, then 2 mm.
///
/// It begins where the headers put the scans, and where their heads have one centre, each also turned about each axis: the scans
/// may come of two examinations. What it finds is the same for any number of threads.
public struct RigidRegistration: Sendable {
  /// From positions in the reference to those in the moving scan, in mm.
  public let motion: RigidMotion
  /// The normalised mutual information where the headers put the scans, and where the motion does.
  public let before: Double, after: Double
  /// The share of the reference's head that the moved scan shows.
  public let coverage: Double

  /// So much of an angle counts as a millimetre: of what lies so far from the head's centre.
  public static let radius = 80.0

  /// - Parameter isNear: whether the headers put the heads within a centimetre or so, and nowhere else is looked; in less time.
  /// - Throws: `.malformed` where one of the volumes has nothing above 0 or is not finite, `.inconsistent` where they tell nothing of each other
  ///   however they are moved.
  public init(
    of moving: Volume, to reference: Volume, isNear: Bool = false, threads: Int = Parallel.coreCount
  ) throws(Failure) {
    guard [moving, reference].allSatisfy({ $0.voxels.allSatisfy { $0.isFinite } }) else {
      throw Failure(.malformed, "a volume with NaN or infinite voxels cannot be registered")
    }
    guard let own = HeadPlaces(reference), let other = HeadPlaces(moving) else {
      throw Failure(.malformed, "a volume with nothing above 0 cannot be registered")
    }
    func motion(_ values: [Double]) -> RigidMotion {
      RigidMotion(
        rotation: SIMD3(values[3], values[4], values[5]) / RigidRegistration.radius,
        translation: SIMD3(values[0], values[1], values[2]), about: own.centre)
    }
    func level(_ spacing: Double) -> ([Double]) -> Double {
      let information = MutualInformation(of: moving, in: reference, spacing: spacing, threads: threads)
      return { information(motion($0), threads: threads) }
    }
    // Coarsely from everywhere, more finely from the best few.
    let still = [Double](repeating: 0, count: 6)
    var places = [still]
    if !isNear {
      let coarse = level(8)
      let found = RigidRegistration.starts(from: own.centre, to: other.centre).map {
        PatternSearch(step: 8, smallest: 1).maximise(from: $0, coarse)
      }
      places = found.sorted { $0.value > $1.value }.prefix(3).map(\.place)
    }
    let medium = level(4)
    let found = places.map { PatternSearch(step: 2, smallest: 0.25).maximise(from: $0, medium) }
    let fine = level(2)
    let start = found.max { $0.value < $1.value }?.place ?? still
    let best = PatternSearch(step: 0.5, smallest: 0.03).maximise(from: start, fine)
    guard best.value > 1 else {
      throw Failure(
        .inconsistent, "it cannot be registered: nowhere does it show enough of what the other does")
    }
    self.motion = motion(best.place)
    (before, after) = (fine(still), best.value)
    coverage = own.coverage(by: moving, moved: self.motion)
  }

  private static func starts(from own: SIMD3<Double>, to other: SIMD3<Double>) -> [[Double]] {
    let apart = other - own
    let turn = radius * 15 * .pi / 180
    return [SIMD3<Double>.zero, apart].flatMap { shift -> [[Double]] in
      let still = [shift.x, shift.y, shift.z, 0, 0, 0]
      return [still]
        + (3..<6).flatMap { axis in
          [turn, -turn].map { angle in
            var turned = still
            turned[axis] = angle
            return turned
          }
        }
    }
  }
}
