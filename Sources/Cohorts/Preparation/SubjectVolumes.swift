import Failures
import Files
import Foundation
import Imaging

/// One subject as the store holds it, and what the user hears of it.
struct SubjectVolumes: Sendable {
  /// Without checksums until it is written.
  var subject: CohortManifest.Subject
  /// [modality][plane][row][column], as `StoredIntensity` has them.
  var voxels: [UInt16]
  /// [plane][row][column], or empty.
  var labels: [UInt8] = []
  /// In the order of the modalities.
  var shapes: [IntensityShape]
  /// Empty slices that are not used.
  var dropped: Int
  /// Share of the non-zero voxels that the image size cuts off.
  var cropped: Double
  /// Why the label map was not stored.
  var note: String?
  /// What the voxels betray.
  var findings: [ScanCheck.Finding]
  /// Where scans that were registered came to lie.
  var placements: [ScanPlacement] = []
}

/// Makes a subject's volumes: read, turn to LPS, scale, quantise; and sees which slices of them are of use.
struct VolumeMaker: Sendable {
  var cohort: any Cohort
  /// Of a slice as it is read.
  var size: Extent
  /// Whether slices are stretched to `size` (IXI) rather than padded or cropped.
  var resizes: Bool
  /// Whether slices that are zero in all modalities are left out.
  var dropsEmpty: Bool
  /// Whether one image may serve as two modalities.
  var allowsDuplicates = false
  /// Whether scans are registered to the one that gives the grid; those on other grids are resampled by their headers otherwise.
  var registers = false

  /// Bytes of voxels that one subject may have in memory.
  private static let largest = 1 << 33

  private func isResized(_ grid: Grid) -> Bool {
    resizes && (grid.dimensions.y != size.rows || grid.dimensions.x != size.columns)
  }

  /// Planes, rows and columns that are stored of a grid.
  private func stored(_ grid: Grid) -> Extent {
    let sides = grid.dimensions
    return isResized(grid) ? Extent(sides.z, size.rows, size.columns) : Extent(sides.z, sides.y, sides.x)
  }

  /// Throws a `Failure` that names the file for a scan that cannot be used.
  func make(_ plan: SubjectPlan, split: Split) throws -> SubjectVolumes {
    let (id, grid, extent) = (plan.subject.id, plan.grid, stored(plan.grid))
    guard extent.count <= Self.largest / (2 * plan.modalities.count) else {
      let what = "\(plan.modalities.count) volumes of \(extent) voxels"
      throw Failure(.limit, "\(id): \(what) take more than \(Self.largest >> 30) GiB")
    }
    var voxels = [UInt16](repeating: 0, count: plan.modalities.count * extent.count)
    var scans: [CohortManifest.Scan] = []
    var (checks, findings): ([Modality: ScanCheck], [ScanCheck.Finding]) = ([:], [])
    let reference = try registers || !plan.resampled.isEmpty ? reference(plan) : nil
    var placements: [ScanPlacement] = []
    for (channel, modality) in plan.modalities.enumerated() {
      let path = try plan.subject.path(of: modality)
      let known = modality == plan.gridModality ? reference?.volume : nil
      var volume = try known ?? cohort.volume(modality, of: plan.subject).reoriented(to: .lps)
      let check = try ScanCheck(volume, path: path, name: Path.name(path))
      for earlier in plan.modalities[..<channel] {
        findings += checks[earlier]?.findings(with: check, sharesGrid: plan.resampled.isEmpty) ?? []
      }
      findings += check.findings
      checks[modality] = check
      let content = VoxelDigest.of(volume)
      if let other = scans.first(where: { $0.content == content }), !allowsDuplicates {
        let (names, files) = (
          "\(other.modality.title) and \(modality.title)", "\(other.source.file), \(relative(path))"
        )
        throw Failure(
          .inconsistent, "\(id): \(names) are one and the same image (\(files)): one of them is mislabelled")
      }
      var resampled = plan.resampled.contains(modality)
      if let reference, registers ? modality != plan.gridModality : resampled {
        let placed = try reference.place(volume, of: modality, name: path, threads: 1)
        volume = try placed.volume.checked(name: "\(path), \(registers ? "registered" : "resampled"),")
        placements.append(placed.placement)
        resampled = placed.placement.isResampled
      }
      let scale = try IntensityScale(of: volume.voxels, name: path)
      store(volume, extent, scale: Float(scale.upper), at: channel * extent.count, in: &voxels)
      scans.append(
        CohortManifest.Scan(
          modality: modality, scale: scale.upper, clippedAbove: scale.clippedAbove,
          clippedBelow: scale.clippedBelow, resampled: resampled, source: try source(path), content: content))
    }
    if plan.resampled.isEmpty, let before = checks[.t1], let exchange = checks[.t1gd]?.exchanged(with: before)
    {
      findings.append(exchange)
    }
    let offset = CohortManifest.offset(of: extent, in: size)
    let seen = voxels.withUnsafeBufferPointer {
      StoredView($0, extent, scans.count, offset: offset, in: size).seen(plan.slices, dropsEmpty)
    }
    guard !seen.slices.isEmpty, let signal = seen.signal else {
      throw Failure(.malformed, "\(id): every slice is empty; use another slice rule or image size")
    }
    let (sides, spacing) = (grid.dimensions, grid.affine.spacing)
    var made = SubjectVolumes(
      subject: CohortManifest.Subject(
        id: id, patient: plan.subject.patient, split: split, slices: seen.slices,
        dimensions: [sides.x, sides.y, sides.z], spacing: [spacing.x, spacing.y, spacing.z],
        orientation: "\(plan.orientation)", offset: offset, resized: isResized(grid), signal: signal,
        scans: scans),
      voxels: voxels, shapes: seen.shapes, dropped: plan.slices.count - seen.slices.count,
      cropped: seen.cropped, findings: findings, placements: placements)
    do {
      (made.labels, made.subject.labels) = try labels(plan, placements)
    } catch let failure as Failure {
      // Synthesis needs no labels: a bad map costs the subject its labels only.
      made.note = "labels of \(id) are not stored: \(failure.message)"
    }
    return made
  }

  private func relative(_ path: String) -> String {
    let folder = cohort.folder.hasSuffix("/") ? cohort.folder : cohort.folder + "/"
    return path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : Path.name(path)
  }

  private func source(_ path: String) throws -> CohortManifest.Source {
    let (digest, bytes) = try SHA256.ofFile(path)
    return .init(file: relative(path), bytes: bytes, sha256: digest)
  }

  /// Writes one volume, resized where it must be.
  private func store(
    _ volume: Volume, _ extent: Extent, scale: Float, at first: Int, in voxels: inout [UInt16]
  ) {
    guard isResized(volume.grid) else { return quantise(volume.voxels, scale: scale, to: first, in: &voxels) }
    let (width, height) = (volume.dimensions.x, volume.dimensions.y)
    for plane in 0..<extent.planes {
      // Cut off before they are resized: what is brighter would bleed into its neighbours.
      let scaled = volume.slice(plane).map { min(max($0 / scale, 0), 1) }
      let image = Picture.resized(
        scaled, width: width, height: height, toWidth: size.columns, toHeight: size.rows)
      quantise(image, scale: 1, to: first + plane * size.count, in: &voxels)
    }
  }

  /// Scales, clips to what can be stored and rounds to 16 bits.
  private func quantise(_ values: [Float], scale: Float, to first: Int, in voxels: inout [UInt16]) {
    let (factor, most) = (StoredIntensity.one / scale, Float(UInt16.max))
    values.withUnsafeBufferPointer { values in
      voxels.withUnsafeMutableBufferPointer { voxels in
        let stored = UnsafeMutableBufferPointer(rebasing: voxels[first..<first + values.count])
        for index in values.indices {
          // Adding 2^23 leaves the rounded integer in the low bits: no checked conversion, so it vectorises.
          let value = min(max(values[index] * factor, 0), most) + 8_388_608
          stored[index] = UInt16(truncatingIfNeeded: value.bitPattern).littleEndian
        }
      }
    }
  }

  private func reference(_ plan: SubjectPlan) throws -> AlignmentReference {
    let path = try plan.subject.path(of: plan.gridModality)
    let volume = try cohort.volume(plan.gridModality, of: plan.subject).reoriented(to: .lps)
    return try AlignmentReference(
      plan.gridModality, volume, name: path, by: registers ? .registration : .headers)
  }

  private func labels(_ plan: SubjectPlan, _ placements: [ScanPlacement]) throws -> (
    labels: [UInt8], source: CohortManifest.Source?
  ) {
    guard !isResized(plan.grid),
      case (let path, var volume)? = try plan.labelMaps.chosen({
        try NIfTI.read(path: $0).volume.reoriented(to: .lps)
      })
    else { return ([], nil) }
    if !volume.grid.matches(plan.grid) {
      volume = try placements.bring(
        volume, to: plan.grid, from: { try cohort.header($0, of: plan.subject).grid }, threads: 1)
    }
    let labels = try volume.voxels.map { value in
      guard let label = UInt8(exactly: value) else {
        throw Failure(.malformed, "\(path): holds \(value); a label map has whole numbers from 0 to 255")
      }
      return label
    }
    return (labels, try source(path))
  }
}

/// A digest of a volume's size and voxels: equal for copies saved with another header, type or compression.
///
/// 64 bits by multiplication and shift (after MurmurHash3's finaliser), made to find copies, not to withstand anyone.
enum VoxelDigest {
  /// Sixteen hexadecimal digits. Volumes are compared in one orientation: turn them first.
  static func of(_ volume: Volume) -> String {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    func mix(_ word: UInt64) {
      hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
    }
    for side in [volume.dimensions.x, volume.dimensions.y, volume.dimensions.z] { mix(UInt64(side)) }
    volume.voxels.withUnsafeBufferPointer { voxels in
      var local = hash
      for value in voxels {
        // Adding 0 makes one of the two zeros of the other.
        local = (local ^ UInt64((value + 0).bitPattern)) &* 0xFF51_AFD7_ED55_8CCD
        local ^= local >> 32
      }
      hash = local
    }
    return String(format: "%016llx", hash)
  }
}

extension AtomicFolder.Kind {
  /// A folder that `Preparation` wrote.
  static let store = AtomicFolder.Kind("prepared cohort") { folder in
    FileManager.default.fileExists(atPath: "\(folder)/\(CohortManifest.fileName)")
  } owns: { name in
    [CohortManifest.fileName, "subjects"].contains(name)
  }
}

extension AtomicFolder {
  /// Writes a subject's files; what is said of them stays, the voxels do not.
  func write(_ made: inout SubjectVolumes) throws {
    func write(_ bytes: UnsafeRawBufferPointer, to name: String) throws -> String {
      try self.write(bytes, to: name)
      return CRC32C.hexadecimal(CRC32C.checksum(bytes))
    }
    let id = made.subject.id
    made.subject.slicesChecksum = try made.voxels.withUnsafeBytes {
      try write($0, to: CohortManifest.slicesFile(id))
    }
    if made.subject.labels != nil {
      made.subject.labelsChecksum = try made.labels.withUnsafeBytes {
        try write($0, to: CohortManifest.labelsFile(id))
      }
    }
    (made.voxels, made.labels) = ([], [])
  }
}
