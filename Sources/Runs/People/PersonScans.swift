import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Inference
import Metrics

/// One person's scans, straight from the files: in LPS order on one grid, with what is known of where the brain and lesions
/// are.
struct PersonScans {
  let id: String
  /// Who it is, of whom this may be one visit of several.
  let patient: String
  /// The name by which the folder is told from others.
  let cohort: String
  /// Whole, as they are handed to a model.
  let volumes: [Modality: (name: String, volume: Volume)]
  let regions: PersonRegions
  /// Whether the scans show the brain alone.
  let isStripped: Bool
  /// The part of the volumes in which images are compared.
  private let box: PersonBox
  /// Within that part, scaled as a model of whatever is missing sees them, but not clipped.
  let images: [Modality: [Float]]
  /// By contrast, of the whole volume: what images are divided by, and the 99.5th percentile in that unit.
  let percentiles: [Modality: Double]

  /// By contrast, the intensity that pictures show as white: fat and skin of a whole head would leave the brain grey.
  let whites: [Modality: Float]
  /// The plane that pictures show: the first with most of the lesions, or the one in the middle of what is compared.
  let shownPlane: Int

  var modalities: [Modality] { Modality.allCases.filter { volumes[$0] != nil } }

  /// - Parameters:
  ///   - needed: of the subject's scans. Others only tell where the brain is, and its white matter, where they can.
  ///   - alignment: how scans and maps on other grids come onto one.
  /// - Throws: what reading throws; `.inconsistent` where the scans or maps are not on one grid and nothing brings them there.
  init(
    _ subject: Subject, of cohort: any Cohort, named name: String, needed: [Modality],
    by alignment: ScanAlignment = ScanAlignment()
  ) throws {
    (id, patient, self.cohort) = (subject.id, subject.patient, name)
    var volumes: [Modality: (name: String, volume: Volume)] = [:]
    func read(_ modality: Modality) throws -> (name: String, volume: Volume) {
      let path = try subject.path(of: modality)
      let image = try NIfTI.read(path: path)
      guard !image.header.isSynthetic else {
        throw Failure(
          .refused,
          "\(path): was computed and not acquired, says its header, so that nothing can be measured on it; take it out of the"
            + " folder")
      }
      var volume = try image.volume.checked(name: path).reoriented(to: .lps)
      _ = volume.clearConstantAir()
      return (path, volume)
    }
    let given = subject.modalities.filter(needed.contains)
    guard !given.isEmpty else { throw Failure(.inconsistent, "\(subject.id): has no scans") }
    for modality in given { volumes[modality] = try read(modality) }
    let reference = alignment.reference(of: given)
    let grids = volumes.mapValues(\.volume.grid)
    let placements = try alignment.align(&volumes, in: given)
    guard let (fixed, grid) = volumes[reference].map({ ($0.name, $0.volume.grid) }) else {
      preconditionFailure("the reference is one of the scans")
    }
    for modality in subject.modalities where volumes[modality] == nil {
      guard let scan = try? read(modality), scan.volume.grid.matches(grid) else { continue }
      volumes[modality] = scan
    }
    let order = Modality.allCases.compactMap { volumes[$0] }
    try order.map { (name: $0.name, grid: $0.volume.grid) }.checkAlike()
    self.volumes = volumes

    func map(_ path: String) throws -> Volume {
      let volume = try NIfTI.read(path: path).volume.reoriented(to: .lps)
      guard alignment.rule == nil || volume.grid.matches(grid) else {
        return try placements.bring(volume, to: grid) { grids[$0] }
      }
      try [(fixed, grid), (path, volume.grid)].map { (name: $0.0, grid: $0.1) }.checkAlike()
      return volume
    }
    let maps = subject.labelMaps
    var known: [Bool]?
    let lesion = try maps.chosen(map) { _, volume in known = known ?? volume.marked }?.volume.marked
    for (path, isMask) in maps.brains where known == nil {
      let volume = try map(path)
      if isMask || LesionMaps.marksBrain(volume) { known = volume.marked }
    }
    let voxels = order.map(\.volume.voxels)
    let limits = voxels.map { Float(ForegroundScale.floor * (ForegroundScale.of($0) ?? 0)) }
    isStripped =
      PersonScans.isAirZero(voxels[0], limits[0])
      && !(HeadShape(order.map(\.volume), factors: limits.map { ForegroundScale.seen / $0 })?.isWholeHead
        ?? false)
    let brain = known ?? (isStripped ? PersonScans.anySignal(voxels) : PersonScans.foreground(voxels, limits))
    let box = PersonBox(brain, grid.dimensions)
    self.box = box
    var (images, percentiles): ([Modality: [Float]], [Modality: Double]) = ([:], [:])
    for (modality, scan) in volumes {
      guard let scale = ForegroundScale.of(scan.volume.voxels),
        let upper = Percentile.of(scan.volume.voxels, 99.5), upper > 0
      else { throw Failure(.malformed, "\(scan.name): cannot be scaled: nothing of it lies above 0") }
      let factor = Float(ForegroundScale.level / scale)
      images[modality] = box.cut(scan.volume.voxels).map { max(0, $0) * factor }
      percentiles[modality] = upper * Double(factor)
    }
    (self.images, self.percentiles) = (images, percentiles)
    let spacing = grid.affine.spacing
    regions = PersonRegions(
      grid: VoxelGrid(box.extent, spacing: [spacing.z, spacing.y, spacing.x]), brain: box.cut(brain),
      lesion: lesion.map(box.cut), t1: images[.t1],
      inside: known != nil || isStripped ? PersonRegions.depth : 25)
    let deep = regions.deep
    whites = images.compactMapValues { Percentile.white(of: $0, inside: deep) }
    shownPlane = regions.fullestPlane ?? box.extent.planes / 2
  }

  /// What was made on the grid of the volumes, as images are cut.
  func cut(_ volume: Volume) -> [Float] { box.cut(volume.voxels) }

  /// A head lies in air, whose noise is hardly ever 0, or fades out through skin; what was cut out of its skull ends at zeros, and
  /// so does a head whose air was put to 0.
  private static func isAirZero(_ voxels: [Float], _ limit: Float) -> Bool {
    let (signal, faint) = (voxels.count { $0 > limit }, voxels.count { $0 > limit / 60 && $0 <= limit })
    return Double(faint) < 0.4 * Double(signal)
  }

  /// Where half of the images or more are above 0.
  private static func anySignal(_ images: [[Float]]) -> [Bool] {
    images[0].indices.map { voxel in 2 * images.count { $0[voxel] > 0 } >= images.count }
  }

  private static func foreground(_ images: [[Float]], _ limits: [Float]) -> [Bool] {
    images[0].indices.map { voxel in images.indices.contains { images[$0][voxel] > limits[$0] } }
  }
}

/// A box around a region, with a margin.
struct PersonBox {
  let extent: Extent
  private let rows: [Range<Int>]

  init(_ mask: [Bool], _ size: SIMD3<Int>, margin: Int = 2) {
    var (low, high) = (size, SIMD3<Int>(repeating: -1))
    for voxel in mask.indices where mask[voxel] {
      let (line, x) = voxel.quotientAndRemainder(dividingBy: size.x)
      let place = SIMD3(x, line % size.y, line / size.y)
      (low, high) = (pointwiseMin(low, place), pointwiseMax(high, place))
    }
    if high.min() < 0 { (low, high) = (.zero, size &- 1) }
    low = pointwiseMax(low &- margin, .zero)
    high = pointwiseMin(high &+ margin, size &- 1)
    let count = high &- low &+ 1
    extent = Extent(count.z, count.y, count.x)
    rows = (low.z...high.z).flatMap { plane in
      (low.y...high.y).map { row in
        let start = (plane * size.y + row) * size.x + low.x
        return start..<start + count.x
      }
    }
  }

  func cut<Value>(_ values: [Value]) -> [Value] {
    var part: [Value] = []
    part.reserveCapacity(extent.count)
    for row in rows { part += values[row] }
    return part
  }
}

extension Volume {
  /// The voxels that a label map marks.
  fileprivate var marked: [Bool] { voxels.map { $0 > 0 } }
}
