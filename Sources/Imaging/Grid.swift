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

  /// A thousandth of the smallest voxel side, in mm: below it two grids count as one.
  public var tolerance: Double { 1e-3 * affine.spacing.min() }

  /// Whether every voxel of both grids lies at the same place, within `tolerance` in mm.
  public func matches(_ other: Grid, tolerance: Double? = nil) -> Bool {
    mismatch(with: other, tolerance: tolerance) == nil
  }

  /// What sets two grids apart, in words and mm, own value first; nil where they agree within `tolerance` in mm
  /// (a thousandth of a voxel unless given).
  ///
  /// `182x218x182 voxels against 240x240x155, spacing 1.00x1.00x1.00 mm against 0.90x0.90x1.00 mm`
  public func mismatch(with other: Grid, tolerance: Double? = nil) -> String? {
    let tolerance = tolerance ?? min(self.tolerance, other.tolerance)
    let sameSize = dimensions == other.dimensions
    let apart = displacement(from: other)
    if sameSize && apart <= tolerance { return nil }

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
