import Failures
import Imaging

/// What cohort the phantom makes. Every field has a default, and the same options make the same bits.
public struct PhantomOptions: Codable, Sendable, Equatable {
  /// How many subjects, 1 ... 9999.
  public var subjects = 24
  public var seed: UInt64 = 1
  /// The largest translation of each scan against the T1 scan, in mm: its vector is drawn uniformly from the ball
  /// of this radius; T2 and PD, two echoes of one acquisition, share theirs.
  public var shift = 1.0
  /// Edge of a cubic voxel in mm, 0.5 ... 8.
  public var voxelSize = 2.0
  /// Standard deviation of each channel's noise, as a share of grey matter's signal in that scan.
  public var noise = 0.03
  /// Standard deviation of the coil's sensitivity, shared by a subject's scans; each acquisition adds 0.1 to 0.8 of it.
  public var bias = 0.08
  /// 1.5 or 3 T; nil alternates between them.
  public var fieldStrength: Double? = 3
  /// Share of subjects with a glioma.
  public var tumours = 0.5
  /// Share of subjects with the white-matter lesions of multiple sclerosis; the rest have no lesion.
  public var plaques = 0.25

  public init() {}

  /// Throws `.usage`, naming the value and its range.
  func validate() throws {
    func check(_ name: String, _ value: Double, _ range: ClosedRange<Double>, _ unit: String = "") throws {
      guard range.contains(value) else {
        let limits = "\(range.lowerBound) ... \(range.upperBound)"
        throw Failure(.usage, "phantom: \(name) is \(value)\(unit); it must lie in \(limits)")
      }
    }
    try check("subjects", Double(subjects), 1...9999)
    try check("shift", shift, 0...10, " mm")
    try check("voxel size", voxelSize, 0.5...8, " mm")
    try check("noise", noise, 0...0.5)
    try check("bias", bias, 0...0.3)
    try check("share of tumours", tumours, 0...1)
    try check("share of plaques", plaques, 0...1)
    guard tumours + plaques <= 1 + 1e-9 else {
      throw Failure(
        .usage,
        "phantom: shares of \(tumours) with a tumour and \(plaques) with plaques are more than everyone; lower one of them"
      )
    }
    guard fieldStrength == nil || fieldStrength == 1.5 || fieldStrength == 3 else {
      throw Failure(.usage, "phantom: field strength is \(fieldStrength ?? 0) T; it must be 1.5 or 3")
    }
  }

  /// The lesion of a subject: the shares hold for the first so many subjects too, as nearly as whole people allow.
  func lesion(of subject: Int) -> LesionKind {
    func step(_ share: Double) -> Bool {
      (Double(subject + 1) * share).rounded(.down) > (Double(subject) * share).rounded(.down)
    }
    let all = tumours + plaques
    guard step(all) else { return .none }
    let earlier = (Double(subject) * all).rounded(.down)
    let share = tumours / all
    return ((earlier + 1) * share).rounded(.up) > (earlier * share).rounded(.up) ? .tumour : .plaques
  }

  func fieldStrength(of subject: Int) -> Double { fieldStrength ?? (subject % 2 == 0 ? 3 : 1.5) }
}

/// What is wrong with a subject, as `participants.tsv` says it.
public enum LesionKind: String, Codable, Sendable, CaseIterable {
  case none
  case tumour
  case plaques = "multiple-sclerosis"
}
