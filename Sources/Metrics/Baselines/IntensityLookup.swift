/// The second honest baseline: the target's expected intensity, given the sources' intensities at that voxel.
///
/// A table over [0, 1]^S, read with multilinear interpolation: whatever a network adds must come from looking
/// at more than one voxel. Small enough to keep as JSON.
public struct IntensityLookup: Sendable, Equatable {
  public let sources: [String]
  public let target: String
  /// Pixels the table was fitted on.
  public let pixels: Int
  /// Expected target intensity at the nodes; the first source's axis runs fastest.
  public let table: [Float]

  private let grid: IntensityGrid

  /// Nodes along each source's axis, from intensity 0 to 1.
  public var nodes: Int { grid.nodes }

  init(sources: [String], target: String, grid: IntensityGrid, pixels: Int, table: [Float]) {
    self.sources = sources
    self.target = target
    self.grid = grid
    self.pixels = pixels
    self.table = table
  }

  /// The prediction for one slice from its sources, in the order of `sources`, scaled to [0, 1].
  public func callAsFunction(_ images: [[Float]]) -> [Float] {
    let count = images.first?.count ?? 0
    return grid.withViews(of: images, count: count) { views in
      withUnsafeTemporaryAllocation(of: Int.self, capacity: 1 << grid.sources) { indices in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 1 << grid.sources) { weights in
          guard let corner = indices.baseAddress, let weight = weights.baseAddress else { return [] }
          return table.withUnsafeBufferPointer { table in
            [Float](unsafeUninitializedCapacity: count) { output, filled in
              for pixel in 0..<count {
                var value: Float = 0
                for c in 0..<grid.corners(of: pixel, in: views, corner, weight) {
                  value += weight[c] * table[corner[c]]
                }
                output.initializeElement(at: pixel, to: value)
              }
              filled = count
            }
          }
        }
      }
    }
  }
}

extension IntensityLookup: Codable {
  private enum CodingKeys: String, CodingKey { case sources, target, nodes, pixels, table }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    sources = try container.decode([String].self, forKey: .sources)
    target = try container.decode(String.self, forKey: .target)
    pixels = try container.decode(Int.self, forKey: .pixels)
    table = try container.decode([Float].self, forKey: .table)
    let nodes = try container.decode(Int.self, forKey: .nodes)
    guard (1...8).contains(sources.count), (2...64).contains(nodes) else {
      throw DecodingError.dataCorruptedError(
        forKey: .nodes, in: container,
        debugDescription: "a look-up has 1 to 8 sources and 2 to 64 nodes an axis")
    }
    grid = IntensityGrid(sources: sources.count, nodes: nodes)
    guard table.count == grid.count, table.allSatisfy(\.isFinite) else {
      throw DecodingError.dataCorruptedError(
        forKey: .table, in: container,
        debugDescription: "the table must hold \(grid.count) finite numbers, and has \(table.count) entries")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(sources, forKey: .sources)
    try container.encode(target, forKey: .target)
    try container.encode(nodes, forKey: .nodes)
    try container.encode(pixels, forKey: .pixels)
    try container.encode(table, forKey: .table)
  }
}
