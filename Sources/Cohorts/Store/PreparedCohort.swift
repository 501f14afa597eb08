import Failures
import Files
import Foundation
import Imaging

/// A folder that `Preparation` wrote, open for reading.
///
/// `subjects/<id>.slices` holds a subject's volumes whole, [modality][plane][row][column] as UInt16 little-endian
/// (`StoredIntensity`), and `subjects/<id>.labels` its label map, [plane][row][column] as UInt8; slices, slabs and patches are
/// cut as they are read (`StoredVolumes`).
public struct PreparedCohort: Sendable {
  public let folder: String
  public let manifest: CohortManifest

  /// Whether the store's files carry checksums; those of aginet 0.1.0 do not.
  public let hasChecksums: Bool

  /// A subject with its open files.
  struct Source: Sendable {
    let subject: CohortManifest.Subject
    let images: StoredVolumes
    let labels: StoredVolumes?
    let factors: ForegroundFactors

    init(_ subject: CohortManifest.Subject, _ images: StoredVolumes, labels: StoredVolumes?) {
      (self.subject, self.images, self.labels) = (subject, images, labels)
      factors = ForegroundFactors(of: images)
    }
  }

  private let sources: [String: Source]

  /// Bytes of a store that are compared with their checksums as it is opened, which takes a second or so.
  package static let checkedAtOnce = 1 << 30

  /// Opens a store and checks that every file is there in full.
  ///
  /// The files' checksums are compared here where the store is small, else when a file is first read: a store of
  /// BraTS' size (20 GB) would take a minute, and an evaluation reads a tenth of it.
  ///
  /// Throws `.notFound` for a missing folder, `.malformed` for no store, a damaged one or another version.
  public init(folder: String) throws {
    try self.init(folder: folder, checkingUpTo: Self.checkedAtOnce)
  }

  package init(folder: String, checkingUpTo limit: Int) throws {
    let manifest = try CohortManifest(folder: folder)
    let sources = try manifest.subjects.map { subject in
      Source(
        subject,
        try StoredVolumes(
          "\(folder)/\(CohortManifest.slicesFile(subject.id))", of: subject, in: manifest,
          channels: subject.scans.count, size: 2, checksum: subject.slicesChecksum),
        labels: try subject.labels.map { _ in
          try StoredVolumes(
            "\(folder)/\(CohortManifest.labelsFile(subject.id))", of: subject, in: manifest, channels: 1,
            size: 1, checksum: subject.labelsChecksum)
        })
    }
    let files = sources.flatMap { [$0.images.file, $0.labels?.file].compactMap { $0 } }
    if files.reduce(0, { $0 + $1.size }) <= limit {
      try Parallel.forEach(count: files.count) { try files[$0].verify() }
    }
    (self.folder, self.manifest) = (folder, manifest)
    hasChecksums = manifest.subjects.allSatisfy { $0.slicesChecksum != nil }
    self.sources = Dictionary(uniqueKeysWithValues: sources.map { ($0.subject.id, $0) })
  }

  /// The subjects of a split, in order of their identifiers.
  public func subjects(in split: Split) -> [CohortManifest.Subject] {
    manifest.subjects.filter { $0.split == split }
  }

  /// The most planes, rows and columns that a subject's volumes have, of whatever split.
  public var largestVolume: Extent {
    let grids = manifest.subjects.map { manifest.grid(of: $0).sizes }
    return Extent(sizes: (0..<3).map { axis in grids.map { $0[axis] }.max() ?? 1 })
  }

  /// The slices of a split, in order, of subjects who have these contrasts and, if asked, a label map. Throws
  /// `.inconsistent` if there is none.
  public func slices(
    in split: Split, requiring modalities: [Modality] = [], labels: Bool = false
  ) throws -> [SampleReference] {
    try slices(of: subjects(in: split, requiring: modalities, labels: labels))
  }

  private func slices(of subjects: [CohortManifest.Subject]) -> [SampleReference] {
    subjects.flatMap { subject in subject.slices.map { SampleReference(subject: subject.id, slice: $0) } }
  }

  /// The samples of a split in the order of subjects and places: its slices, or patches that cover what is bright. Throws
  /// `.inconsistent` if there is none.
  public func samples(in split: Split, _ contents: SampleContents) throws -> [SampleReference] {
    let subjects = try subjects(
      in: split, requiring: contents.requiring, least: contents.least, of: contents.modalities,
      labels: contents.requiringLabels)
    guard case .patch(let extent) = contents.region else { return slices(of: subjects) }
    return subjects.flatMap { subject in
      Patches(of: extent, in: subject, of: manifest).covering.map {
        SampleReference(subject: subject.id, place: $0)
      }
    }
  }

  private func subjects(
    in split: Split, requiring modalities: [Modality], least: Int = 0, of contrasts: [Modality] = [],
    labels: Bool
  ) throws -> [CohortManifest.Subject] {
    let all = subjects(in: split)
    let list = all.filter {
      $0.lacking(modalities).isEmpty && contrasts.count - $0.lacking(contrasts).count >= least
        && (!labels || $0.labels != nil)
    }
    guard list.isEmpty else { return list }
    let counts = Split.allCases.map { "\($0.rawValue) \(subjects(in: $0).count)" }.joined(separator: ", ")
    let needed = [
      modalities.isEmpty ? nil : modalities.titles,
      least > 0 ? "\(least) of \(contrasts.titles)" : nil, labels ? "a label map" : nil,
    ].compactMap { $0 }
    let having = all.isEmpty ? "" : " with \(needed.joined(separator: " and "))"
    let what = "no subject\(having) is in the \(split.rawValue) split (subjects: \(counts))"
    throw Failure(.inconsistent, "\(folder): \(what); prepare again with \(Term.splits)")
  }

  /// Throws what `Scenario.check` throws, and `.inconsistent` for a modality the cohort lacks, naming those it has.
  public func check(_ scenario: Scenario) throws {
    try scenario.check()
    try check(scenario.modalities)
  }

  func check(_ modalities: [Modality]) throws {
    guard let missing = modalities.first(where: { !manifest.modalities.contains($0) }) else { return }
    let known = manifest.modalities.titles
    throw Failure(.inconsistent, "\(folder): the cohort has no \(missing.title), it has \(known)")
  }

  /// Refuses (`.inconsistent`) what a store of single slices cannot give, and a sample that is not there.
  func check(_ references: [SampleReference], _ contents: SampleContents) throws {
    if manifest.version == 1 && contents.region != .slice {
      let what = "was prepared by aginet 0.1.0 and holds single slices, no \(contents.region)"
      throw Failure(.inconsistent, "\(folder): \(what); prepare again")
    }
    let isPatch = contents.region.dimensions == 3
    for reference in references {
      guard let subject = source(of: reference)?.subject, reference.place.count == (isPatch ? 3 : 1),
        isPatch || subject.slices.contains(reference.slice)
      else { throw Failure(.inconsistent, "\(folder): \(reference) is not in the prepared cohort") }
      if let missing = subject.lacking(contents.requiring).first {
        throw Failure(.inconsistent, "\(folder): \(subject.id) has no \(missing.title)")
      }
      if contents.requiringLabels && subject.labels == nil {
        throw Failure(.inconsistent, "\(folder): \(subject.id) has no label map")
      }
    }
  }

  /// Refuses (`.refused`) an output within the cohort, which is an input.
  public func refuse(output path: String) throws {
    guard Path.isInside(path, folder) else { return }
    let what = "is in the prepared cohort, an input, which is never written to"
    throw Failure(.refused, "\(path): \(what); choose another \(Term.output)")
  }

  /// One slice of one modality: rows x columns, in [0, 1].
  public func slice(_ modality: Modality, at reference: SampleReference) throws -> [Float] {
    let contents = SampleContents(modalities: [modality], requiring: [modality])
    return try SampleReader(self, references: [reference], contents).batch(0..<1).target(modality)
  }

  /// One slice of the label map (rows x columns), or nil where the subject has none.
  public func labels(at reference: SampleReference) throws -> [UInt8]? {
    try SampleReader(self, references: [reference], SampleContents(modalities: [], labels: true)).batch(0..<1)
      .labels
  }

  /// How many voxels of a subject's stored label map have each label; nil where there is none. Throws `.malformed` for a
  /// damaged store.
  public func labelCounts(of subject: CohortManifest.Subject) throws -> [UInt8: Int]? {
    try sources[subject.id]?.labels?.labelCounts()
  }

  func source(of reference: SampleReference) -> Source? { sources[reference.subject] }
}
