import Failures
import Files
import Imaging

/// One subject's voxels as the store holds them.
struct SubjectSlices: Sendable {
  /// [slice][modality][row][column], 65535 standing for 1; only the first `slices.count` slices are in use.
  var pixels: [UInt16]
  /// [slice][row][column], or empty.
  var labels: [UInt8]
  /// Indices of the kept slices.
  var slices: [Int]
  var scans: [CohortManifest.Scan]
  var labelSource: CohortManifest.Source?
  /// In the order of the modalities.
  var shapes: [IntensityShape]
  var account: Account

  /// What the user hears of it.
  struct Account: Sendable {
    /// Empty slices left out.
    var dropped: Int
    /// Share of the non-zero voxels that the image size cuts off.
    var cropped: Double
    /// Why the label map was not stored.
    var note: String?
    /// What the voxels betray.
    var findings: [ScanCheck.Finding] = []
  }
}

/// Makes a subject's slices: read, turn to LPS, scale, pad or crop, quantise.
struct SliceMaker: Sendable {
  var cohort: any Cohort
  var modalities: [Modality]
  var size: ImageSize
  /// Whether slices are stretched to `size` (IXI) rather than padded or cropped.
  var resizes: Bool
  /// Whether slices that are zero in all modalities are left out.
  var dropsEmpty: Bool
  /// Whether one image may serve as two modalities.
  var allowsDuplicates = false

  /// Bytes of slices that one subject may have in memory.
  private static let largest = 1 << 33

  /// Row and column of the stored image at which a grid begins.
  func offset(of grid: Grid) -> (row: Int, column: Int) {
    if isResized(grid) { return (0, 0) }
    // Shifted, not divided: an odd difference rounds the same way whether it pads or crops.
    return ((size.height - grid.dimensions.y) >> 1, (size.width - grid.dimensions.x) >> 1)
  }

  func isResized(_ grid: Grid) -> Bool {
    resizes && (grid.dimensions.y != size.height || grid.dimensions.x != size.width)
  }

  /// Throws a `Failure` that names the file for a scan that cannot be used.
  func make(_ plan: SubjectPlan) throws -> SubjectSlices {
    let image = size.height * size.width
    let stride = image * modalities.count
    guard plan.slices.count <= Self.largest / (2 * stride) else {
      throw Failure(
        .limit,
        "\(plan.subject.id): \(plan.slices.count) slices of \(size) in \(modalities.count) modalities take more than"
          + " \(Self.largest >> 30) GiB; choose a smaller --size or fewer --slices")
    }
    var pixels = [UInt16](repeating: 0, count: plan.slices.count * stride)
    var isUsed = [Bool](repeating: !dropsEmpty, count: plan.slices.count)
    var scans: [CohortManifest.Scan] = []
    var (checks, findings): ([ScanCheck], [ScanCheck.Finding]) = ([], [])
    var (inside, everywhere) = (0, 0)
    for (channel, modality) in modalities.enumerated() {
      let path = try plan.subject.path(of: modality)
      var volume = try cohort.volume(modality, of: plan.subject).reoriented(to: .lps)
      let check = try ScanCheck(volume, path: path, name: path.fileName)
      for other in checks { findings += other.findings(with: check, sharesGrid: plan.resampled.isEmpty) }
      findings += check.findings
      checks.append(check)
      let content = VoxelDigest.of(volume)
      if let other = scans.first(where: { $0.content == content }), !allowsDuplicates {
        throw Failure(
          .inconsistent,
          "\(plan.subject.id): \(other.modality.title) and \(modality.title) are one and the same image"
            + " (\(other.source.file), \(relative(path))): one of them is mislabelled")
      }
      let resampled = plan.resampled.contains(modality)
      if resampled {
        volume = try volume.resampled(to: plan.grid, threads: 1).checked(name: "\(path), resampled,")
      }
      let scale = try IntensityScale(of: volume.voxels, name: path)
      for place in 0..<plan.slices.count {
        let count = store(
          volume, slice: plan.slices.lowerBound + place, scale: Float(scale.upper),
          at: place * stride + channel * image,
          in: &pixels)
        isUsed[place] = isUsed[place] || count.inside > 0
        inside += count.inside
        everywhere += count.everywhere
      }
      let (digest, bytes) = try SHA256.ofFile(path)
      scans.append(
        CohortManifest.Scan(
          modality: modality, scale: scale.upper, clippedAbove: scale.clippedAbove,
          clippedBelow: scale.clippedBelow, resampled: resampled,
          source: .init(file: relative(path), bytes: bytes, sha256: digest), content: content))
    }
    let kept = isUsed.indices.filter { isUsed[$0] }
    guard !kept.isEmpty else {
      throw Failure(
        .malformed, "\(plan.subject.id): every slice is empty; use another slice rule or image size")
    }
    compact(&pixels, kept: kept, stride: stride)
    let slices = kept.map { plan.slices.lowerBound + $0 }
    let shapes = pixels.withUnsafeBufferPointer { all in
      let used = UnsafeBufferPointer(rebasing: all[..<(kept.count * stride)])
      return modalities.indices.map { IntensityShape(used, channel: $0, of: modalities.count, image: image) }
    }
    var account = SubjectSlices.Account(
      dropped: plan.slices.count - kept.count,
      cropped: everywhere == 0 ? 0 : 1 - Double(inside) / Double(everywhere), findings: findings)
    var labels: [UInt8] = []
    var labelSource: CohortManifest.Source?
    do {
      (labels, labelSource) = try self.labels(plan, slices: slices)
    } catch let failure as Failure {
      // Synthesis needs no labels: a bad map costs the subject its labels only.
      account.note = "labels of \(plan.subject.id) are not stored: \(failure.message)"
    }
    return SubjectSlices(
      pixels: pixels, labels: labels, slices: slices, scans: scans, labelSource: labelSource, shapes: shapes,
      account: account)
  }

  private func relative(_ path: String) -> String {
    let folder = cohort.folder.hasSuffix("/") ? cohort.folder : cohort.folder + "/"
    return path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : path.fileName
  }

  /// Writes one slice of one modality; counts non-zero pixels in the image and on the whole slice.
  private func store(
    _ volume: Volume, slice: Int, scale: Float, at first: Int, in pixels: inout [UInt16]
  ) -> (inside: Int, everywhere: Int) {
    let (width, height) = (volume.dimensions.x, volume.dimensions.y)
    let start = slice * width * height
    if isResized(volume.grid) {
      let scaled = volume.voxels[start..<start + width * height].map { min(max($0 / scale, 0), 1) }
      let image = Picture.resized(
        scaled, width: width, height: height, toWidth: size.width, toHeight: size.height)
      let count = quantise(image, 0..<size.height * size.width, scale: 1, to: first, in: &pixels)
      return (count, count)
    }
    let (top, left) = offset(of: volume.grid)
    let rows = max(0, -top)..<min(height, size.height - top)
    let columns = max(0, -left)..<min(width, size.width - left)
    var inside = 0
    for row in rows {
      let from = start + row * width
      inside += quantise(
        volume.voxels, from + columns.lowerBound..<from + columns.upperBound, scale: scale,
        to: first + (row + top) * size.width + columns.lowerBound + left, in: &pixels)
    }
    guard rows.count < height || columns.count < width else { return (inside, inside) }
    let threshold = scale / 131070
    return (inside, volume.voxels[start..<start + width * height].count { $0 > threshold })
  }

  /// Scales, clips to [0, 1] and rounds to 16 bits; returns how many pixels are not zero.
  private func quantise(
    _ voxels: [Float], _ range: Range<Int>, scale: Float, to first: Int, in pixels: inout [UInt16]
  ) -> Int {
    let factor = 65535 / scale
    var count = 0
    voxels.withUnsafeBufferPointer { voxels in
      pixels.withUnsafeMutableBufferPointer { pixels in
        var to = first
        for index in range {
          // Adding 2^23 leaves the rounded integer in the low bits: no checked conversion, so it vectorises.
          let value = min(max(voxels[index] * factor, 0), 65535) + 8_388_608
          let stored = UInt16(truncatingIfNeeded: value.bitPattern)
          pixels[to] = stored.littleEndian
          count += stored == 0 ? 0 : 1
          to += 1
        }
      }
    }
    return count
  }

  /// Moves the kept slices to the front.
  private func compact(_ pixels: inout [UInt16], kept: [Int], stride: Int) {
    pixels.withUnsafeMutableBufferPointer { pixels in
      guard let base = pixels.baseAddress else { return }
      for (place, index) in kept.enumerated() where place != index {
        (base + place * stride).update(from: base + index * stride, count: stride)
      }
    }
  }

  private func labels(
    _ plan: SubjectPlan, slices: [Int]
  ) throws -> (pixels: [UInt8], source: CohortManifest.Source?) {
    guard plan.hasLabels, !isResized(plan.grid), let path = plan.subject.labels else { return ([], nil) }
    let volume = try NIfTI.read(path: path).volume.reoriented(to: .lps)
    let (width, height) = (volume.dimensions.x, volume.dimensions.y)
    let (top, left) = offset(of: plan.grid)
    var pixels = [UInt8](repeating: 0, count: slices.count * size.height * size.width)
    for (place, slice) in slices.enumerated() {
      for row in max(0, -top)..<min(height, size.height - top) {
        let to = (place * size.height + row + top) * size.width + left
        for column in max(0, -left)..<min(width, size.width - left) {
          let value = volume.voxels[(slice * height + row) * width + column]
          guard let label = UInt8(exactly: value) else {
            throw Failure(
              .malformed, "\(path): holds \(value); a label map has whole numbers from 0 to 255")
          }
          pixels[to + column] = label
        }
      }
    }
    let (digest, bytes) = try SHA256.ofFile(path)
    return (pixels, .init(file: relative(path), bytes: bytes, sha256: digest))
  }
}
