import Files
import Foundation

extension Phantom {
  /// The file that says what wrote the folder; BIDS demands it.
  static let marker = "dataset_description.json"
  /// What computed the scans, as `GeneratedBy` in that file names it.
  public static let generator = "aginet phantom"
}

extension AtomicFolder.Kind {
  /// A folder that `aginet phantom` wrote.
  static let phantom = AtomicFolder.Kind("phantom") { folder in
    let marker = FileManager.default.contents(atPath: "\(folder)/\(Phantom.marker)") ?? Data()
    return String(decoding: marker, as: UTF8.self).contains("\"\(Phantom.generator)\"")
  } owns: { name in
    let files = [
      Phantom.marker, "participants.tsv", "participants.json", "README", "phantom.json", "derivatives",
    ]
    return files.contains(name) || name.hasPrefix("sub-")
  }
}
