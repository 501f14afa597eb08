import Failures

/// A region of a label map: the labels that belong to it.
public struct LabelRegion: Sendable, Equatable, Codable {
  public var name: String
  public var labels: [UInt8]

  public init(_ name: String, labels: [UInt8]) {
    self.name = name
    self.labels = labels
  }

  /// Which voxels of a label map belong to it.
  public func mask(of map: some Sequence<UInt8>) -> [Bool] {
    var belongs = [Bool](repeating: false, count: 256)
    for label in labels { belongs[Int(label)] = true }
    return map.map { belongs[Int($0)] }
  }

  /// Whole tumour, tumour core and enhancing tumour of BraTS: 1 necrotic core, 2 oedema, 3 enhancing.
  /// - Parameter enhancing: the enhancing tumour's label: 3 in BraTS2023, 4 in older releases.
  public static func braTS(enhancing: UInt8 = 3) -> [LabelRegion] {
    [
      LabelRegion("WT", labels: [1, 2, enhancing]), LabelRegion("TC", labels: [1, enhancing]),
      LabelRegion("ET", labels: [enhancing]),
    ]
  }
}

extension [LabelRegion] {
  /// What is wrong with them, or nil: names and labels must be told apart, of two that share labels one must be a part of the
  /// other, and the parts of a region follow the whole, so that every region has a label of its own (`ownLabels`).
  public var refusal: String? {
    if isEmpty { return "regions is empty; name one or more, each with its labels" }
    if let region = first(where: { $0.name.isEmpty || $0.labels.isEmpty || $0.labels.contains(0) }) {
      return "regions: '\(region.name)' needs a name and labels from 1 to 255"
    }
    if Set(map(\.name)).count < count { return "regions: two have one name" }
    guard ownLabels.contains(nil) == false else {
      return "regions: list the whole before its parts, so that each has a label that no later one has"
    }
    for (place, part) in enumerated() {
      // A voxel has one label, which tells of both only where one holds the other.
      guard
        let other = self[..<place].first(where: {
          !Set($0.labels).isDisjoint(with: part.labels) && !Set($0.labels).isSuperset(of: part.labels)
        })
      else { continue }
      return "regions: '\(other.name)' and '\(part.name)' share labels, and neither is a part of the other"
    }
    return nil
  }

  /// Of each region the label that a voxel gets which is in it and in no later one; nil where later ones have them all.
  package var ownLabels: [UInt8?] {
    indices.map { index in
      let later = self[(index + 1)...].flatMap(\.labels)
      return self[index].labels.first { !later.contains($0) }
    }
  }

  /// The label map of `count` voxels of whose regions `contains` says (region, voxel) whether they hold a voxel: the last
  /// region that does decides, 0 where none does.
  public func labels(of count: Int, where contains: (Int, Int) -> Bool) -> [UInt8] {
    let own = ownLabels.map { $0 ?? 0 }
    return (0..<count).map { voxel in
      indices.last { contains($0, voxel) }.map { own[$0] } ?? 0
    }
  }

  /// The same of regions' likelihoods: a region holds what is in it more likely than not.
  /// - Parameter likelihood: of a voxel being in a region (region, voxel), from 0 to 1.
  package func likeliest(of count: Int, _ likelihood: (Int, Int) -> Float) -> [UInt8] {
    labels(of: count) { likelihood($0, $1) > 0.5 }
  }

  /// `WT (1, 2, 3), TC (1, 3), ET (3)`
  public var words: String {
    map { "\($0.name) (\($0.labels.map { "\($0)" }.joined(separator: ", ")))" }.joined(separator: ", ")
  }
}
