import Foundation

extension ScanCheck {
  /// What a header says that no head has, or that contradicts itself.
  ///
  /// - Parameter name: the file, as findings name it.
  public static func findings(of header: NIfTIHeader, name: String) -> [Finding] {
    var found: [Finding] = []
    func say(_ kind: Finding.Kind, _ words: String) { found.append(Finding(kind, name, words)) }
    if header.isSynthetic {
      say(
        .computed,
        "was computed and not acquired, says its header: what is made of it is a guess from a guess")
    }
    if !header.isPlaced {
      say(
        .unplaced,
        "says nothing of where its voxels lie (qform and sform codes are 0), so left and right are a guess")
    }
    if let words = header.placementConflict { say(header.placement == .sform ? .placements : .sform, words) }
    if header.placement == .sform && header.qformCode > 0 && !header.hasRotation {
      say(.qform, "its qform is not a rotation; the sform is used")
    }
    if let words = header.unitsWords { say(.units, words) }

    let grid = header.grid
    let spacing = grid.affine.spacing
    let extent = spacing * SIMD3<Double>(grid.dimensions)
    let sides = [extent.x, extent.y, extent.z].sorted()
    if spacing.min() < 0.1 || spacing.max() > 10 {
      say(
        .voxelSize,
        "its voxels of \(spacing.millimetres) mm are none that a scan of a head has; see whether the header is right"
      )
    } else if sides[0] < 10 || sides[1] < 50 || sides[2] > 500 {
      say(
        .fieldOfView,
        "its field of view of \(Int(extent.x.rounded())) x \(Int(extent.y.rounded())) x \(Int(extent.z.rounded()))"
          + " mm is none that a scan of a head has; see whether the header is right")
    }
    if let words = header.spacingConflict { say(.spacings, words) }
    if let words = header.scalingWords { say(.scaling, words) }
    return found
  }
}

extension Grid {
  /// Of the longest side, in mm: a whole body is taken.
  private static let longest = 2500.0

  /// Refuses (`malformed`) a size that nobody has: at the voxels of a head it would only exhaust memory.
  /// - Parameter name: the file, for the message.
  package func checkSize(name: String) throws {
    let extent = affine.spacing * SIMD3<Double>(dimensions)
    guard extent.max() > Grid.longest else { return }
    let words = [extent.x, extent.y, extent.z].map { String(format: "%.4g", $0) }.joined(separator: " x ")
    throw malformed(
      "\(name): its header makes it \(words) mm large, which is no scan of anybody; see whether its voxel sizes and their unit"
        + " are right")
  }
}

extension NIfTIHeader {
  /// How sform and qform disagree where both are said to hold.
  fileprivate var placementConflict: String? {
    guard sformCode > 0, qformCode > 0, hasRotation else { return nil }
    if placement == .qform { return "its sform places no volume in space; the qform is used" }
    let other = qform.scaled(by: millimetres(in: qform))
    guard other.placesVoxels else { return nil }
    let second = Grid(dimensions: grid.dimensions, affine: other)
    // A tenth of a voxel: shears, which no qform holds, and decimals that a program saved stay below it.
    guard let mismatch = grid.mismatch(with: second, tolerance: 0.1 * grid.affine.spacing.min()) else {
      return nil
    }
    return "its sform and its qform disagree (\(mismatch)); the sform is used"
  }

  /// What became of lengths that are not in mm.
  fileprivate var unitsWords: String? {
    guard units == .metre || units == .micrometre else { return nil }
    let size = placement == .sform ? sform.spacing : voxelSizes
    let affine = Affine(spacing: size)
    let name = units == .metre ? "metres" : "micrometres"
    return millimetres(in: affine) == 1
      ? "says that its lengths are in \(name), which makes no head of them; they are taken as mm"
      : "says that its lengths are in \(name); its voxels are taken as \(grid.affine.spacing.millimetres) mm"
  }

  /// Voxel sizes that are not those of the sform.
  fileprivate var spacingConflict: String? {
    guard placement == .sform else { return nil }
    let (own, stated) = (sform.spacing, voxelSizes)
    let isStated = (1...3).contains { number(.pixelDimension, $0) != 0 }
    guard isStated, (0..<3).contains(where: { abs(own[$0] - stated[$0]) > 0.02 * own[$0] }) else {
      return nil
    }
    // Then the qform, which has its sizes from there, has been found to disagree already.
    guard placementConflict == nil else { return nil }
    return
      "its voxels are \(own.millimetres) by its sform and \(stated.millimetres) by pixdim; the sform is used"
  }

  /// Slopes that change what a scan shows, or were not one.
  fileprivate var scalingWords: String? {
    let (slope, intercept) = (number(.slope), number(.intercept))
    if !slope.isFinite {
      return "its scl_slope is \(slope), which is none; values are taken as they are stored"
    }
    if slope < 0 {
      return "its scl_slope is negative (\(slope)); dark and bright are exchanged unless it was written so"
    }
    if slope == 0 && intercept != 0 && intercept.isFinite {
      return "its scl_inter of \(intercept) does not count, for scl_slope is 0"
    }
    return nil
  }
}
