import Foundation
import Imaging

extension CohortManifest {
  /// Rows and columns a stored image may have.
  static let largestSide = 16_384
  /// Slices a subject may have, and the rows, columns and slices of its grid.
  static let mostVoxels = 1 << 16

  /// What in the manifest cannot be true, or nil. Everything that sizes memory or names a file is bounded here.
  func contradiction() -> String? {
    guard (1...Self.largestSide).contains(height), (1...Self.largestSide).contains(width) else {
      return "an image of \(height) x \(width) pixels is impossible"
    }
    guard !modalities.isEmpty, Set(modalities).count == modalities.count else {
      return "the list of modalities is empty or repeats one"
    }
    guard !subjects.isEmpty else { return "it lists no subject" }
    var seen: Set<String> = []
    for subject in subjects {
      guard Self.isIdentifier(subject.id) else { return "'\(subject.id)' is no subject identifier" }
      guard seen.insert(subject.id).inserted else { return "subject \(subject.id) is listed twice" }
      if let complaint = geometry(of: subject) ?? scans(of: subject) {
        return "subject \(subject.id): \(complaint)"
      }
    }
    return nil
  }

  /// The identifier becomes a file name: it must be one, and not lead out of the folder.
  static func isIdentifier(_ id: String) -> Bool {
    !id.isEmpty && id.utf8.count <= 240 && !id.hasPrefix(".") && !id.contains("/")
      && id.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }
  }

  private func geometry(of subject: Subject) -> String? {
    let sides = subject.dimensions
    func product(_ values: [some Any]) -> String { values.map { "\($0)" }.joined(separator: " x ") }
    guard sides.count == 3, sides.allSatisfy({ (1...Self.mostVoxels).contains($0) }) else {
      return "a grid of \(product(sides)) voxels is impossible"
    }
    guard subject.spacing.count == 3, subject.spacing.allSatisfy({ $0 > 0 && $0 < 10_000 }) else {
      return "a voxel of \(product(subject.spacing)) mm is impossible"
    }
    guard Orientation(subject.orientation) != nil else { return "'\(subject.orientation)' is no orientation" }
    guard let first = subject.slices.first, let last = subject.slices.last, first >= 0, last < sides[2],
      zip(subject.slices, subject.slices.dropFirst()).allSatisfy({ $0 < $1 })
    else { return "its slices are not an ascending list within 0 ..< \(sides[2])" }
    let grid = grid(of: subject)
    guard subject.offset == Self.offset(of: grid, in: extent) else {
      return "an offset of \(subject.offset.map(String.init).joined(separator: ", ")) is impossible"
    }
    guard version > 1 else { return nil }
    guard let signal = subject.signal, signal.count == 3,
      zip(signal, grid.sizes).allSatisfy({ range, size in
        range.count == 2 && 0 <= range[0] && range[0] <= range[1] && range[1] < size
      })
    else { return "what its volumes show lies outside them" }
    return nil
  }

  private func scans(of subject: Subject) -> String? {
    let own = subject.scans.map(\.modality)
    guard !own.isEmpty, own == modalities.filter(own.contains), version > 1 || own == modalities else {
      return "its scans are not those of \(modalities.titles)"
    }
    for scan in subject.scans {
      guard scan.scale > 0, scan.scale.isFinite, (0...1).contains(scan.clippedAbove),
        (0...1).contains(scan.clippedBelow), scan.source.bytes >= 0
      else { return "the numbers of its \(scan.modality.title) scan are impossible" }
    }
    return nil
  }
}
