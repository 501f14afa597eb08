import Failures
import Files
import Foundation
import Imaging

extension AtomicFolder.Kind {
  /// A folder that `aginet prepare` wrote.
  static let store = AtomicFolder.Kind("prepared cohort") { folder in
    FileManager.default.fileExists(atPath: "\(folder)/\(CohortManifest.fileName)")
  } owns: { name in
    [CohortManifest.fileName, "subjects"].contains(name)
  }
}

extension AtomicFolder {
  /// Writes a subject's files and says what they hold.
  func write(
    _ made: SubjectSlices, of plan: SubjectPlan, split: Split, by maker: SliceMaker
  ) throws -> CohortManifest.Subject {
    let id = plan.subject.id
    let used = made.slices.count * maker.modalities.count * maker.size.height * maker.size.width * 2
    var checksums: (slices: UInt32, labels: UInt32?) = (0, nil)
    try made.pixels.withUnsafeBytes {
      let bytes = UnsafeRawBufferPointer(rebasing: $0[..<used])
      checksums.slices = CRC32C.checksum(bytes)
      try write(bytes, to: CohortManifest.slicesFile(id))
    }
    if made.labelSource != nil {
      try made.labels.withUnsafeBytes {
        checksums.labels = CRC32C.checksum($0)
        try write($0, to: CohortManifest.labelsFile(id))
      }
    }
    let spacing = plan.grid.affine.spacing
    let offset = maker.offset(of: plan.grid)
    return CohortManifest.Subject(
      id: id, patient: plan.subject.patient, split: split, slices: made.slices,
      dimensions: [plan.grid.dimensions.x, plan.grid.dimensions.y, plan.grid.dimensions.z],
      spacing: [spacing.x, spacing.y, spacing.z], orientation: "\(plan.orientation)",
      offset: [offset.row, offset.column], resized: maker.isResized(plan.grid), scans: made.scans,
      labels: made.labelSource, slicesChecksum: CRC32C.hexadecimal(checksums.slices),
      labelsChecksum: checksums.labels.map(CRC32C.hexadecimal))
  }
}
