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
    _ made: SubjectVolumes, of plan: SubjectPlan, split: Split, by maker: VolumeMaker
  ) throws -> CohortManifest.Subject {
    let id = plan.subject.id
    var checksums: (slices: UInt32, labels: UInt32?) = (0, nil)
    try made.voxels.withUnsafeBytes {
      checksums.slices = CRC32C.checksum($0)
      try write($0, to: CohortManifest.slicesFile(id))
    }
    if made.labelSource != nil {
      try made.labels.withUnsafeBytes {
        checksums.labels = CRC32C.checksum($0)
        try write($0, to: CohortManifest.labelsFile(id))
      }
    }
    let spacing = plan.grid.affine.spacing
    return CohortManifest.Subject(
      id: id, patient: plan.subject.patient, split: split, slices: made.slices,
      dimensions: [plan.grid.dimensions.x, plan.grid.dimensions.y, plan.grid.dimensions.z],
      spacing: [spacing.x, spacing.y, spacing.z], orientation: "\(plan.orientation)",
      offset: maker.offset(of: plan.grid), resized: maker.isResized(plan.grid), signal: made.signal,
      scans: made.scans, labels: made.labelSource, slicesChecksum: CRC32C.hexadecimal(checksums.slices),
      labelsChecksum: checksums.labels.map(CRC32C.hexadecimal))
  }
}
