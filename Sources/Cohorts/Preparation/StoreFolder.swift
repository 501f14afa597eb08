import Failures
import Files
import Foundation

/// The folder a store is written into: hidden beside its final place until it is complete.
struct StoreFolder: Sendable {
  let final: String
  /// Where files go until `commit`.
  let temporary: String

  /// Refuses (`.cannotWrite`) a place that is taken: without `overwrite` any that is not empty, and even with it
  /// whatever is not a prepared cohort.
  init(_ path: String, overwrite: Bool) throws {
    let path = Path.withoutEnd(path)
    final = path
    try Self.refuseOccupied(path, overwrite: overwrite)
    let parent = Path.folder(path)
    temporary = "\(parent)/.\(Path.name(path)).\(getpid()).\(UInt32.random(in: 0 ... .max)).part"
    do {
      try FileManager.default.createDirectory(
        atPath: "\(temporary)/subjects", withIntermediateDirectories: true)
    } catch {
      discard()
      throw Failure(.cannotWrite, "\(path): the folder cannot be made; check that \(parent) may be written")
    }
  }

  private static func refuseOccupied(_ path: String, overwrite: Bool) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
    guard isFolder.boolValue else {
      throw Failure(.cannotWrite, "\(path): is a file; choose another output folder")
    }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw Failure(.cannotWrite, "\(path): cannot be read; check its permissions")
    }
    if names.isEmpty { return }
    guard names.contains(CohortManifest.fileName) else {
      throw Failure(
        .cannotWrite, "\(path): holds other files and no prepared cohort; choose another output folder")
    }
    guard overwrite else {
      throw Failure(.cannotWrite, "\(path): holds a prepared cohort already; --force replaces it")
    }
  }

  /// Writes one file in full and flushes it to the disk. Throws `.cannotWrite` with the system's reason.
  func write(_ bytes: UnsafeRawBufferPointer, to name: String) throws {
    func failure() -> Failure {
      Failure(.cannotWrite, "\(final)/\(name): cannot be written: \(String(cString: strerror(errno)))")
    }
    let descriptor = open("\(temporary)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure() }
    var start = 0
    while start < bytes.count {
      let written = Foundation.write(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else {
        let reason = failure()
        close(descriptor)
        throw reason
      }
      start += written
    }
    guard fsync(descriptor) == 0 else {
      let reason = failure()
      close(descriptor)
      throw reason
    }
    guard close(descriptor) == 0 else { throw failure() }
  }

  /// Gives the complete folder its final name; a store that was there goes only once the new one stands.
  func commit(overwrite: Bool) throws {
    let retired = temporary + ".old"
    // Someone else may have written there since: look again, and let rename refuse a folder that is not empty.
    try Self.refuseOccupied(final, overwrite: overwrite)
    let replaces = overwrite && rename(final, retired) == 0
    guard rename(temporary, final) == 0 else {
      let taken = errno == ENOTEMPTY || errno == EEXIST
      let reason = taken ? "another process wrote there meanwhile" : String(cString: strerror(errno))
      // Should the old store not fit back, another complete one stands in its place.
      if replaces && rename(retired, final) != 0 { try? FileManager.default.removeItem(atPath: retired) }
      throw Failure(.cannotWrite, "\(final): cannot be written: \(reason)")
    }
    if replaces { try? FileManager.default.removeItem(atPath: retired) }
    let directory = open(Path.folder(final), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
  }

  /// Removes what was written so far.
  func discard() { try? FileManager.default.removeItem(atPath: temporary) }
}
