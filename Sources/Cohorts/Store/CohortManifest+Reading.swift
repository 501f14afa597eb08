import Failures
import Files
import Foundation

extension CohortManifest {
  /// Bytes a manifest may have: that of 600 subjects has one megabyte.
  private static let largest = 1 << 28

  /// Reads and checks `cohort.json` of a prepared folder.
  ///
  /// Throws `.notFound` where the folder is missing and `.malformed` for what is no manifest, names another
  /// version, or contradicts itself.
  init(folder: String) throws {
    var status = stat()
    guard stat(folder, &status) == 0 else {
      throw Failure(.notFound, "\(folder): no such folder; \(Term.preparation) makes one from your scans")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw Failure(.malformed, "\(folder): is a file; give the folder that \(Term.preparation) wrote")
    }
    let path = "\(folder)/\(Self.fileName)"
    guard stat(path, &status) == 0 else {
      throw Failure(
        .malformed, "\(folder): is not a prepared cohort (no \(Self.fileName)); run \(Term.preparation) first")
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.largest else {
      throw Failure(.malformed, "\(path): is not the manifest of a prepared cohort; run \(Term.preparation) again")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.notFound, "\(path): cannot be read; check its permissions")
    }
    // Only what every version will have, so that another version is told from a broken file.
    guard let document = try? StrictJSON.parse(data, file: path), document["format"]?.string == Self.format,
      let version = document["version"]?.integer.flatMap({ Int(exactly: $0) })
    else {
      throw Failure(.malformed, "\(path): is not the manifest of a prepared cohort; run \(Term.preparation) again")
    }
    guard Self.readable.contains(version) else {
      throw Failure(
        .malformed,
        "\(path): has format version \(version), this program reads \(Self.readable.lowerBound) to \(Self.version); run \(Term.preparation) again"
      )
    }
    do {
      self = try StrictJSON.decode(document, of: data, file: path)
    } catch {
      throw Failure(.malformed, "\(error); the file is damaged, run \(Term.preparation) again")
    }
    if let complaint = contradiction() {
      throw Failure(.malformed, "\(path): \(complaint); run \(Term.preparation) again")
    }
  }
}
