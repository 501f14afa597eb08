import Imaging

extension SlabImages {
  /// The mask of the slab's middle plane, without the margin.
  func mask(of slab: HeadSlab) -> [Float] {
    let first = slab.extent.planes / 2 * count
    return (0..<rows).flatMap { row in
      let start = first + (row + Self.margin) * wideColumns + Self.margin
      return slab.mask[start..<start + columns]
    }
  }

  /// How much an error counts, of every voxel of the slice.
  ///
  /// Tissue 1 and lesions more; the outermost 2 mm of a stripped brain less, and what lies outside the brain of a whole head,
  /// of which other contrasts tell little; the empty rest a little, so that it is learned to be 0.
  func weigh(
    _ slab: HeadSlab, mask: [Float], _ options: PhysicsOptions, into result: UnsafeMutablePointer<Float>
  ) {
    let byClass = (0..<256).map { raw -> Float in
      guard let tissue = TissueClass(rawValue: UInt8(raw)), tissue != .background else {
        return Float(slab.isStripped ? 1 : options.backgroundWeight)
      }
      if tissue.isLesion { return Float(options.lesionWeight) }
      return tissue.isExtracerebral && !slab.isStripped ? Float(options.outerWeight) : 1
    }
    let (empty, rim) = (Float(options.backgroundWeight), Float(options.rimWeight))
    if slab.isStripped { erode(slab, by: Int((2 / slab.voxel).rounded())) }
    let first = slab.extent.planes / 2 * count
    for row in 0..<rows {
      for column in 0..<columns {
        let wide = (row + Self.margin) * wideColumns + column + Self.margin
        let four = 4 * (first + wide)
        let parts = (0..<4).reduce(Float(0)) { $0 + byClass[Int(slab.classes[four + $1])] }
        let index = row * columns + column
        guard slab.isStripped else {
          result[index] = parts / 4
          continue
        }
        let inner = plane[wide] > 0.5 ? parts / 4 : rim * parts / 4
        result[index] = empty + mask[index] * (inner - empty)
      }
    }
  }

  /// The smallest mask within so many voxels along either axis, into `plane`.
  private func erode(_ slab: HeadSlab, by radius: Int) {
    let first = slab.extent.planes / 2 * count
    slab.mask.withUnsafeBufferPointer { mask in
      guard let base = mask.baseAddress else { return }
      let mask = base + first
      for row in 0..<wideRows {
        let to = spare + row * wideColumns
        to.update(from: mask + row * wideColumns, count: wideColumns)
        for other in max(0, row - radius)...min(wideRows - 1, row + radius) {
          let from = mask + other * wideColumns
          for column in 0..<wideColumns { to[column] = to[column] < from[column] ? to[column] : from[column] }
        }
      }
    }
    for row in 0..<wideRows {
      let (from, to) = (spare + row * wideColumns, plane + row * wideColumns)
      to.update(from: from, count: wideColumns)
      for step in stride(from: 1, through: radius, by: 1) where step < wideColumns {
        for column in 0..<wideColumns - step {
          to[column] = min(to[column], from[column + step])
          to[column + step] = min(to[column + step], from[column])
        }
      }
    }
  }
}
