import Foundation
import Imaging
import Metrics

/// Whether scans show a head with its skull or a brain that was cut out of one, told by its shape: where air is exactly 0, which
/// scanners and masks make of it too, noise does not tell.
///
/// In planes through the upper part of the brain a head is larger than a brain, its outline has hardly a dent, and beneath it lie
/// skin, bone and fluid, where a brain's cortex is as bright as what is deeper. What each of these counts was chosen on 33 real
/// people: of any two of their scans and more all but one are told rightly.
package struct HeadShape {
  /// Of the largest of these planes, in mm².
  let largest: Double
  /// The share of the planes' convex outlines that is filled.
  let solidity: Double
  /// By how much the brightest depth beneath the outline is brighter than the darkest.
  let range: Double

  /// Beneath the top, in mm; where there are no such planes, those that are at least so large a share of the largest.
  private static let planes = 20.0...70, share = 0.6
  /// Of a plane that counts, in mm²; and planes that are looked at, at the most.
  private static let least = 500.0, most = 16
  /// Beneath the outline, in mm: skin, bone, and cortex or fluid; and what is deep.
  private static let depths = [4.0..<6, 6..<8, 8..<11, 11..<15, 20..<40]

  /// - Parameters:
  ///   - images: in LPS order on one grid; one at least.
  ///   - factors: by which each comes onto the scale of its foreground as networks see it.
  /// - Returns: nil where too little is shown.
  package init?(_ images: [Volume], factors: [Float]) {
    let (size, spacing) = (images[0].dimensions, images[0].affine.spacing)
    let (area, pixel) = (size.x * size.y, spacing.x * spacing.y)
    let seen = zip(images, factors).map { ForegroundScale.seen / $1 }
    let areas = (0..<size.z).map { plane in
      pixel
        * Double(
          (plane * area..<(plane + 1) * area).count { voxel in
            images.indices.contains { images[$0].voxels[voxel] > seen[$0] }
          })
    }
    guard let top = areas.lastIndex(where: { $0 > Self.least }), let widest = areas.max() else { return nil }
    var chosen = areas.indices.filter {
      areas[$0] > Self.least && Self.planes.contains(Double(top - $0) * spacing.z)
    }
    if chosen.isEmpty { chosen = areas.indices.filter { areas[$0] >= Self.share * widest } }

    let grid = VoxelGrid(Extent(size.y, size.x), spacing: [spacing.y, spacing.x])
    var (filled, convex, largest) = (0.0, 0.0, 0.0)
    var (sums, counts) = (
      [Double](repeating: 0, count: Self.depths.count), [Int](repeating: 0, count: Self.depths.count)
    )
    let step = (chosen.count + Self.most - 1) / Self.most
    for place in stride(from: step / 2, to: chosen.count, by: step) {
      let plane = chosen[place]
      let bright = (plane * area..<(plane + 1) * area).map { voxel in
        images.indices.reduce(Float(0)) { max($0, images[$1].voxels[voxel] * factors[$1]) }
      }
      var inside = bright.map { $0 > ForegroundScale.seen }
      PlaneHoles.fill(&inside, columns: size.x, rows: size.y, largest: .max)
      let own = pixel * Double(inside.count { $0 })
      (filled, convex, largest) = (filled + own, convex + Self.convexArea(inside, grid), max(largest, own))
      let squares = DistanceTransform.squared(to: inside.map { !$0 }, on: grid)
      for pixel in inside.indices where inside[pixel] {
        let depth = squares[pixel].squareRoot()
        guard let place = Self.depths.firstIndex(where: { $0.contains(depth) }) else { continue }
        sums[place] += Double(bright[pixel])
        counts[place] += 1
      }
    }
    let profile = zip(sums, counts).filter { $1 > 0 }.map { $0 / Double($1) }
    guard convex > 0, profile.count == Self.depths.count, let low = profile.min(), let high = profile.max(),
      low > 0
    else { return nil }
    (self.largest, solidity, range) = (largest, filled / convex, high / low)
  }

  package var isWholeHead: Bool {
    4 * log(range) + 40 * (solidity - 0.985) + (largest - 18_000) / 4000 > 1.9
  }

  /// The area of the convex outline of a plane's pixels, in mm² (Andrew's monotone chain over the ends of the rows).
  private static func convexArea(_ inside: [Bool], _ grid: VoxelGrid) -> Double {
    let (rows, columns) = (grid.extent.rows, grid.extent.columns)
    var corners: [SIMD2<Double>] = []
    for row in 0..<rows {
      let line = inside[row * columns..<(row + 1) * columns]
      guard let first = line.firstIndex(of: true), let last = line.lastIndex(of: true) else { continue }
      for y in [row, row + 1] {
        for x in [first - line.startIndex, last - line.startIndex + 1] {
          corners.append(SIMD2(Double(y) * grid.spacing[0], Double(x) * grid.spacing[1]))
        }
      }
    }
    corners.sort { ($0.x, $0.y) < ($1.x, $1.y) }
    func turn(_ a: SIMD2<Double>, _ b: SIMD2<Double>, _ c: SIMD2<Double>) -> Double {
      (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
    }
    func half(_ corners: some Sequence<SIMD2<Double>>) -> [SIMD2<Double>] {
      corners.reduce(into: []) { outline, corner in
        while outline.count > 1, turn(outline[outline.count - 2], outline[outline.count - 1], corner) <= 0 {
          outline.removeLast()
        }
        outline.append(corner)
      }
    }
    let outline = half(corners).dropLast() + half(corners.reversed()).dropLast()
    guard outline.count > 2 else { return 0 }
    let next = outline.dropFirst() + [outline[0]]
    return zip(outline, next).reduce(0) { $0 + $1.0.x * $1.1.y - $1.1.x * $1.0.y } / 2
  }
}
