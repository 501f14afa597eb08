import Foundation
import Layers
import Metrics

/// What the CAGR modules of one network did to a sample of slices: how far each group's kernel was rolled, how
/// strongly it counted, and how open the channels' gates were (paper §3.2).
public struct RoutingSummary: Codable, Sendable, Equatable {
  /// The scale that training starts from, sigmoid(1).
  public static let startingScale = Routing.firstScale
  /// Below this mean length, in voxels, offsets count as not learned.
  public static let negligibleOffset = 0.01

  /// A mean and the standard deviation over the slices.
  public struct Figure: Codable, Sendable, Equatable {
    public var mean: Double
    public var deviation: Double

    public init(mean: Double, deviation: Double) { (self.mean, self.deviation) = (mean, deviation) }
  }

  /// One group of a module.
  public struct Group: Codable, Sendable, Equatable {
    /// Offsets in voxels: x to the right, y down the image and, in volumes, z; nothing where kernels are not rolled.
    public var x, y, z: Figure?
    public var scale: Figure?

    init(offsets: [Figure], scale: Figure?) {
      (x, y, z) = (offsets.first, offsets.dropFirst().first, offsets.dropFirst(2).first)
      self.scale = scale
    }

    public var offsets: [Figure] { [x, y, z].compactMap { $0 } }
    var length: Double { offsets.reduce(0) { hypot($0, $1.mean) } }
  }

  /// One CAGR module, by its place in the network.
  public struct Module: Codable, Sendable, Equatable {
    public var path: String
    public var groups: [Group]
    /// Mean over slices and groups of the offsets' length in voxels.
    public var meanOffset: Double?
    /// The length of the longest group's mean offset in voxels.
    public var largestOffset: Double?
    /// Root mean square over groups of the offsets' standard deviation over slices, in voxels: how far routing
    /// depends on the slice.
    public var offsetSpread: Double?
    public var meanScale: Double?
    public var meanGate: Double?
    /// Shares of the gates of all slices and channels in twenty equal parts of 0 ... 1.
    public var gates: [Double]
  }

  /// The run's name.
  public var name: String
  /// Slices in the sample.
  public var slices: Int
  public var modules: [Module]

  /// Whether any module has offsets.
  public var rolls: Bool { modules.contains { $0.meanOffset != nil } }
  /// Whether no module's kernels are rolled by more than `negligibleOffset` voxels on average.
  public var isUnrolled: Bool {
    rolls && modules.allSatisfy { ($0.meanOffset ?? 0) < RoutingSummary.negligibleOffset }
  }
}

/// Gathers what CAGR modules show, batch by batch.
package struct RoutingObservation {
  /// By module path, in order of appearance: per slice the offsets (x, y, … of each group in turn), scales and gates.
  private var order: [String] = []
  /// Axes along which kernels are rolled.
  private var axes = 2
  private var shown: [String: [String: [[Double]]]] = [:]

  package init() {}

  /// What CAGR modules show; networks show other things too.
  package static func isRouting(_ path: String) -> Bool {
    [".offset", ".scale", ".gate"].contains { path.hasSuffix($0) }
  }

  /// Takes what a layer shows of a batch under `module.offset` `[B, groups, axes]`, `module.scale` `[B, groups]` or
  /// `module.gate`.
  package mutating func add(_ path: String, _ values: [Double], shape: [Int]) {
    guard let dot = path.lastIndex(of: "."), let rows = shape.first, rows > 0 else { return }
    if path.hasSuffix(".offset"), let last = shape.last { axes = last }
    let module = String(path[..<dot])
    let kind = String(path[path.index(after: dot)...])
    if shown[module] == nil { order.append(module) }
    let width = values.count / rows
    for row in 0..<rows {
      shown[module, default: [:]][kind, default: []].append(Array(values[row * width..<(row + 1) * width]))
    }
  }

  package var isEmpty: Bool { order.isEmpty }

  package func summary(named name: String, slices: Int) -> RoutingSummary {
    RoutingSummary(name: name, slices: slices, modules: order.map { module($0) })
  }

  private func module(_ path: String) -> RoutingSummary.Module {
    let offsets = shown[path]?["offset"] ?? []
    let scales = shown[path]?["scale"] ?? []
    let gates = (shown[path]?["gate"] ?? []).flatMap { $0 }
    let count = max((offsets.first?.count ?? 0) / axes, scales.first?.count ?? 0)
    func figure(_ rows: [[Double]], _ column: Int) -> RoutingSummary.Figure? {
      let spread = Spread(rows.map { $0[column] })
      return spread.mean.map { .init(mean: $0, deviation: spread.standardDeviation ?? 0) }
    }
    let groups = (0..<count).map { group in
      RoutingSummary.Group(
        offsets: (0..<axes).compactMap { figure(offsets, axes * group + $0) }, scale: figure(scales, group))
    }
    let lengths = offsets.flatMap { row in
      stride(from: 0, to: row.count, by: axes).map { row[$0..<$0 + axes].reduce(0, hypot) }
    }
    let rolled = groups.filter { $0.x != nil }
    let variances = rolled.map { $0.offsets.reduce(0) { $0 + $1.deviation * $1.deviation } }
    var bins = [Double](repeating: 0, count: gates.isEmpty ? 0 : 20)
    for gate in gates { bins[min(19, max(0, Int(gate * 20)))] += 1 / Double(gates.count) }
    return RoutingSummary.Module(
      path: path, groups: groups, meanOffset: Spread(lengths).mean, largestOffset: rolled.map(\.length).max(),
      offsetSpread: Spread(variances).mean?.squareRoot(), meanScale: Spread(scales.joined()).mean,
      meanGate: Spread(gates).mean, gates: bins)
  }
}
