import Failures
import Files
import Imaging

/// What is asked of the preparation of a cohort: which subjects, modalities and slices, and at what size.
public struct Preparation: Sendable {
  /// Who trains, validates and tests.
  public enum SplitChoice: Sendable, Equatable {
    /// The published split where the layout has one, else a seeded one.
    case standard
    /// The published split.
    case published
    /// The published split with each patient in one place (BraTS2023).
    case patientDisjoint
    /// 70/15/15 of the patients, drawn with the seed.
    case seeded
    /// A JSON file of the user's own.
    case file(String)

    /// Reads `published`, `patient-disjoint` or `seeded`.
    public init(variant: String) throws {
      switch variant.lowercased() {
      case "published": self = .published
      case "patient-disjoint": self = .patientDisjoint
      case "seeded": self = .seeded
      default:
        let known = "known are published, patient-disjoint, seeded, or give a JSON file"
        throw Failure(.usage, "unknown split variant '\(variant)' and no such file; \(known)")
      }
    }
  }

  /// What becomes of the cohort when a subject lacks a modality, repeats one, or cannot be used.
  public enum DefectRule: String, Sendable, CaseIterable {
    /// The subject is left out and named.
    case skip
    /// Nothing is prepared.
    case refuse
  }

  /// Modalities to store; nil takes the layout's, or for BIDS those that at least half of the subjects have.
  public var modalities: [Modality]?
  /// nil takes the layout's rule.
  public var sliceRule: SliceRule?
  public var splits = SplitChoice.standard
  /// Seed of the seeded split.
  public var seed: UInt64 = 1
  public var onDefect = DefectRule.skip
  /// Whether a subject who lacks some of the modalities is kept with those it has.
  public var keepsIncomplete = false
  /// How scans of a subject come onto one grid. Without a rule one on another grid is a defect, but in a layout that has its own
  /// grid (IXI); without a reference it is the layout's grid, or that of the first modality stored.
  public var alignment = ScanAlignment()
  /// Rows and columns to pad or crop to; nil takes the layout's, or the largest slice rounded up to 8.
  public var size: Extent?
  /// Whether label maps are stored where subjects have them.
  public var storesLabels = true
  /// Whether the same images may be in two splits, or serve as two modalities of a subject.
  public var allowsDuplicates = false
  /// Whether a prepared cohort at the output's place is replaced.
  public var overwrite = false
  /// Subjects worked on at a time, at the most; each holds about four volumes in memory, and fewer are where memory is short.
  public var threads = Parallel.coreCount

  public init() {}

  /// What came of it.
  public struct Outcome: Sendable {
    public var manifest: CohortManifest
    /// What the user should know, one sentence each.
    public var notes: [String]
    /// Empty slices left out by the rule `all`, over the cohort.
    public var droppedSlices: Int
    /// Bytes of volumes written.
    public var bytes: Int

    /// `.partial`, naming them, where subjects had to be left out.
    public var failure: Failure? {
      guard !manifest.leftOut.isEmpty else { return nil }
      let list = manifest.leftOut.map { "\($0.id) (\($0.reason))" }.listed
      return Failure(.partial, "\(manifest.leftOut.count) left out: \(list)")
    }
  }

  /// Subjects finished, of how many, and the one just finished; called from several threads, one at a time.
  public typealias Progress = @Sendable (_ done: Int, _ total: Int, _ subject: String) -> Void
}
