import Failures
import Files
import Foundation

/// The folder a phantom is written into: hidden beside its final place until it is complete.
struct PhantomFolder: Sendable {
  static let marker = "dataset_description.json"
  static let generator = "aginet phantom"

  private let final: String
  private let temporary: String

  /// Refuses (`.cannotWrite`) a place that is taken: without `force` any that is not empty, and even with it whatever
  /// is not a phantom.
  init(_ path: String, force: Bool) throws {
    var path = path
    while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
    final = path
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      guard isFolder.boolValue, let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
        throw Failure(.cannotWrite, "\(path): is not a folder that can be read; choose another output folder")
      }
      if !names.isEmpty {
        let marker = FileManager.default.contents(atPath: "\(path)/\(Self.marker)") ?? Data()
        guard String(decoding: marker, as: UTF8.self).contains("\"\(Self.generator)\"") else {
          throw Failure(
            .cannotWrite, "\(path): holds other files and no phantom; choose another output folder")
        }
        guard force else {
          throw Failure(.cannotWrite, "\(path): holds a phantom already; --force replaces it")
        }
      }
    }
    let parent = Path.folder(path)
    temporary = "\(parent)/.\(Path.name(path)).\(getpid()).\(UInt32.random(in: 0 ... .max)).part"
    _ = try makeFolder("")
  }

  /// Makes a folder inside, and returns its present path.
  func makeFolder(_ name: String) throws -> String {
    let path = name.isEmpty ? temporary : "\(temporary)/\(name)"
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .cannotWrite, "\(final)/\(name): the folder cannot be made; check that its parent may be written")
    }
    return path
  }

  func write(_ text: String, to name: String) throws {
    try AtomicFile.write(text, to: "\(temporary)/\(name)")
  }

  /// Puts the folder in its final place, over a phantom that was there.
  func commit() throws {
    let retired = temporary + ".old"
    let hadOne = FileManager.default.fileExists(atPath: final)
    if hadOne && rename(final, retired) != 0 { throw failure }
    guard rename(temporary, final) == 0 else {
      if hadOne { _ = rename(retired, final) }
      throw failure
    }
    if hadOne { try? FileManager.default.removeItem(atPath: retired) }
  }

  func discard() { try? FileManager.default.removeItem(atPath: temporary) }

  private var failure: Failure {
    Failure(.cannotWrite, "\(final): cannot be put in place: \(String(cString: strerror(errno)))")
  }
}
