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
  let planeSpacing: Float
  private let masses: [MassEffect]
  private let noise = NoiseTexture.shared

  init(
    anatomy: Anatomy, pose: HeadPose, rim: HeadRim, shapes: [LesionShape], table: [UInt8],
    coarse: SplineField,
    fine: SplineField, extent: Extent, voxel: Float, planeSpacing: Float
  ) {
    (self.anatomy, self.pose, self.rim, self.shapes, self.table) = (anatomy, pose, rim, shapes, table)
    (self.coarse, self.fine, self.extent) = (coarse, fine, extent)
    (self.voxel, self.planeSpacing) = (voxel, planeSpacing)
    masses = shapes.compactMap { $0.massEffect(in: pose) }
  }

  private static let step = 4

  /// A lattice point: the index in the map, and how far out the mask reaches there.
  typealias Point = SIMD4<Float>

  func paint() -> (classes: [UInt8], mask: [Float]) {
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
          let z = (Float(plane) - Float(planes - 1) / 2) * planeSpacing
          coarseRows.move(toZ: z)
          fineRows.move(toZ: z)
          for band in 0...bands {
            let y = (Float(Self.step * band) - Float(rows) / 2) * voxel
            coarseRows.evaluate(y: y, in: x.indices, into: &coarseRow)
            fineRows.evaluate(y: y, in: x.indices, into: &fineRow)
            for (column, x) in x.enumerated() {
              let (a, b) = (coarseRow[column], fineRow[column])
              let moved = SIMD3<Float>(x + a.x + b.x, y + a.y + b.y, z + a.z + b.z)
              lattice[band * (cells + 1) + column] = Point(lookup(moved), rim.reach(b.w, damage: a.w))
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

  /// The index in the map of a place in the slab, where nothing is displaced but by tumours.
  private func lookup(_ place: SIMD3<Float>) -> SIMD3<Float> {
    let index = pose.index(place)
    guard !masses.isEmpty else { return index }
    let surface = anatomy.surfaces[rim.surface]
    let depth = surface.values.withUnsafeBufferPointer { values in
      values.baseAddress.map { -SurfaceDistance.sample($0, surface.dimensions, index.x, index.y, index.z) }
        ?? 0
    }
    guard depth > 0 else { return index }
    let share = min(depth / MassEffect.yielding, 1)
    return pose.index(masses.reduce(place) { $0 + share * $1.displacement(at: place) })
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
    let met = shapes.filter { shape in
      (0..<width - 1).contains { shape.box.meets(lattice[start + $0], lattice[start + width + $0 + 1]) }
    }
    let boxes = met.map(\.box)
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
        look(scratch, met, boxes, classes, 4 * first + 2 * half)
      }
    }
  }

  /// Distances from the surface of a row of voxels, and their mask.
  private func measure(_ scratch: inout Scratch, _ mask: UnsafeMutableBufferPointer<Float>, _ first: Int) {
    let columns = extent.columns
    let n = anatomy.surface.dimensions
    anatomy.surfaces[rim.surface].values.withUnsafeBufferPointer { values in
      guard let values = values.baseAddress else { return }
      for cell in 0..<scratch.isNear.count {
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
  /// - Parameter boxes: the shapes', apart from them: to look at a shape is to retain what it refers to, which all threads share.
  private func look(
    _ scratch: Scratch, _ shapes: [LesionShape], _ boxes: [LesionShape.Box],
    _ classes: UnsafeMutableBufferPointer<UInt8>, _ first: Int
  ) {
    let columns = extent.columns
    let (row, area) = (anatomy.dimensions.x, anatomy.dimensions.x * anatomy.dimensions.y)
    anatomy.voxels.withUnsafeBufferPointer { voxels in
      table.withUnsafeBufferPointer { table in
        scratch.line.withUnsafeBufferPointer { line in
          for cell in 0..<(line.count - 1) {
            let (a, b) = (line[cell], line[cell + 1])
            let at = Self.step * cell
            let count = 2 * min(Self.step, columns - at)
            var (x, y, z) = (walk(a.x, b.x, axis: 0), walk(a.y, b.y, axis: 1), walk(a.z, b.z, axis: 2))
            let to = first + 4 * at
            var holdsVessels = false
            for k in 0..<count {
              let index = x.place >> 16 + row * (y.place >> 16) + area * (z.place >> 16)
              let tissue = table[Int(voxels[index])]
              classes[to + (k & ~1) << 1 + k & 1] = tissue
              holdsVessels = holdsVessels || HeadRim.holdsVessels(tissue)
              x.place += x.step
              y.place += y.step
              z.place += z.step
            }
            if scratch.isNear[cell] { edge(cell, a, b, scratch, classes, to, count) }
            if holdsVessels, rim.vesselRadius > 0 { vessels(a, b, classes, to, count) }
            for number in boxes.indices where boxes[number].meets(a, b) {
              shapes[number].lay(a, b, classes, to, count, noise)
            }
          }
        }
      }
    }
  }

  /// Larger vessels, in a cell with what holds them.
  private func vessels(
    _ a: Point, _ b: Point, _ classes: UnsafeMutableBufferPointer<UInt8>, _ first: Int, _ count: Int
  ) {
    let step = (b - a) * 0.125
    for k in 0..<count {
      let at = first + (k & ~1) << 1 + k & 1
      guard HeadRim.holdsVessels(classes[at]) else { continue }
      let p = a + step * (Float(k) + 0.5)
      classes[at] = rim.vessel(classes[at], SIMD3<Float>(p.x, p.y, p.z) * anatomy.spacing, noise)
    }
  }

  /// Eight steps from one lattice point to the next along an axis of the map, in 65536ths of an index, rounded to the
  /// nearest; what leads out of the map stays at its border.
  @inline(__always)
  private func walk(_ a: Float, _ b: Float, axis: Int) -> (place: Int, step: Int) {
    let last = Float(anatomy.dimensions[axis]) - 0.51
    let start = min(max(a + 0.5, 0.01), last + 0.5)
    let end = min(max(b + 0.5, 0.01), last + 0.5)
    let step = Int((end - start) * 8192)
    return (Int(start * 65536) + step / 2, step)
  }

  /// What lies about the outer surface, in a cell near it.
  private func edge(
    _ cell: Int, _ a: Point, _ b: Point, _ scratch: Scratch, _ classes: UnsafeMutableBufferPointer<UInt8>,
    _ first: Int, _ count: Int
  ) {
    let step = (b - a) * 0.125
    scratch.distance.withUnsafeBufferPointer { distance in
      for k in 0..<count {
        let at = first + (k & ~1) << 1 + k & 1
        let there = distance[Self.step * cell + k >> 1]
        guard rim.changes(classes[at], there) else { continue }
        let p = a + step * (Float(k) + 0.5)
        let place = SIMD3<Float>(p.x, p.y, p.z) * anatomy.spacing
        classes[at] = rim.tissue(classes[at], there, place, noise)
      }
    }
  }
}
