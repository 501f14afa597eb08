import Files
import Foundation
import Imaging

/// What BIDS calls images that were computed of a subject's scans, and where they lie in a folder of derivatives.
public struct DerivativeName: Sendable, Equatable {
  /// `sub-01`, and `ses-02` where the data set has sessions.
  public let patient: String
  public let session: String?
  /// `MNI152NLin2009cAsym` where the scan's own name says it, else `individual`: the space of the subject's scans.
  public let space: String
  /// What names of images that were computed say of them.
  package static let mark = "desc-synthetic"

  /// - Parameter reference: the path of the scan on whose grid the image lies.
  public init(of subject: Subject, like reference: String) {
    patient = subject.patient
    session = subject.session
    let name = Path.name(reference)
    let scan = try? ScanName(name.scanStem ?? name, person: patient, session: session)
    space = scan?["space"].flatMap { $0.isEmpty ? nil : $0 } ?? "individual"
  }

  /// `sub-01/ses-02`
  public var folder: String { ([patient] + [session].compactMap { $0 }).joined(separator: "/") }

  /// `sub-01/ses-02/anat/sub-01_ses-02_space-individual_desc-synthetic_FLAIR.nii.gz`, from the folder of derivatives.
  public func image(_ modality: Modality) -> String {
    // Of a contrast agent BIDS tells by an entity, which stands before that of the space.
    let suffix = Phantom.suffix(modality).split(separator: "_").map(String.init)
    let words =
      [patient, session].compactMap { $0 } + suffix.dropLast()
      + ["space-\(space)", Self.mark] + suffix.suffix(1)
    return "\(folder)/anat/\(words.joined(separator: "_")).nii.gz"
  }

  /// Of pictures of them beside the scans that were given: `sub-01/ses-02/figures/sub-01_ses-02_desc-T1T2toFLAIR.png`. What
  /// is shown stands in the name, so that pictures of other contrasts never pass for these.
  public func figure(of made: [Modality], from given: [Modality]) -> String {
    let shown = [given, made].map { $0.map(\.title).joined() }.joined(separator: "to")
    let words = [patient, session].compactMap { $0 } + ["desc-\(shown).png"]
    return "\(folder)/figures/\(words.joined(separator: "_"))"
  }
}

extension Subject {
  /// `ses-02` of `sub-01_ses-02`; nil where the patient has no sessions.
  public var session: String? {
    guard id != patient, id.hasPrefix(patient + "_ses-") else { return nil }
    return String(id.dropFirst(patient.count + 1))
  }
}
