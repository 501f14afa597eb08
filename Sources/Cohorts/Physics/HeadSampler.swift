import Foundation
import Imaging

/// Draws computed heads: a slab is a function of the random source alone.
package struct HeadSampler: Sendable {
  package let anatomies: Anatomies
  package let options: HeadOptions
  private let shares: [Double]

  package init(_ anatomies: Anatomies, _ options: HeadOptions = HeadOptions()) {
    self.anatomies = anatomies
    self.options = options
    // Maps of three tissues know no nuclei, and are noisy: they count less.
    shares = anatomies.heads.map { $0.hasStructures ? 1 : 0.7 }
  }

  /// Draws a slab of one head.
  ///
  /// - Parameters:
  ///   - rows: and `columns` and `planes`: voxels, without the margin.
  ///   - margin: voxels added before and behind each row and column; planes have none.
  ///   - planeSpacing: from plane to plane, in mm.
  package func slab(
    _ random: inout RandomSource, rows: Int, columns: Int, planes: Int, margin: Int = 0,
    planeSpacing: Double = 1
  ) -> HeadSlab {
    let anatomy = anatomies.heads[random.index(weights: shares)]
    let isStripped = !(random.uniform() < options.wholeHeads && anatomy.isWhole)
    let isMirrored = random.uniform() < 0.5
    let voxel = random.uniform() < 0.5 ? 1 : random.uniform(options.smallestVoxel, options.largestVoxel)
    let plane = HeadPlane(&random, others: options.otherPlanes)
    var pose = HeadPose(anatomy.spacing, options, plane: plane, isMirrored: isMirrored, random: &random)
    let field =
      SIMD3<Double>(Double(columns), Double(rows), 0) * voxel + SIMD3(0, 0, Double(planes) * planeSpacing)
    let isOverFace = random.uniform() < options.faces && !isStripped
    let part = isOverFace ? Part.face(of: anatomy) : .brain(options)
    lay(&pose, plane, over: part, of: anatomy, field: field, random: &random)
    let rim = HeadRim(options, isStripped: isStripped, voxel: Float(voxel), random: &random)

    let disease = HeadDisease(
      options, hasStrokes: anatomies.lesions.contains { $0.kind == .stroke }, random: &random)
    let draw = LesionDraw(anatomy: anatomy, masks: anatomies.lesions) { [pose] index, radius in
      let position = pose.position(index)
      return abs(Double(position.z)) < 0.7 * radius + field.z / 2 && abs(Double(position.x)) < field.x / 2
        && abs(Double(position.y)) < field.y / 2
    }
    let shapes = draw.shapes(disease, &random)
    var table = [UInt8](0...255)
    table[Int(Anatomy.cord)] = TissueClass.brainStem.rawValue
    table[Int(Anatomy.sheet)] =
      (random.uniform() < 0.6 ? TissueClass.dura : TissueClass.sulcalFluid).rawValue
    if disease != .whiteMatterLesions {
      // The lesions that its owner has.
      for own in [TissueClass.plaque, .whiteMatterLesion] {
        table[Int(own.rawValue)] = TissueClass.whiteMatter.rawValue
      }
    }
    let (wide, high) = (columns + 2 * margin, rows + 2 * margin)
    let reach = SIMD3<Float>(
      Float(wide) * Float(voxel) / 2, Float(high) * Float(voxel) / 2, Float(planes) * Float(planeSpacing) / 2)
    func deviation(_ most: Double) -> Float { Float(most * random.uniform(0.3, 1)) }
    let (coarse, fine) = (deviation(options.coarseElastic), deviation(options.fineElastic))
    let elastic = (
      coarse: SplineField(
        low: -reach, high: reach, spacing: 30, deviation: [coarse, coarse, 0.7 * coarse, 1], limit: 2.5,
        random: &random),
      fine: SplineField(
        low: -reach, high: reach, spacing: 14,
        deviation: [fine, fine, 0.7 * fine, Float(options.maskRoughness)], limit: 2.5, random: &random)
    )
    let painter = SlabPainter(
      anatomy: anatomy, pose: pose, rim: rim, shapes: shapes, table: table, coarse: elastic.coarse,
      fine: elastic.fine, extent: Extent(planes, high, wide), voxel: Float(voxel),
      planeSpacing: Float(planeSpacing))
    let (classes, mask) = painter.paint()
    var volumes = rim.volumes(of: anatomy, table)
    let voxelVolume = Double(anatomy.spacing.x * anatomy.spacing.y * anatomy.spacing.z)
    for (tissue, volume) in shapes.flatMap(\.volumes) {
      volumes[Int(tissue.rawValue)] += volume / voxelVolume
      let white = Int(TissueClass.whiteMatter.rawValue)
      volumes[white] = max(0, volumes[white] - volume / voxelVolume)
    }
    return HeadSlab(
      extent: Extent(planes, high, wide), voxel: voxel, planeSpacing: planeSpacing, classes: classes,
      mask: mask,
      plane: plane, isStripped: isStripped, isOverFace: isOverFace, volumes: volumes, anatomy: anatomy.name)
  }

  /// Lays the field over the head, where it shows what it is meant to show.
  private func lay(
    _ pose: inout HeadPose, _ plane: HeadPlane, over part: Part, of anatomy: Anatomy, field: SIMD3<Double>,
    random: inout RandomSource
  ) {
    func double(_ v: SIMD3<Int>) -> SIMD3<Double> { [Double(v.x), Double(v.y), Double(v.z)] }
    let (low, high) = (double(anatomy.low), double(anatomy.high))
    let spacing = SIMD3<Double>(anatomy.spacing)
    let extent = (high - low) * spacing
    for _ in 0..<12 {
      var centre = (low + high) / 2
      // The level first, which faces have in every plane; then what is left of the place within the plane.
      if plane == .axial || part.isFace {
        centre.z = low.z + random.uniform(part.lowest, part.highest) * (high.z - low.z)
      }
      if plane != .axial {
        let axis = plane.orientation.axes.z
        centre[axis] = low[axis] + random.uniform(Part.sides, 1 - Part.sides) * (high[axis] - low[axis])
      }
      for direction in 0..<2 {
        let axis = plane.orientation.axes[direction]
        if axis == 2 && part.isFace { continue }
        let room = abs(extent[axis] - field[direction]) / 2 + 8
        centre[axis] += random.uniform(-room, room) / spacing[axis]
      }
      if part.isFace { centre.y -= random.uniform(0, part.forward) / spacing.y }
      pose.centre = SIMD3<Float>(centre)
      let shown = shown(pose, anatomy, field)
      if shown.brain >= part.leastBrain && shown.head >= part.leastHead { return }
    }
    // A level that none can miss.
    pose.centre = SIMD3<Float>((low + high) / 2)
  }

  /// The shares of a coarse lattice over the field that meet brain, and anything of the head.
  private func shown(
    _ pose: HeadPose, _ anatomy: Anatomy, _ field: SIMD3<Double>
  ) -> (brain: Double, head: Double) {
    let steps = 24
    var (brain, head) = (0, 0)
    let n = anatomy.dimensions
    for row in 0..<steps {
      for column in 0..<steps {
        let x = Float(field.x) * ((Float(column) + 0.5) / Float(steps) - 0.5)
        let y = Float(field.y) * ((Float(row) + 0.5) / Float(steps) - 0.5)
        let index = pose.index([x, y, 0])
        let (i, j, k) = (Int(index.x + 0.5), Int(index.y + 0.5), Int(index.z + 0.5))
        guard i >= 0, j >= 0, k >= 0, i < n.x, j < n.y, k < n.z else { continue }
        let label = anatomy.voxels[i + n.x * (j + n.y * k)]
        brain += LabelSet.brain[label] ? 1 : 0
        head += label == TissueClass.background.rawValue ? 0 : 1
      }
    }
    return (Double(brain) / Double(steps * steps), Double(head) / Double(steps * steps))
  }
}

/// A part of the head that samples are drawn from.
private struct Part {
  /// Levels that its middle lies between, as shares of the brain's height.
  let lowest: Double, highest: Double
  /// How far to the front it may lie, in mm.
  let forward: Double
  /// The least shares of the field that brain, and that anything of the head, takes.
  let leastBrain: Double, leastHead: Double
  /// Of the brain's width and length, how much lies to either side of all planes that are not axial.
  static let sides = 0.03

  var isFace: Bool { forward > 0 }

  static func brain(_ options: HeadOptions) -> Part {
    Part(lowest: 0.06, highest: 0.98, forward: 0, leastBrain: options.leastBrain, leastHead: 0)
  }

  /// Face and neck, whether or not there is brain behind them.
  static func face(of anatomy: Anatomy) -> Part {
    let height = Double(anatomy.high.z - anatomy.low.z) * Double(anatomy.spacing.z)
    // Label maps are cut off 15 mm beneath the brain.
    return Part(lowest: -10 / height, highest: 0.45, forward: 40, leastBrain: 0, leastHead: 0.3)
  }
}
