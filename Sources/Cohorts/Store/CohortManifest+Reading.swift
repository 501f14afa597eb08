import Failures
import Foundation

extension CohortManifest {
  /// Only what every version will have, so that another version is told from a broken file.
  private struct Banner: Decodable {
    var format: String
    var version: Int
  }

  /// Reads and checks `cohort.json` of a prepared folder.
  ///
  /// Throws `.notFound` where the folder is missing and `.malformed` for what is no manifest, names another
  /// version, or contradicts itself.
  init(folder: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
      throw Failure(.notFound, "\(folder): no such folder; aginet prepare makes one from your scans")
    }
    guard isFolder.boolValue else {
      throw Failure(.malformed, "\(folder): is a file; give the folder that aginet prepare wrote")
    }
    let path = "\(folder)/\(Self.fileName)"
    guard FileManager.default.fileExists(atPath: path) else {
      throw Failure(
        .malformed, "\(folder): is not a prepared cohort (no \(Self.fileName)); run aginet prepare first")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.notFound, "\(path): cannot be read; check its permissions")
    }
    let decoder = JSONDecoder()
    guard let banner = try? decoder.decode(Banner.self, from: data), banner.format == Self.format else {
      throw Failure(.malformed, "\(path): is not the manifest of a prepared cohort; run aginet prepare again")
    }
    guard banner.version == Self.version else {
      throw Failure(
        .malformed,
        "\(path): has format version \(banner.version), this program reads \(Self.version); run aginet prepare again"
      )
    }
    do {
      self = try decoder.decode(Self.self, from: data)
    } catch {
      throw Failure(.malformed, "\(path): is damaged (\(Self.explain(error))); run aginet prepare again")
    }
    if let complaint = contradiction() {
      throw Failure(.malformed, "\(path): \(complaint); run aginet prepare again")
    }
  }

  /// What in the manifest cannot be true, or nil.
  private func contradiction() -> String? {
    guard (1...16384).contains(height), (1...16384).contains(width) else {
      return "an image of \(height) x \(width) pixels is impossible"
    }
    guard !modalities.isEmpty, Set(modalities).count == modalities.count else {
      return "the list of modalities is empty or repeats one"
    }
    guard !subjects.isEmpty else { return "it lists no subject" }
    var seen: Set<String> = []
    for subject in subjects {
      // The identifier becomes a file name: it must not lead out of the folder.
      guard !subject.id.isEmpty, !subject.id.contains("/"), !subject.id.hasPrefix(".") else {
        return "'\(subject.id)' is no subject identifier"
      }
      guard seen.insert(subject.id).inserted else { return "subject \(subject.id) is listed twice" }
      guard !subject.slices.isEmpty, subject.slices.count <= 65536,
        zip(subject.slices, subject.slices.dropFirst()).allSatisfy({ $0 < $1 })
      else { return "the slices of subject \(subject.id) are not an ascending list" }
    }
    return nil
  }

  private static func explain(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "no '\(key.stringValue)'"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "not JSON" : "bad '\(context.codingPath.map(\.stringValue).joined(separator: "."))'"
    default: "\(error)"
    }
  }
}
