import Failures

extension NIfTIHeader {
  /// Which of its fields say where a file's voxels lie.
  public enum Placement: String, Sendable {
    case sform, qform
    /// Neither: voxel sizes alone, so that left and right are a guess.
    case voxelSize
  }

  /// The sform's rows as they stand, in the header's lengths.
  var sform: Affine {
    func row(_ r: Int) -> SIMD4<Double> { SIMD4((0..<4).map { number(.srow, 4 * r + $0) }) }
    return Affine(row(0), row(1), row(2))
  }

  var quaternion: Quaternion {
    Quaternion(
      b: number(.quaternion, 0), c: number(.quaternion, 1), d: number(.quaternion, 2),
      handedness: number(.pixelDimension, 0) < 0 ? -1 : 1)
  }

  /// Whether b, c, d are those of a rotation, but for a few decimals lost.
  var hasRotation: Bool { dot(quaternion.vector, quaternion.vector) <= 1.01 }

  /// The qform's map, in the header's lengths; some number or other where `hasRotation` is not so.
  var qform: Affine {
    Affine(quaternion, spacing: voxelSizes, origin: SIMD3((0..<3).map { number(.qoffset, $0) }))
  }

  /// Sizes that are nought or negative occur in old files; nibabel repairs them the same way.
  var voxelSizes: SIMD3<Double> {
    func size(_ axis: Int) -> Double {
      let size = abs(number(.pixelDimension, axis))
      return size == 0 ? 1 : size
    }
    return [size(1), size(2), size(3)]
  }

  /// Millimetres in one of the header's lengths.
  ///
  /// Metres and micrometres are believed where voxels come out as large as a scanner makes them, or where they would
  /// not be so in millimetres either. Otherwise the numbers are millimetres under a wrong code, which is common.
  func millimetres(in affine: Affine) -> Double {
    let stated = units.millimetres
    let size = affine.spacing
    return size.isLikely && !(size * stated).isLikely ? 1 : stated
  }

  /// The affine, in mm, and where it comes from: the sform where its code is positive and it places a volume in space,
  /// else the qform, else voxel sizes alone.
  func checkedPlacement(_ name: String) throws -> (affine: Affine, placement: Placement) {
    func inMillimetres(_ affine: Affine) -> Affine { affine.scaled(by: millimetres(in: affine)) }
    var affine: Affine
    var placement: Placement
    if sformCode > 0 {
      (affine, placement) = (inMillimetres(sform), .sform)
      if !affine.placesVoxels, qformCode > 0, hasRotation, inMillimetres(qform).placesVoxels {
        (affine, placement) = (inMillimetres(qform), .qform)
      }
    } else if qformCode > 0 {
      guard hasRotation || !quaternion.vector.isFinite else {
        let (b, c, d) = (quaternion.b, quaternion.c, quaternion.d)
        throw malformed(
          "\(name): its qform is not a rotation (quaternion \(b), \(c), \(d)); set it anew from a source"
            + " that is right")
      }
      (affine, placement) = (inMillimetres(qform), .qform)
    } else {
      (affine, placement) = (inMillimetres(Affine(spacing: voxelSizes)), .voxelSize)
    }
    let source = placement == .voxelSize ? "voxel size" : placement.rawValue
    guard affine.isFinite else {
      throw malformed("\(name): its \(source) holds a value that is not a finite number")
    }
    guard affine.placesVoxels else {
      throw malformed(
        "\(name): its \(source) places no volume in space (voxels of \(affine.spacing.millimetres) mm whose axes "
          + "do not span three directions)")
    }
    return (affine, placement)
  }
}

extension Affine {
  /// Whether it can be a grid's: finite, three directions, voxels between a nanometre and a kilometre.
  var placesVoxels: Bool { isInvertible && spacing.min() > 1e-6 && spacing.max() < 1e6 }

  func scaled(by factor: Double) -> Affine {
    var result = Affine(rows[0] * factor, rows[1] * factor, rows[2] * factor)
    result.freeTurn = freeTurn
    result.freeTurn?.pivot *= factor
    return result
  }
}

extension SIMD3<Double> {
  var isFinite: Bool { x.isFinite && y.isFinite && z.isFinite }

  /// Whether scans of a head have voxels of these sizes in mm.
  var isLikely: Bool { self.min() >= 0.1 && self.max() <= 20 }
}
