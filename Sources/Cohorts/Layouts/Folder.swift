import Failures
import Foundation

/// The names in a folder, sorted, so that no order of the file system shows.
struct Folder {
  let path: String
  /// Names that do not start with a dot.
  let names: [String]

  /// Throws `.notFound` if there is no such folder or it cannot be read.
  init(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Failure(.notFound, "\(path): no such folder")
    }
    guard isFolder.boolValue else {
      throw Failure(.notFound, "\(path): is a file; give the folder that holds the cohort")
    }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw Failure(.notFound, "\(path): cannot be read; check its permissions")
    }
    self.path = path
    self.names = names.filter { !$0.hasPrefix(".") }.sorted()
  }

  func path(of name: String) -> String { "\(path)/\(name)" }

  /// Names of the folders inside.
  var folders: [String] {
    names.filter { name in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: path(of: name), isDirectory: &isFolder)
        && isFolder.boolValue
    }
  }

  /// Names of what is no folder: files, and links that lead nowhere.
  var files: [String] {
    let folders = Set(folders)
    return names.filter { !folders.contains($0) }
  }

  /// The names that end in `.nii` or `.nii.gz`, with the stem before.
  var scans: [(name: String, stem: String)] {
    names.compactMap { name in name.scanStem.map { (name, $0) } }
  }
}

extension String {
  /// The name before `.nii` or `.nii.gz` (in any case of letters), or nil for another kind of file.
  package var scanStem: String? {
    let lower = lowercased()
    for ending in [".nii.gz", ".nii"] where lower.hasSuffix(ending) && count > ending.count {
      return String(dropLast(ending.count))
    }
    return nil
  }
}
