import Imaging

/// Where a person's images are compared: the brain, or the head where no mask tells the brain, and parts of it.
public struct PersonRegions: Sendable {
  public let grid: VoxelGrid
  public let brain: [Bool]
  /// What lies `depth` mm or more from the outside, which ends where a plane's outline does.
  public let core: [Bool]
  /// Lesions within the brain, and the tissue within `reach` mm of them; nil where none are marked.
  public let lesion: [Bool]?, shell: [Bool]?
  /// What lies `inside` mm deep, where of a whole head hardly anything but brain is; all of the brain where nothing does.
  public let deep: [Bool]
  /// White matter that no lesion is near; nil where it is not known.
  public let whiteMatter: [Bool]?

  /// In mm.
  public static let depth = 3.0, reach = 10.0
  /// How far white matter lies from lesions, in mm.
  private static let distance = 5.0

  /// - Parameters:
  ///   - brain: [plane][row][column], of `grid`.
  ///   - lesion: the same; nil where nothing is marked.
  ///   - t1: a T1-weighted image, by which white matter is told: the most frequent intensity `inside` mm or more from the
  ///     border, within a tenth of it.
  ///   - inside: in mm: `depth` for brains, for heads far enough to be within the brain.
  public init(
    grid: VoxelGrid, brain: [Bool], lesion: [Bool]? = nil, t1: [Float]? = nil, inside: Double = depth
  ) {
    self.grid = grid
    self.brain = brain
    let outline = PersonRegions.filled(brain, grid.extent)
    let borders = DistanceTransform.squared(to: outline.map { !$0 }, on: grid)
    core = zip(brain, borders).map { $0 && $1 >= PersonRegions.depth * PersonRegions.depth }
    let deep = zip(brain, borders).map { $0 && $1 >= inside * inside }
    self.deep = deep.contains(true) ? deep : brain
    let marked = lesion.map { zip($0, brain).map { $0 && $1 } }.flatMap { $0.contains(true) ? $0 : nil }
    self.lesion = marked
    let distances = marked.map { DistanceTransform.squared(to: $0, on: grid) }
    shell = distances.map { distances in
      brain.indices.map {
        brain[$0] && distances[$0] > 0 && distances[$0] <= PersonRegions.reach * PersonRegions.reach
      }
    }
    let far = PersonRegions.distance * PersonRegions.distance
    let candidates = brain.indices.filter { voxel in
      deep[voxel] && (distances.map { $0[voxel] > far } ?? true)
    }
    whiteMatter = t1.flatMap { t1 in
      PersonRegions.mode(candidates.map { t1[$0] }).map { mode in
        var isWhite = [Bool](repeating: false, count: brain.count)
        for voxel in candidates where abs(t1[voxel] - mode) <= mode / 10 { isWhite[voxel] = true }
        return isWhite
      }
    }
  }

  /// The first plane with most of the lesions; nil where none are marked.
  package var fullestPlane: Int? {
    lesion.flatMap { lesion in
      let size = grid.extent.rows * grid.extent.columns
      let counts = (0..<grid.extent.planes).map { plane in
        lesion[plane * size..<(plane + 1) * size].count { $0 }
      }
      return counts.max().flatMap(counts.firstIndex)
    }
  }

  /// With what is enclosed in each plane: fluid, bone and air within a head are none of its outside.
  private static func filled(_ mask: [Bool], _ extent: Extent) -> [Bool] {
    var filled = mask
    PlaneHoles.fill(&filled, columns: extent.columns, rows: extent.rows, largest: .max)
    return filled
  }

  /// The most frequent of the numbers above 0, by a histogram of 128 bins that is smoothed; nil where there are few.
  static func mode(_ values: [Float]) -> Float? {
    let values = values.filter { $0 > 0 }
    guard values.count >= 100, let low = Percentile.of(values, 1), let high = Percentile.of(values, 99.5),
      high > low
    else { return nil }
    let bins = 128
    var counts = [Double](repeating: 0, count: bins)
    let width = (high - low) / Double(bins)
    for value in values {
      let place = (Double(value) - low) / width
      if place >= 0 && place < Double(bins) { counts[Int(place)] += 1 }
    }
    let kernel: [Double] = [1, 4, 6, 4, 1]
    let smooth = counts.indices.map { bin in
      kernel.indices.reduce(0) { sum, tap in
        let place = bin + tap - 2
        return sum + (counts.indices.contains(place) ? kernel[tap] * counts[place] : 0)
      }
    }
    guard let best = smooth.indices.max(by: { smooth[$0] < smooth[$1] }) else { return nil }
    return Float(low + (Double(best) + 0.5) * width)
  }
}
