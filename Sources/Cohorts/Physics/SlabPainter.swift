import Imaging

/// Looks a slab up in a label map: tissue by sub-voxel, and the mask by voxel.
///
/// Places in the map are computed on a lattice of every fourth voxel in plane and interpolated linearly between; eight
/// sub-voxels of a row, between two lattice points, are a cell.
struct SlabPainter {
  let anatomy: Anatomy
  let pose: HeadPose
  let rim: HeadRim
  let shapes: [LesionShape]
  /// What a label is in this head.
  let table: [UInt8]
  let coarse: SplineField
  let fine: SplineField
  let extent: Extent
  let voxel: Float

  private static let step = 4

  /// A lattice point: the index in the map, and how far out the mask reaches there.
  typealias Point = SIMD4<Float>

  mutating func paint() -> (classes: [UInt8], mask: [Float]) {
    let (planes, rows, columns) = (extent.planes, extent.rows, extent.columns)
    let cells = (columns + Self.step - 1) / Self.step
    let bands = (rows + Self.step - 1) / Self.step
    var classes = [UInt8](repeating: 0, count: planes * rows * columns * 4)
    var mask = [Float](repeating: 1, count: planes * rows * columns)
    var lattice = [Point](repeating: .zero, count: (cells + 1) * (bands + 1))
    let x = (0...cells).map { (Float(Self.step * $0) - Float(columns) / 2) * voxel }
    var (coarseRows, fineRows) = (SplineRows(coarse, x: x), SplineRows(fine, x: x))
    var (coarseRow, fineRow) = (lattice, lattice)
    var scratch = Scratch(cells: cells)
    classes.withUnsafeMutableBufferPointer { classes in
      mask.withUnsafeMutableBufferPointer { mask in
        for plane in 0..<planes {
          let z = Float(plane) - Float(planes - 1) / 2
          coarseRows.move(toZ: z)
          fineRows.move(toZ: z)
          for band in 0...bands {
            let y = (Float(Self.step * band) - Float(rows) / 2) * voxel
            coarseRows.evaluate(y: y, in: x.indices, into: &coarseRow)
            fineRows.evaluate(y: y, in: x.indices, into: &fineRow)
            for (column, x) in x.enumerated() {
              let (a, b) = (coarseRow[column], fineRow[column])
              let moved = SIMD3<Float>(x + a.x + b.x, y + a.y + b.y, z + a.z + b.z)
              lattice[band * (cells + 1) + column] = Point(
                pose.index(moved), rim.reach(b.w, damage: a.w))
            }
          }
          for band in 0..<bands {
            paint(band, plane: plane, lattice, &scratch, classes, mask)
          }
        }
      }
    }
    return (classes, mask)
  }

  /// What a row needs, made once.
  struct Scratch {
    /// Lattice values along a row, and its voxels' distances from the outer surface.
    var line: [Point]
    var distance: [Float]
    /// Whether the surface is near a cell.
    var isNear: [Bool]

    init(cells: Int) {
      line = [Point](repeating: .zero, count: cells + 1)
      distance = [Float](repeating: 0, count: cells * SlabPainter.step)
      isNear = [Bool](repeating: false, count: cells)
    }
  }

  private func paint(
    _ band: Int, plane: Int, _ lattice: [Point], _ scratch: inout Scratch,
    _ classes: UnsafeMutableBufferPointer<UInt8>, _ mask: UnsafeMutableBufferPointer<Float>
  ) {
    let (rows, columns) = (extent.rows, extent.columns)
    let width = scratch.line.count
    let start = band * width
    var (low, high) = (lattice[start], lattice[start])
    for at in start..<start + 2 * width {
      low = pointwiseMin(low, lattice[at])
      high = pointwiseMax(high, lattice[at])
    }
    let met = shapes.filter { Self.meets($0, low, high) }
    for row in (Self.step * band)..<min(Self.step * (band + 1), rows) {
      let offset = Float(row - Self.step * band)
      func align(_ share: Float) {
        for at in 0..<width {
          let (a, b) = (lattice[start + at], lattice[start + width + at])
          scratch.line[at] = a + (b - a) * share
        }
      }
      let first = (plane * rows + row) * columns
      align((offset + 0.5) / Float(Self.step))
      measure(&scratch, mask, first)
      for half in 0..<2 {
        align((offset + 0.25 + 0.5 * Float(half)) / Float(Self.step))
        look(scratch, met, classes, 4 * first + 2 * half)
      }
    }
  }

  private static func meets(_ shape: LesionShape, _ low: Point, _ high: Point) -> Bool {
    low.x <= shape.high.x && low.y <= shape.high.y && low.z <= shape.high.z && high.x >= shape.low.x
      && high.y >= shape.low.y && high.z >= shape.low.z
  }

  /// Distances from the surface of a row of voxels, and their mask.
  private func measure(_ scratch: inout Scratch, _ mask: UnsafeMutableBufferPointer<Float>, _ first: Int) {
    let columns = extent.columns
    let n = anatomy.surface.dimensions
    anatomy.surface.values.withUnsafeBufferPointer { values in
      guard let values = values.baseAddress else { return }
      for cell in scratch.isNear.indices {
        let (a, b) = (scratch.line[cell], scratch.line[cell + 1])
        let middle = (a + b) * 0.5
        let there = SurfaceDistance.sample(values, n, middle.x, middle.y, middle.z)
        let isNear = abs(there) < 13
        scratch.isNear[cell] = isNear
        let at = Self.step * cell
        if isNear {
          let step = (b - a) * 0.25
          for k in 0..<Self.step {
            let p = a + step * (Float(k) + 0.5)
            scratch.distance[at + k] = SurfaceDistance.sample(values, n, p.x, p.y, p.z)
          }
          guard rim.isStripped else { continue }
          for k in 0..<min(Self.step, columns - at) {
            let reach = a.w + step.w * (Float(k) + 0.5)
            mask[first + at + k] = rim.kept(scratch.distance[at + k], reach: reach)
          }
        } else {
          for k in 0..<Self.step { scratch.distance[at + k] = there }
          guard rim.isStripped else { continue }
          for k in 0..<min(Self.step, columns - at) { mask[first + at + k] = there < 0 ? 1 : 0 }
        }
      }
    }
  }

  /// Tissues of a row of sub-voxels: two of each voxel, from `first` on.
  private func look(
    _ scratch: Scratch, _ shapes: [LesionShape], _ classes: UnsafeMutableBufferPointer<UInt8>, _ first: Int
  ) {
    let columns = extent.columns
    let n = anatomy.dimensions
    let last = SIMD3<Float>(Float(n.x - 1), Float(n.y - 1), Float(n.z - 1))
    let ramp: SIMD8<Float> = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5]
    // A float this large has no places after the point: its low bits are the rounded number.
    let magic = SIMD8<Float>(repeating: 12_582_912)
    let bits = SIMD8<Int32>(repeating: 0x4B40_0000)
    let (row, area) = (Int32(n.x), Int32(n.x * n.y))
    let noise = NoiseTexture.shared
    anatomy.voxels.withUnsafeBufferPointer { voxels in
      table.withUnsafeBufferPointer { table in
        for cell in scratch.isNear.indices {
          let (a, b) = (scratch.line[cell], scratch.line[cell + 1])
          let step = (b - a) * 0.125
          @inline(__always) func along(_ start: Float, _ step: Float) -> SIMD8<Float> {
            ramp * step + SIMD8(repeating: start)
          }
          @inline(__always) func whole(_ value: SIMD8<Float>, _ last: Float) -> SIMD8<Int32> {
            let inside = pointwiseMin(pointwiseMax(value, SIMD8(repeating: 0)), SIMD8(repeating: last))
            return unsafeBitCast(inside + magic, to: SIMD8<Int32>.self) &- bits
          }
          let (x, y, z) = (along(a.x, step.x), along(a.y, step.y), along(a.z, step.z))
          let index = whole(x, last.x) &+ whole(y, last.y) &* row &+ whole(z, last.z) &* area
          let at = Self.step * cell
          let count = 2 * min(Self.step, columns - at)
          let isNear = scratch.isNear[cell]
          for k in 0..<count {
            classes[first + 4 * (at + k / 2) + k & 1] = table[Int(voxels[Int(index[k])])]
          }
          if isNear {
            for k in 0..<count {
              let to = first + 4 * (at + k / 2) + k & 1
              let place = SIMD3<Float>(x[k], y[k], z[k]) * anatomy.spacing
              classes[to] = rim.tissue(classes[to], scratch.distance[at + k / 2], place, noise)
            }
          }
          if shapes.isEmpty { continue }
          let (low, high) = (pointwiseMin(a, b), pointwiseMax(a, b))
          for shape in shapes where Self.meets(shape, low, high) {
            for k in 0..<count {
              let to = first + 4 * (at + k / 2) + k & 1
              classes[to] = shape.tissue(classes[to], x[k], y[k], z[k], noise)
            }
          }
        }
      }
    }
  }
}
