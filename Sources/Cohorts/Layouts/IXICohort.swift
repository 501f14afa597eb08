import Imaging

/// IXI: `IXI002-Guys-0828-T1.nii.gz`, all in one folder or in a folder a modality (`IXI-T1`, `IXI-T2`, ...).
///
/// T2 and PD share a grid; T1 lies on another and is resampled onto it.
public struct IXICohort: Cohort {
  public let folder: String
  public let subjects: [Subject]
  public let notes: [String]
  public let modalities: [Modality]? = [.t1, .t2, .pd]
  public let sliceRule = SliceRule.central(90)
  public let publishedSplits: Splits? = .ixi
  public let gridModality: Modality? = .t2
  public let imageSize: Extent? = Extent(256, 256)

  public init(folder path: String) throws {
    let folder = try Folder(path)
    var found: [String: Subject] = [:]
    var notTaken = NotTaken()
    // Some archives unpack each scan into a folder that has the scan's own name: that is no place to look into.
    let places =
      [("", folder)]
      + (try folder.folders.filter { $0.scanStem == nil }.map { ($0 + "/", try Folder(folder.path(of: $0))) })
    for (shown, place) in places {
      for file in place.names {
        notTaken.add(shown + file, named: file)
        guard let stem = file.scanStem else { continue }
        if let (id, modality) = Self.parse(stem) {
          found[id, default: Subject(id: id)].add(place.path(of: file), as: modality)
        } else if !Self.isOther(stem) {
          notTaken.add(shown + file, "as the name is not like IXI002-Guys-0828-T1.nii.gz")
        }
      }
    }
    guard !found.isEmpty else {
      throw LayoutHint.failure(
        folder, not: "ixi", "IXI scan; expected files like IXI002-Guys-0828-T1.nii.gz")
    }
    (self.folder, notes) = (path, notTaken.notes)
    subjects = found.values.sorted { $0.id < $1.id }
  }

  /// Subject and modality of `IXI002-Guys-0828-T1`; nil for other names (diffusion, angiography, masks).
  static func parse(_ stem: String) -> (id: String, modality: Modality)? {
    let parts = parts(stem)
    let known: [String: Modality] = ["T1": .t1, "T2": .t2, "PD": .pd]
    guard parts.count == 4, let modality = known[parts[3]] else { return nil }
    return (parts.dropLast().joined(separator: "-"), modality)
  }

  /// `IXI002`, `Guys`, `0828` and what the scan is, in capitals, with whatever follows; empty for names of other kinds.
  private static func parts(_ stem: String) -> [String] {
    var parts = stem.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard parts.count > 3, parts[0].hasPrefix("IXI"), parts[0].count == 6,
      Int(parts[0].dropFirst(3)) != nil, parts[2].count == 4, Int(parts[2]) != nil
    else { return [] }
    parts[3] = parts[3].uppercased()
    return parts
  }

  /// Whether it is a scan of IXI's that is none of these: angiography (MRA), diffusion (DTI-00, ...).
  private static func isOther(_ stem: String) -> Bool {
    parts(stem).dropFirst(3).first.map { ["MRA", "DTI"].contains($0) } ?? false
  }
}
