import Files
import Foundation

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
