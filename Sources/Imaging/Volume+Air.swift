extension Volume {
  /// Median over the eight corners, a twelfth of each side long: air in a scan of a head.
  var cornerMedian: Float { corners.median }

  /// The same, and the share of the corners' voxels that have this very value.
  private var corners: (median: Float, share: Double) {
    func ends(_ size: Int) -> [Int] {
      let length = max(1, size / 12)
      let step = max(1, length / 8)
      return stride(from: 0, to: length, by: step).flatMap { [$0, size - 1 - $0] }
    }
    let (columns, rows, slices) = (ends(dimensions.x), ends(dimensions.y), ends(dimensions.z))
    var values: [Float] = []
    for k in slices {
      for j in rows {
        for i in columns { values.append(voxels[i + dimensions.x * (j + dimensions.y * k)]) }
      }
    }
    values.sort()
    let median = values[values.count / 2]
    return (median, Double(values.count { $0 == median }) / Double(values.count))
  }

  /// Puts 0 where air has one value above 0, as where a constant was added to a scan whose air was cut off, or a value was laid
  /// around it: of a large field of view such air would count as the head, and set the scale.
  ///
  /// Where hardly anything is darker than that value, it was added to all of the scan and is taken off again.
  /// - Returns: the value; nil where air has none of that kind, and nothing was changed.
  package mutating func clearConstantAir() -> Float? {
    let (air, share) = corners
    // Noise in whole numbers has one value often, and others beside it: of 49 real scans up to half of the corners.
    guard share >= 0.9 else { return nil }
    guard air > 0, let upper = Percentile.of(voxels, 99.5), Double(air) > 0.005 * upper else { return nil }
    let equal = voxels.count { $0 == air }
    // A twentieth of a volume has one value by chance in no scan but one of few grey values.
    guard 20 * equal >= voxels.count, equal < voxels.count else { return nil }
    let darker = voxels.count { $0 < air }
    let wasAdded = 200 * darker < voxels.count - equal
    for voxel in voxels.indices {
      if voxels[voxel] == air {
        voxels[voxel] = 0
      } else if wasAdded {
        voxels[voxel] = max(0, voxels[voxel] - air)
      }
    }
    return air
  }
}
