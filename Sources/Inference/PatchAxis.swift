import Foundation

/// Where the boxes that a network sees lie along one axis of a volume, and how much each counts at each of its voxels.
///
/// Boxes that are smaller than the volume overlap by half or more. At a border within the volume a box lacks the neighbours
/// that the volume has, so an eighth of it counts nothing there; from there on a Gaussian window, an eighth of the box wide
/// and lowered to begin at 0, passes from one box to the next. Towards the volume's own border, where box and volume lack the
/// same, the outermost box counts in full. At every voxel the weights sum to 1: no seam, and no volume of weights.
struct PatchAxis {
  /// The first voxel of each box: below 0 where it is larger than the volume, which leaves an equal margin on both sides.
  let starts: [Int]
  /// By box, for each of its voxels.
  let weights: [[Float]]

  /// - Parameters:
  ///   - side: voxels of a box.
  ///   - size: voxels of the volume.
  init(side: Int, size: Int) {
    let room = size - side
    let count = room > 0 ? 1 + (room + max(1, side / 2) - 1) / max(1, side / 2) : 1
    let starts = count > 1 ? (0..<count).map { $0 * room / (count - 1) } : [room / 2]
    let windows = starts.indices.map { number in
      PatchAxis.window(side, endsVolume: (number == 0, number == count - 1))
    }
    var totals = [Double](repeating: 0, count: size)
    func places(_ start: Int) -> Range<Int> { max(0, -start)..<min(side, size - start) }
    for (start, window) in zip(starts, windows) {
      for place in places(start) { totals[start + place] += window[place] }
    }
    weights = zip(starts, windows).map { start, window in
      var weights = [Float](repeating: 0, count: side)
      for place in places(start) { weights[place] = Float(window[place] / totals[start + place]) }
      return weights
    }
    self.starts = starts
  }

  /// - Parameter endsVolume: whether no box lies before, and none behind.
  private static func window(_ side: Int, endsVolume: (before: Bool, behind: Bool)) -> [Double] {
    let (middle, deviation) = (Double(side - 1) / 2, Double(side) / 8)
    func bell(_ distance: Double) -> Double { exp(-distance * distance / (2 * deviation * deviation)) }
    let least = bell(Double(side) / 2 - Double(side / 8))
    return (0..<side).map { place in
      let distance = Double(place) - middle
      if distance < 0 ? endsVolume.before : endsVolume.behind { return 1 }
      return max(0, bell(distance) - least) / (1 - least)
    }
  }
}
