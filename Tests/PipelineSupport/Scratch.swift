import Foundation

/// A fresh folder that goes with the last reference to it.
public final class Scratch: Sendable {
  public let path: String

  public init() throws {
    path = FileManager.default.temporaryDirectory.path + "/aginet-pipeline-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { remove() }

  /// For folders that live until the process ends, whose references nobody drops.
  public func remove() { try? FileManager.default.removeItem(atPath: path) }

  public func callAsFunction(_ name: String) -> String { path + "/" + name }

  /// Writes a text file and returns its path.
  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: self(name)))
    return self(name)
  }

  /// What a text file holds.
  public func text(_ name: String) throws -> String {
    try String(contentsOfFile: self(name), encoding: .utf8)
  }

  /// Every file below `folder` (the scratch itself, if empty), hidden ones too, but for locks and folders.
  public func files(in folder: String = "") -> [String] {
    let root = folder.isEmpty ? path : self(folder)
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []
    return names.filter { name in
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: root + "/" + name, isDirectory: &isFolder)
      return exists && !isFolder.boolValue && !name.hasSuffix(".lock")
    }.sorted()
  }
}

/// What a file holds; nothing where there is none.
public func contents(of path: String) -> Data? { FileManager.default.contents(atPath: path) }
