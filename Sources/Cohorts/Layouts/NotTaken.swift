import Files
import Foundation

/// Files that look like scans and are not read, by the reason: what a user would otherwise have to find out.
struct NotTaken {
  private var reasons: [String] = []
  private var paths: [String: [String]] = [:]

  /// - Parameters:
  ///   - path: as messages show it, from the cohort's folder.
  ///   - reason: the end of "not taken, ".
  mutating func add(_ path: String, _ reason: String) {
    if paths[reason] == nil { reasons.append(reason) }
    paths[reason, default: []].append(path)
  }

  /// Adds a file where its name is that of another format, with that reason; of NIfTI with this one, if there is one.
  mutating func add(_ path: String, named name: String, ifScan reason: String? = nil) {
    guard let reason = Self.reason(for: name) ?? (name.scanStem == nil ? nil : reason) else { return }
    add(path, reason)
  }

  /// One line a reason.
  var notes: [String] {
    reasons.map { "not taken, \($0): \((paths[$0] ?? []).listed(3))" }
  }

  /// Why a file of this name, wherever it lies, is a scan that cannot be read; nil for NIfTI and for other files.
  static func reason(for name: String) -> String? {
    let lower = name.lowercased()
    func ends(_ endings: String...) -> Bool { endings.contains { lower.hasSuffix($0) } }
    if ends(".img", ".img.gz") { return "being pairs of .hdr and .img; make single .nii.gz files of them" }
    if ends(".dcm", ".ima") || lower == "dicomdir" { return "being DICOM; convert it with dcm2niix" }
    if ends(".nii.bz2", ".nii.xz", ".nii.zst", ".nii.zip", ".nii.7z") {
      return "being packed otherwise than by gzip; unpack to .nii or .nii.gz"
    }
    if ends(".mgz", ".mgh", ".nrrd", ".nhdr", ".mha", ".mhd", ".mnc", ".mif", ".mif.gz", ".par", ".rec") {
      return "being of another format; convert to NIfTI"
    }
    return nil
  }

  /// Adds what lies in a folder that no scan is expected in: NIfTI with this reason, other formats with their own.
  /// Folders inside are looked into as deep as `depth` says; one entry stands for each.
  mutating func addAll(in path: String, as shown: String, _ reason: String, depth: Int = 1) {
    guard let folder = try? Folder(path) else { return }
    var found: [String: String] = [:]
    for name in folder.files {
      guard let reason = Self.reason(for: name) ?? (name.scanStem == nil ? nil : reason) else { continue }
      found[reason] = found[reason] ?? "\(shown)/\(name)"
    }
    for (reason, path) in found.sorted(by: { $0.key < $1.key }) { add(path, reason) }
    guard depth > 0 else { return }
    for name in folder.folders {
      addAll(in: folder.path(of: name), as: "\(shown)/\(name)", reason, depth: depth - 1)
    }
  }
}
