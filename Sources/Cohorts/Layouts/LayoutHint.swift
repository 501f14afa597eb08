import Failures
import Files
import Foundation

/// What a folder that is not of the layout asked for looks like, by its names alone.
enum LayoutHint {
  /// The failure of a folder that holds nothing of the layout asked for.
  static func failure(_ folder: Folder, not layout: String, _ what: String) -> Failure {
    let hint = of(folder, not: layout).map { "; \($0)" } ?? ""
    return Failure(.malformed, "\(folder.path): holds no \(what)\(hint)")
  }

  /// A sentence that says what would read the folder, or why nothing does; nil where nothing is recognised.
  private static func of(_ folder: Folder, not layout: String) -> String? {
    func command(_ name: String, _ path: String) -> String { "\(Term.preparation) \(name) \(path)" }
    let (folders, files) = (folder.folders, folder.files)
    if let name = layoutOf(folder), name != layout {
      let title = name == "bids" ? "BIDS" : name == "ixi" ? "IXI" : "BraTS"
      return "its names are those of \(title): \(command(name, folder.path))"
    }
    if folders.contains("imagesTr") || Path.name(folder.path) == "imagesTr" || files.contains("dataset.json")
    {
      return "it is of nnU-Net, whose layout is not read yet; link its files into a BIDS folder"
    }
    if Path.name(folder.path).hasPrefix("sub-") || Path.name(folder.path).hasPrefix("BraTS-") {
      return "it is one subject's; name the folder that holds it: \(Path.folder(folder.path))"
    }
    for inner in folders {
      guard let within = try? Folder(folder.path(of: inner)), let name = layoutOf(within) else { continue }
      // A published archive unpacks into a folder of its own.
      return "the cohort lies one folder below: \(command(name, within.path))"
    }
    if files.contains(where: { NotTaken.reason(for: $0)?.contains("DICOM") == true }) {
      return "it holds DICOM: convert it with dcm2niix"
    }
    return nil
  }

  private static func layoutOf(_ folder: Folder) -> String? {
    if folder.folders.contains(where: { $0.hasPrefix("sub-") && $0.count > 4 }) { return "bids" }
    if folder.scans.contains(where: { IXICohort.parse($0.stem) != nil }) { return "ixi" }
    let isBraTS = folder.folders.filter(BraTSCohort.isCase).contains { name in
      let scans = (try? Folder(folder.path(of: name)))?.scans ?? []
      return scans.contains { BraTSCohort.modality(of: $0.stem, in: name) != nil }
    }
    return isBraTS ? "brats" : nil
  }
}
