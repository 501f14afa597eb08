import Failures
import Files
import Imaging

/// The part a subject plays: fitted on, watched during training, or measured once at the end.
public enum Split: String, Choice, CodingKeyRepresentable {
  case train, validation, test
}

/// Which subjects train, validate and test, by identifier.
public struct Splits: Codable, Sendable, Equatable {
  public var train: [String]
  public var validation: [String]
  public var test: [String]

  public init(train: [String], validation: [String] = [], test: [String] = []) {
    self.train = train
    self.validation = validation
    self.test = test
  }

  /// Identifiers separated by white space, each after a common prefix; this suffix ends those that have no hyphen.
  init(prefix: String, suffix: String = "", train: String, validation: String, test: String) {
    func list(_ text: String) -> [String] {
      text.split(whereSeparator: \.isWhitespace).map { prefix + $0 + ($0.contains("-") ? "" : suffix) }
    }
    self.init(train: list(train), validation: list(validation), test: list(test))
  }

  public subscript(split: Split) -> [String] {
    get { self[keyPath: Self.list(split)] }
    set { self[keyPath: Self.list(split)] = newValue }
  }

  private static func list(_ split: Split) -> WritableKeyPath<Splits, [String]> {
    switch split {
    case .train: \.train
    case .validation: \.validation
    case .test: \.test
    }
  }

  /// Every identifier: those that train, then validate, then test.
  public var all: [String] { train + validation + test }

  /// Only the subjects that `isKept` accepts, in the same order.
  public func filtered(_ isKept: (String) -> Bool) -> Splits {
    Splits(train: train.filter(isKept), validation: validation.filter(isKept), test: test.filter(isKept))
  }

  // MARK: - Patients

  /// Patients with subjects (time points, sessions) in more than one split, in order.
  ///
  /// - Parameter patient: The patient a subject's identifier belongs to.
  public func straddling(_ patient: (String) -> String) -> [String] {
    let patients = Split.allCases.flatMap { Set(self[$0].map(patient)) }
    return Dictionary(grouping: patients) { $0 }.filter { $1.count > 1 }.keys.sorted()
  }

  /// The same split with each straddling patient in one place: all of their subjects go where the held-out one
  /// is (test before validation), so that nothing held out loses a subject and nothing trained on is measured.
  public func patientDisjoint(_ patient: (String) -> String) -> Splits {
    var home: [String: Split] = [:]
    for split in Split.allCases { for subject in self[split] { home[patient(subject)] = split } }
    var disjoint = Splits(train: [])
    for subject in all.sorted() { disjoint[home[patient(subject)] ?? .train].append(subject) }
    return disjoint
  }

  // MARK: - Drawing

  /// 70 % of the patients to train on, 15 % to validate, 15 % to test (each at least one), drawn with a seed.
  ///
  /// Depends on the set of identifiers and the seed alone. Subjects of one patient stay together. Throws
  /// `.inconsistent` for fewer than three patients.
  public static func seeded(_ subjects: [String], seed: UInt64, patient: (String) -> String) throws -> Splits
  {
    let patients = Set(subjects.map(patient)).sorted()
    guard patients.count >= 3 else {
      let what =
        "\(patients.count) patient\(patients.count == 1 ? "" : "s") cannot fill train, validation and test"
      let example = "{\"train\": [\"\(subjects.min() ?? "sub-01")\"]}"
      throw Failure(
        .inconsistent, "\(what); say who goes where with \(Term.splits("FILE")), such as \(example)")
    }
    let heldOut = max(1, Int((Double(patients.count) * 0.15).rounded()))
    var random = RandomSource(seed: seed, stream: 0x73_706c_6974)
    var home: [String: Split] = [:]
    for (place, index) in random.permutation(patients.count).enumerated() {
      home[patients[index]] = place < heldOut ? .test : place < 2 * heldOut ? .validation : .train
    }
    var splits = Splits(train: [])
    for subject in subjects.sorted() { splits[home[patient(subject)] ?? .train].append(subject) }
    return splits
  }
}

extension Splits {
  /// Reads a user's split: `{"train": ["sub-01", ...], "validation": [...], "test": [...]}`.
  ///
  /// Any may be left out or empty, but not all. Throws `.notFound` for an unreadable file, `.malformed` for other
  /// JSON or unknown keys, `.inconsistent` for a subject that is named twice, or none.
  public init(file path: String) throws {
    var settings = try Settings(Splits(train: []), unknown: .malformed)
    try settings.lay(file: path)
    self = settings.value
    var seen: Set<String> = []
    let repeated = all.filter { !seen.insert($0).inserted }
    guard repeated.isEmpty else {
      throw Failure(.inconsistent, "\(path): named more than once: \(Set(repeated).sorted().listed)")
    }
    guard !all.isEmpty else {
      throw Failure(.inconsistent, "\(path): names no subject to train, validate or test on")
    }
  }

  /// Throws `.inconsistent`, naming them, if the split has subjects that the cohort does not.
  public func check(against known: [String], file path: String) throws {
    let known = Set(known)
    let unknown = all.filter { !known.contains($0) }
    guard unknown.isEmpty else {
      let example = known.min().map { "; its subjects are named like \($0)" } ?? ""
      throw Failure(.inconsistent, "\(path): not in the cohort: \(unknown.sorted().listed)\(example)")
    }
  }
}
