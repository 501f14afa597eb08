import Foundation

/// Where voxels lie: how many along each axis, and the voxel-to-world map.
public struct Grid: Sendable, Equatable {
  /// Voxels along each axis (nx, ny, nz).
  public var dimensions: SIMD3<Int>
  public var affine: Affine

  public init(dimensions: SIMD3<Int>, affine: Affine) {
    self.dimensions = dimensions
    self.affine = affine
  }

  public var voxelCount: Int { dimensions.x * dimensions.y * dimensions.z }

  /// The largest distance in mm between the same voxel on two grids (it is reached in a corner).
  public func displacement(from other: Grid) -> Double {
    var largest = 0.0
    for corner in 0..<8 {
      var index = SIMD3<Double>.zero
      for axis in 0..<3 where corner >> axis & 1 == 1 { index[axis] = Double(dimensions[axis] - 1) }
      largest = max(largest, length(affine(index) - other.affine(index)))
    }
    return largest
  }

  /// How far apart, in mm, the same voxel of two grids may lie that count as one: 5 micrometres.
  ///
  /// One grid of up to 512 x 512 x 512 voxels in single precision comes out up to 1e-4 mm apart, whichever of its forms
  /// is read (a position of 512 mm is rounded by 3e-5, a step of 1 mm by 3e-8 at each of 511 voxels), and with six
  /// decimals of a direction, as in DICOM, up to 1e-3 mm. 5e-3 mm is above both and a two-hundredth of a voxel of 1 mm.
  public static let tolerance = 0.005

  /// Whether every voxel of both grids lies at the same place, within `tolerance` in mm.
  public func matches(_ other: Grid, tolerance: Double = Grid.tolerance) -> Bool {
    mismatch(with: other, tolerance: tolerance) == nil
  }

  /// What sets two grids apart, in words and mm, own value first; nil where they agree within `tolerance` in mm.
  ///
  /// A single-precision qform near a half turn, which is how scanners write axial slices, leaves a turn of up to 0.05
  /// degrees about its own axis open (`FreeTurn`): 0.3 mm in the far corner of 256 x 256 mm. Where one of the grids comes
  /// from such a qform that turn is not held against it; position, voxel sizes and the other two tilts are.
  ///
  /// `182x218x182 voxels against 240x240x155, spacing 1.00x1.00x1.00 mm against 0.90x0.90x1.00 mm`
  public func mismatch(with other: Grid, tolerance: Double = Grid.tolerance) -> String? {
    let sameSize = dimensions == other.dimensions
    let apart = displacement(from: other)
    if sameSize && (apart <= tolerance || isQform(of: other, tolerance)) { return nil }

    var differences: [String] = []
    if !sameSize { differences.append("\(dimensions.text) voxels against \(other.dimensions.text)") }
    let spacing = (affine.spacing, other.affine.spacing)
    if (0..<3).contains(where: { abs(spacing.0[$0] - spacing.1[$0]) * Double(dimensions[$0]) > tolerance }) {
      differences.append("spacing \(spacing.0.millimetres) mm against \(spacing.1.millimetres) mm")
    }
    let orientation = (Orientation(of: affine), Orientation(of: other.affine))
    if orientation.0 != orientation.1 {
      differences.append("orientation \(orientation.0) against \(orientation.1)")
    } else {
      let angle = affine.angle(to: other.affine)
      if angle > 0.005 { differences.append(String(format: "axes tilted by %.2f degrees", angle)) }
    }
    let origins = length(affine.origin - other.affine.origin)
    if origins > tolerance {
      differences.append(String(format: "origin %.\(decimals(origins))f mm apart", origins))
    }
    if differences.isEmpty {
      differences.append(String(format: "voxels up to %.\(decimals(apart))f mm apart", apart))
    }
    return differences.joined(separator: ", ")
  }

  /// Whether the two are one grid but for the turn that a qform of one of them leaves open.
  private func isQform(of other: Grid, _ tolerance: Double) -> Bool {
    [affine.freeTurn, other.affine.freeTurn].contains { free in
      guard let free else { return false }
      // Of a small rotation: half the sum of the cross products of corresponding axes.
      var turn = SIMD3<Double>.zero
      for axis in 0..<3 {
        let (own, others) = (affine.column(axis), other.affine.column(axis))
        turn += cross(own, others) / (2 * length(own) * length(others))
      }
      let angle = dot(turn, free.axis)
      guard abs(angle) <= free.limit else { return false }
      let turned = Grid(dimensions: dimensions, affine: free.turned(affine, by: angle))
      return turned.displacement(from: other) <= tolerance
    }
  }
}

extension Volume {
  public var grid: Grid { Grid(dimensions: dimensions, affine: affine) }

  public init(grid: Grid, voxels: [Float]) {
    self.init(dimensions: grid.dimensions, affine: grid.affine, voxels: voxels)
  }
}

extension Affine {
  /// The largest angle in degrees between corresponding axes.
  func angle(to other: Affine) -> Double {
    var largest = 0.0
    for axis in 0..<3 {
      let (a, b) = (column(axis), other.column(axis))
      largest = max(largest, atan2(length(cross(a, b)), dot(a, b)))
    }
    return largest * 180 / .pi
  }
}

extension SIMD3<Int> {
  /// `182x218x182`
  var text: String { "\(x)x\(y)x\(z)" }
}

extension SIMD3<Double> {
  /// `1.00x1.00x3.30`, with more places where two say too little.
  var millimetres: String {
    let places = self.min() < 0.1 ? 4 : 2
    return (0..<3).map { String(format: "%.\(places)f", self[$0]) }.joined(separator: "x")
  }
}

private func decimals(_ millimetres: Double) -> Int { millimetres >= 0.1 ? 1 : millimetres >= 0.01 ? 2 : 4 }
