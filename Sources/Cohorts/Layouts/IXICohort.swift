import Failures
import Imaging

/// IXI: `IXI002-Guys-0828-T1.nii.gz`, all in one folder or in a folder a modality (`IXI-T1`, `IXI-T2`, ...).
///
/// T2 and PD share a grid; T1 lies on another and is resampled onto it.
public struct IXICohort: Cohort {
  public let folder: String
  public let subjects: [Subject]
  public let modalities: [Modality]? = [.t1, .t2, .pd]
  public let sliceRule = SliceRule.central(90)
  public let publishedSplits: Splits? = .ixi
  public let gridModality: Modality? = .t2
  public let imageSize: ImageSize? = ImageSize(height: 256, width: 256)

  public init(folder path: String) throws {
    let folder = try Folder(path)
    var found: [String: Subject] = [:]
    let places = [folder] + (try folder.folders.map { try Folder(folder.path(of: $0)) })
    for place in places {
      for (file, stem) in place.scans {
        guard let (id, modality) = Self.parse(stem) else { continue }
        found[id, default: Subject(id: id)].add(place.path(of: file), as: modality)
      }
    }
    guard !found.isEmpty else {
      throw Failure(
        .malformed, "\(path): holds no IXI scan; expected files like IXI002-Guys-0828-T1.nii.gz")
    }
    self.folder = path
    subjects = found.values.sorted { $0.id < $1.id }
  }

  /// Subject and modality of `IXI002-Guys-0828-T1`; nil for other names (diffusion, angiography, masks).
  private static func parse(_ stem: String) -> (id: String, modality: Modality)? {
    let parts = stem.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].hasPrefix("IXI"), parts[0].count == 6,
      Int(parts[0].dropFirst(3)) != nil, parts[2].count == 4, Int(parts[2]) != nil
    else { return nil }
    let modality: Modality
    switch parts[3] {
    case "T1": modality = .t1
    case "T2": modality = .t2
    case "PD": modality = .pd
    default: return nil
    }
    return (parts.dropLast().joined(separator: "-"), modality)
  }
}
