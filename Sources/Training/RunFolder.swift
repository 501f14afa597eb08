import Failures
import Files
import Foundation

/// Where a training run lives, and what is in it.
public struct RunFolder: Sendable, Equatable {
  public let path: String
  public init(_ path: String) { self.path = path }

  /// The merged experiment, written first of all.
  public var experiment: String { path + "/experiment.json" }
  /// The generator's best weights with their model card: all that synthesis needs.
  public var model: String { path + "/model.safetensors" }
  /// The weights that training started from, where a model gave them, and the mean of those and the best.
  public var start: String { path + "/start.safetensors" }
  public var mean: String { path + "/mean.safetensors" }
  /// What training brought over its start.
  public var gain: String { path + "/fine-tuning.csv" }
  public var checkpoints: String { path + "/checkpoints" }
  /// Everything that continues the run exactly.
  public var last: String { checkpoints + "/last.safetensors" }
  public var log: String { path + "/log.csv" }
  public var report: String { path + "/report.html" }
  /// Digests of the images it was trained on.
  public var trainedOn: String { path + "/trained-on.json" }
  public func evaluation(_ split: String) -> String { path + "/evaluation/" + split }

  /// Makes the folder and its parents.
  /// - Throws: `.cannotWrite` with the system's reason.
  public static func make(_ path: String) throws {
    if isFolder(path) == false {
      throw Failure(.cannotWrite, "\(path): is a file, where a folder is to be made; choose another name")
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .cannotWrite, "\(path): the folder cannot be made; check that its parents can be written in")
    }
  }

  /// Removes a folder in which nothing is, and those in which nothing is then.
  /// - Parameter root: which stays, and what is around it.
  package static func removeEmpty(_ path: String, within root: String) {
    var path = path
    let outer = Path.resolved(root)
    while Path.resolved(path) != outer, Path.isInside(path, root), rmdir(path) == 0 {
      path = Path.folder(path)
    }
  }

  /// Whether there is a folder, rather than a file; nil where there is nothing.
  package static func isFolder(_ path: String) -> Bool? {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) ? isFolder.boolValue : nil
  }

  public var hasCheckpoint: Bool { FileManager.default.fileExists(atPath: last) }
}
