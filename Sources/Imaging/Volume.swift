import Failures

/// A scan: voxel intensities on a grid in the patient's space.
///
/// `voxels[i + nx * (j + ny * k)]` lies at `affine` applied to (i, j, k): the first axis runs fastest, as in NIfTI.
public struct Volume: Sendable {
  /// Voxels along each axis (nx, ny, nz).
  public var dimensions: SIMD3<Int>
  public var affine: Affine
  /// Intensities with slope and intercept applied.
  public var voxels: [Float]

  public init(dimensions: SIMD3<Int>, affine: Affine, voxels: [Float]) {
    precondition(voxels.count == dimensions.x * dimensions.y * dimensions.z)
    self.dimensions = dimensions
    self.affine = affine
    self.voxels = voxels
  }
}

extension Volume {
  /// Refuses a volume that no network should see: NaN or infinite voxels, all voxels alike, or a size that nobody has
  /// (`Grid.checkSize`).
  ///
  /// - Parameter name: the file, for the message.
  /// - Throws: `Failure` of kind `malformed` with the number of voxels concerned.
  public func check(name: String) throws {
    if voxels.isEmpty { throw malformed("\(name): is empty: it has no voxels") }
    try grid.checkSize(name: name)
    var (lowest, highest) = (Float.infinity, -Float.infinity)
    var missing = 0
    var infinite = 0
    voxels.withUnsafeBufferPointer { voxels in
      for value in voxels {
        missing += value == value ? 0 : 1
        infinite += value.magnitude == .infinity ? 1 : 0
        lowest = value < lowest ? value : lowest
        highest = value > highest ? value : highest
      }
    }
    if missing + infinite > 0 {
      let parts = [missing > 0 ? "\(missing) NaN" : nil, infinite > 0 ? "\(infinite) infinite" : nil]
      throw malformed(
        "\(name): \(parts.compactMap { $0 }.joined(separator: " and ")) of \(voxels.count) voxels; replace them "
          + "(for example by 0 outside the head) and run again")
    }
    if lowest == highest {
      throw malformed("\(name): is constant: all \(voxels.count) voxels are \(lowest)")
    }
  }

  /// The volume itself if `check(name:)` has nothing against it.
  public func checked(name: String) throws -> Volume {
    try check(name: name)
    return self
  }
}
