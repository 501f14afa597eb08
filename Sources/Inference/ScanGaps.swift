import Foundation
import Imaging

/// What scans do not show of a head that others show, beyond the ends of what was acquired: they were brought onto the grid of one
/// that shows more, and are 0 there. A network would take that for a head that is black.
struct ScanGaps {
  /// How thick, in mm, it must be along every axis: by less masks of brains differ that one program drew for each scan.
  private static let least = 4.0
  /// The least share of the head.
  private static let leastShare = 0.03

  /// By source that has some: its voxels, and the share that they are of the head as the others show it.
  private(set) var bySource: [Int: (voxels: [Bool], share: Double)] = [:]

  /// - Parameter images: by source, in LPS order on one grid, scaled by the foreground's rule; nothing for those that are not given.
  init(_ images: [Volume?], within outline: HeadOutline) {
    let given = images.indices.filter { images[$0] != nil }
    guard given.count > 1 else { return }
    let total = outline.isHead.count { $0 }
    for source in given {
      guard let image = images[source] else { continue }
      var gap = [Bool](repeating: false, count: image.voxels.count)
      image.markZeros(atEndsOf: VoxelLine.all(of: image.dimensions), in: &gap)
      for voxel in gap.indices where !outline.isHead[voxel] { gap[voxel] = false }
      let share = Double(gap.count { $0 }) / Double(max(1, total))
      guard share >= ScanGaps.leastShare,
        Double(ScanGaps.thick(gap, like: image)) >= ScanGaps.leastShare * Double(total)
      else { continue }
      bySource[source] = (gap, share)
    }
    // One at the least must tell of the others.
    if bySource.count == given.count,
      let fullest = bySource.min(by: { ($0.value.share, $0.key) < ($1.value.share, $1.key) })
    {
      bySource[fullest.key] = nil
    }
  }

  /// The same of images of which two are exchanged.
  func exchanging(_ first: Int, _ second: Int) -> ScanGaps {
    var gaps = self
    (gaps.bySource[first], gaps.bySource[second]) = (bySource[second], bySource[first])
    return gaps
  }

  /// What a reader should know, one sentence for each scan with gaps.
  func notes(of sources: [Modality]) -> [String] {
    bySource.sorted { $0.key < $1.key }.map { source, gap in
      String(
        format:
          "\(sources[source].title) shows nothing in %.0f %% of the head; what it lacks was computed of the others before",
        100 * gap.share)
    }
  }

  /// How many voxels lie in runs of so many mm along every axis.
  private static func thick(_ places: [Bool], like image: Volume) -> Int {
    var thinnest = [Double](repeating: .infinity, count: places.count)
    for line in VoxelLine.all(of: image.dimensions) {
      let spacing = image.affine.spacing[line.axis]
      var run = 0
      for place in 0...line.count {
        let voxel = line.start + place * line.step
        if place < line.count, places[voxel] {
          run += 1
          continue
        }
        for back in 1..<(run + 1) {
          let voxel = voxel - back * line.step
          thinnest[voxel] = min(thinnest[voxel], Double(run) * spacing)
        }
        run = 0
      }
    }
    return places.indices.count { places[$0] && thinnest[$0] >= least }
  }
}

extension PatientPass {
  /// Computes what scans do not show of the head from those that show it all, in axial planes.
  /// - Parameters:
  ///   - progress: slices done, and in all; what it throws ends it.
  ///   - begins: is told in words what begins, where there are gaps.
  /// - Throws: `.numerical` where the network gives NaN.
  func fillGaps(
    of inputs: inout PatientImages, within outline: HeadOutline, batchSize: Int,
    progress: (Int, Int) throws -> Void, begins: (String) throws -> Void
  ) throws -> ScanGaps {
    let gaps = ScanGaps(inputs.images, within: outline)
    guard !gaps.bySource.isEmpty else { return gaps }
    try begins("filling gaps")
    var images = inputs.take()
    try fill(gaps, of: &images, batchSize: batchSize, progress: progress)
    inputs.put(images)
    return gaps
  }

  private func fill(
    _ gaps: ScanGaps, of images: inout [Volume?], batchSize: Int, progress: (Int, Int) throws -> Void
  ) throws {
    let sources = gaps.bySource.keys.sorted()
    let whole = images.indices.map { sources.contains($0) ? nil : images[$0] }
    var pass = self.pass(over: whole, making: sources)
    try pass.run(predictor, batchSize: batchSize, progress: progress)
    for (source, made) in zip(sources, pass.takeOutputs()) {
      guard let gap = gaps.bySource[source]?.voxels, var image = images[source] else { continue }
      images[source] = nil
      // A scan that shows a part is on the scale of that part.
      var (products, squares) = (0.0, 0.0)
      for voxel in gap.indices where !gap[voxel] && image.voxels[voxel] > ForegroundScale.seen {
        products += Double(image.voxels[voxel] * made.voxels[voxel])
        squares += Double(made.voxels[voxel] * made.voxels[voxel])
      }
      let factor = squares > 0 ? Float(min(max(products / squares, 0.5), 2)) : 1
      for voxel in gap.indices where gap[voxel] {
        image.voxels[voxel] = min(factor * made.voxels[voxel], card.intensityRule.ceiling)
      }
      images[source] = image
    }
  }
}
