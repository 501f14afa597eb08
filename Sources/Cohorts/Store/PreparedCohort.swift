import Failures
import Foundation
import Imaging

/// A folder that `aginet prepare` wrote, mapped into memory for reading.
///
/// `subjects/<id>.slices` holds [slice][modality][row][column] as UInt16 little-endian, 65535 standing for 1.
public struct PreparedCohort: Sendable {
  public let folder: String
  public let manifest: CohortManifest

  private let images: [MappedFile]
  private let maps: [MappedFile?]
  private let positions: [SliceReference: Position]

  /// Where a slice lies: the subject's index in the manifest and the slice's place in its file.
  struct Position: Sendable {
    var subject: Int
    var place: Int
  }

  /// Opens a store and checks that every file is there in full.
  ///
  /// Throws `.notFound` for a missing folder, `.malformed` for what is no store, an incomplete one, or one of
  /// another version.
  public init(folder: String) throws {
    let manifest = try CohortManifest(folder: folder)
    var images: [MappedFile] = []
    var maps: [MappedFile?] = []
    var positions: [SliceReference: Position] = [:]
    for (index, subject) in manifest.subjects.enumerated() {
      let bytes = manifest.sliceBytes(of: subject)
      images.append(
        try MappedFile(path: "\(folder)/\(CohortManifest.slicesFile(subject.id))", size: bytes))
      maps.append(
        subject.labels == nil
          ? nil
          : try MappedFile(
            path: "\(folder)/\(CohortManifest.labelsFile(subject.id))",
            size: bytes / (2 * manifest.modalities.count)))
      for (place, slice) in subject.slices.enumerated() {
        positions[SliceReference(subject: subject.id, slice: slice)] = Position(subject: index, place: place)
      }
    }
    self.folder = folder
    self.manifest = manifest
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

  /// One slice of one modality: height x width, in [0, 1].
  public func slice(_ modality: Modality, at reference: SliceReference) throws -> [Float] {
    let channel = try channel(modality)
    let position = try position(of: reference)
    let count = manifest.height * manifest.width
    return [Float](unsafeUninitializedCapacity: count) { buffer, written in
      read(channel, at: position, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      written = count
    }
  }

  /// One slice of the label map (height x width), or nil where the subject has none.
  public func labels(at reference: SliceReference) throws -> [UInt8]? {
    let position = try position(of: reference)
    let count = manifest.height * manifest.width
    return maps[position.subject].map {
      Array($0.bytes[position.place * count..<(position.place + 1) * count])
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

  /// Fills `image` (height x width) with stored values brought to [0, 1].
  func read(_ channel: Int, at position: Position, into image: UnsafeMutableBufferPointer<Float>) {
    let count = manifest.height * manifest.width
    let first = (position.place * manifest.modalities.count + channel) * count
    images[position.subject].bytes.withMemoryRebound(to: UInt16.self) { stored in
      let slice = UnsafeBufferPointer(rebasing: stored[first..<first + count])
      // Divided, not multiplied by a rounded reciprocal: 65535 must come back as exactly 1.
      for index in 0..<count { image[index] = Float(UInt16(littleEndian: slice[index])) / 65535 }
    }
  }
}
