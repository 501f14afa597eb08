import Synchronization

/// Something a message names that each program calls otherwise: a command line has flags, a library has properties.
///
/// A message says `choose with \(Term.modalities)`: a reader of the library finds the library's own name there, and a
/// program installs its words once, before anything else runs.
public struct Term: Sendable, Hashable, CustomStringConvertible {
  /// As the library's own declarations call it.
  public let name: String
  /// What it should be set to, where the message says so.
  public let value: String?

  private init(_ name: String, _ value: String? = nil) { (self.name, self.value) = (name, value) }

  // Of preparing a cohort.
  public static let splits = Term("splits")
  public static let slices = Term("slices")
  public static let size = Term("size")
  public static let modalities = Term("modalities")
  public static let picks = Term("picks")
  public static let resamples = Term("resamples")
  public static let registers = Term("registers")
  public static let allowsDuplicates = Term("allowsDuplicates")

  // Of training and applying a network.
  public static let region = Term("region")
  public static let device = Term("device")
  public static let batchSize = Term("batchSize")
  public static let network = Term("network.name")
  public static let width = Term("width")
  public static let threads = Term("threads")
  public static let steps = Term("steps")
  public static let sampler = Term("sampler")
  public static let samples = Term("samples")
  public static let targets = Term("targets")
  public static let biasField = Term("biasField")
  /// With the scale that is meant: `intensity like FILE`.
  public static let intensity = Term("intensity")
  public static let start = Term("start")
  public static let seeds = Term("seeds")
  public static let output = Term("output")
  public static let overwrites = Term("overwrites")
  public static let recomputes = Term("recomputes")
  public static let acceptsDoubts = Term("acceptsDoubts")
  public static let resumes = Term("resumes")
  /// With a setting as it was written: `settings seed=2`.
  public static let settings = Term("settings")

  /// A patient's scan of a modality: `scan t2`.
  public static let scan = Term("scan")

  // What is done.
  public static let preparation = Term("Preparation")
  public static let training = Term("Run.train")
  public static let synthesis = Term("PatientSynthesis")
  public static let segmentation = Term("PatientSegmentation")
  public static let assessment = Term("PeopleAssessment")
  public static let setup = Term("Support/setup.sh")
  public static let diagnosis = Term("Installation")
  /// With a folder: what was noted of it.
  public static let inspection = Term("CohortManifest.notes")

  /// This one with a value: `splits FILE`.
  public func callAsFunction(_ value: String) -> Term { Term(name, value) }

  public var withoutValue: Term { Term(name) }

  /// A setting of an experiment by its key.
  public static func setting(_ key: String, _ value: String) -> Term { Term(key, value) }

  private static let words = Mutex<(@Sendable (Term) -> String)?>(nil)

  /// Has messages use a program's own words.
  public static func install(_ words: @escaping @Sendable (Term) -> String) {
    Self.words.withLock { $0 = words }
  }

  public var description: String {
    if let words = Self.words.withLock({ $0 }) { return words(self) }
    return value.map { "\(name) \($0)" } ?? name
  }
}
