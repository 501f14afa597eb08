import Failures
import Files
import Foundation
import Imaging

/// A folder that `aginet prepare` wrote, open for reading.
///
/// `subjects/<id>.slices` holds [slice][modality][row][column] as UInt16 little-endian, 65535 standing for 1.
public struct PreparedCohort: Sendable {
  public let folder: String
  public let manifest: CohortManifest

  /// Whether the store's files carry checksums; those of aginet 0.1.0 do not.
  public let hasChecksums: Bool

  private let images: [StoreFile]
  private let maps: [StoreFile?]
  private let positions: [SliceReference: Position]

  /// Where a slice lies: the subject's index in the manifest and the slice's place in its file.
  struct Position: Sendable {
    var subject: Int
    var place: Int
  }

  /// Bytes of a store that are compared with their checksums as it is opened, which takes a second or so.
  package static let checkedAtOnce = 1 << 30

  /// Opens a store and checks that every file is there in full.
  ///
  /// The files' checksums are compared here where the store is small, else when a file is first read: a store of
  /// BraTS' size (20 GB) would take a minute, and an evaluation reads a tenth of it.
  ///
  /// Throws `.notFound` for a missing folder, `.malformed` for what is no store, an incomplete or damaged one, or one
  /// of another version.
  public init(folder: String) throws {
    try self.init(folder: folder, checkingUpTo: Self.checkedAtOnce)
  }

  package init(folder: String, checkingUpTo limit: Int) throws {
    let manifest = try CohortManifest(folder: folder)
    var images: [StoreFile] = []
    var maps: [StoreFile?] = []
    var positions: [SliceReference: Position] = [:]
    for (index, subject) in manifest.subjects.enumerated() {
      let bytes = manifest.sliceBytes(of: subject)
      images.append(
        try StoreFile(
          path: "\(folder)/\(CohortManifest.slicesFile(subject.id))", size: bytes,
          checksum: subject.slicesChecksum))
      maps.append(
        subject.labels == nil
          ? nil
          : try StoreFile(
            path: "\(folder)/\(CohortManifest.labelsFile(subject.id))",
            size: bytes / (2 * manifest.modalities.count), checksum: subject.labelsChecksum))
      for (place, slice) in subject.slices.enumerated() {
        positions[SliceReference(subject: subject.id, slice: slice)] = Position(subject: index, place: place)
      }
    }
    let files = images + maps.compactMap { $0 }
    if files.reduce(0, { $0 + $1.size }) <= limit {
      try Parallel.forEach(count: files.count) { try files[$0].verify() }
    }
    self.folder = folder
    self.manifest = manifest
    hasChecksums = manifest.subjects.allSatisfy { $0.slicesChecksum != nil }
    self.images = images
    self.maps = maps
    self.positions = positions
  }

  /// The subjects of a split, in order of their identifiers.
  public func subjects(in split: Split) -> [CohortManifest.Subject] {
    manifest.subjects.filter { $0.split == split }
  }

  /// The slices of a split in subject and slice order. Throws `.inconsistent` if there is none.
  public func slices(in split: Split) throws -> [SliceReference] {
    let list = subjects(in: split).flatMap { subject in
      subject.slices.map { SliceReference(subject: subject.id, slice: $0) }
    }
    guard !list.isEmpty else {
      let counts = Split.allCases.map { "\($0.rawValue) \(subjects(in: $0).count)" }.joined(separator: ", ")
      throw Failure(
        .inconsistent,
        "\(folder): no subject is in the \(split.rawValue) split (subjects: \(counts)); prepare again with --splits"
      )
    }
    return list
  }

  /// Refuses a scenario that this cohort cannot serve: `.inconsistent` for a modality it lacks, naming those it
  /// has; `.usage` for a scenario without sources, with one named twice, or with the target among them.
  public func check(_ scenario: Scenario) throws {
    let sources = scenario.sources
    guard !sources.isEmpty else { throw Failure(.usage, "\(scenario): no source modality is named") }
    guard Set(sources).count == sources.count else {
      throw Failure(.usage, "\(scenario): a source modality is named twice")
    }
    guard !sources.contains(scenario.target) else {
      throw Failure(.usage, "\(scenario): the target \(scenario.target.title) is among the sources")
    }
    for modality in sources + [scenario.target] { _ = try channel(modality) }
  }

  /// Refuses (`.refused`) an output within the cohort, which is an input.
  public func refuse(output path: String) throws {
    guard Path.isInside(path, folder) else { return }
    throw Failure(
      .refused, "\(path): is in the prepared cohort, an input, which is never written to; choose another -o")
  }

  /// One slice of one modality: height x width, in [0, 1].
  public func slice(_ modality: Modality, at reference: SliceReference) throws -> [Float] {
    let channel = try channel(modality)
    let position = try position(of: reference)
    let count = manifest.height * manifest.width
    return try [Float](unsafeUninitializedCapacity: count) { buffer, written in
      try read(channel, at: position, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      written = count
    }
  }

  /// One slice of the label map (height x width), or nil where the subject has none.
  public func labels(at reference: SliceReference) throws -> [UInt8]? {
    let position = try position(of: reference)
    let count = manifest.height * manifest.width
    guard let map = maps[position.subject] else { return nil }
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
      try map.read(
        into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])),
        at: position.place * count)
      written = count
    }
  }

  func channel(_ modality: Modality) throws -> Int {
    guard let index = manifest.modalities.firstIndex(of: modality) else {
      let known = manifest.modalities.map(\.title).joined(separator: ", ")
      throw Failure(.inconsistent, "\(folder): the cohort has no \(modality.title), it has \(known)")
    }
    return index
  }

  func position(of reference: SliceReference) throws -> Position {
    guard let position = positions[reference] else {
      throw Failure(.inconsistent, "\(folder): \(reference) is not in the prepared cohort")
    }
    return position
  }

  /// Fills `image` (height x width) with stored values brought to [0, 1]. Throws what `StoreFile.read` throws.
  func read(_ channel: Int, at position: Position, into image: UnsafeMutableBufferPointer<Float>) throws {
    let count = manifest.height * manifest.width
    let first = (position.place * manifest.modalities.count + channel) * count
    try withUnsafeTemporaryAllocation(of: UInt16.self, capacity: count) { slice in
      try images[position.subject].read(into: UnsafeMutableRawBufferPointer(slice), at: 2 * first)
      // Divided, not multiplied by a rounded reciprocal: 65535 must come back as exactly 1.
      for index in 0..<count { image[index] = Float(UInt16(littleEndian: slice[index])) / 65535 }
    }
  }
}
