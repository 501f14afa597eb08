/// One slice of a prepared cohort, by name.
public struct SliceReference: Sendable, Hashable, Codable, CustomStringConvertible {
  public var subject: String
  /// Index along the patient's foot-to-head axis of the subject's own grid, from 0.
  public var slice: Int

  public init(subject: String, slice: Int) {
    self.subject = subject
    self.slice = slice
  }

  public var description: String { "\(subject) slice \(slice)" }
}

/// Slices as plain numbers, ready to become tensors on the training thread.
///
/// A slice is an axial view: rows run from anterior to posterior, columns from the patient's right to left, and
/// intensities lie in [0, 1] (0 to the 99.5th percentile of the volume).
public struct SliceBatch: Sendable, Equatable {
  /// `count x channels x height x width`, contiguous; channels in the order of the scenario's sources.
  public var sources: [Float]
  /// `count x 1 x height x width`, contiguous.
  public var target: [Float]
  /// Slices in the batch.
  public var count: Int
  /// Source modalities.
  public var channels: Int
  public var height: Int
  public var width: Int
  /// Which slices these are, in order.
  public var references: [SliceReference]

  public init(
    sources: [Float], target: [Float], count: Int, channels: Int, height: Int, width: Int,
    references: [SliceReference]
  ) {
    precondition(sources.count == count * channels * height * width)
    precondition(target.count == count * height * width && references.count == count)
    self.sources = sources
    self.target = target
    self.count = count
    self.channels = channels
    self.height = height
    self.width = width
    self.references = references
  }
}
