import Failures
import Imaging

/// A list of slices with the scenario they serve: makes batches of any of them, on any thread.
struct SliceReader: Sendable {
  let cohort: PreparedCohort
  let references: [SliceReference]
  let perturbation: Perturbation?
  private let positions: [PreparedCohort.Position]
  private let sources: [Int]
  private let target: Int
  private let perturbed: Int?

  /// Throws what `PreparedCohort.check` throws, and `.usage` for a perturbation that is no shift of a source.
  init(
    _ cohort: PreparedCohort, references: [SliceReference], scenario: Scenario, perturbation: Perturbation?
  ) throws {
    try cohort.check(scenario)
    self.cohort = cohort
    self.references = references
    self.perturbation = perturbation
    positions = try references.map { try cohort.position(of: $0) }
    sources = try scenario.sources.map { try cohort.channel($0) }
    target = try cohort.channel(scenario.target)
    perturbed = perturbation.flatMap { scenario.sources.firstIndex(of: $0.modality) }
    let side = Double(max(cohort.manifest.height, cohort.manifest.width))
    if let radius = perturbation?.radius, !(0...side).contains(radius) {
      throw Failure(.usage, "a shift of \(radius) pixels is not possible: give 0 to \(Int(side))")
    }
    if let perturbation, perturbed == nil {
      let names = scenario.sources.map(\.title).joined(separator: ", ")
      throw Failure(
        .usage, "\(perturbation.modality.title) is to be shifted but is not a source (sources: \(names))")
    }
  }

  /// The batch of the slices with these indices into `references`; `epochs` (one each) vary the shifts.
  ///
  /// Throws `.malformed` for a store that is damaged or was cut short meanwhile.
  func batch(_ indices: [Int], epochs: [Int]? = nil) throws -> SliceBatch {
    let (height, width) = (cohort.manifest.height, cohort.manifest.width)
    let pixels = height * width
    let channels = sources.count
    let sourceValues = try [Float](unsafeUninitializedCapacity: indices.count * channels * pixels) {
      buffer, written in
      for (row, index) in indices.enumerated() {
        for (column, channel) in sources.enumerated() {
          let first = (row * channels + column) * pixels
          let image = UnsafeMutableBufferPointer(rebasing: buffer[first..<first + pixels])
          try cohort.read(channel, at: positions[index], into: image)
          if let perturbation, column == perturbed, perturbation.radius > 0 {
            let (dx, dy) = perturbation.shift(of: references[index], epoch: epochs?[row] ?? 0)
            Perturbation.translate(image, height: height, width: width, dx: dx, dy: dy)
          }
        }
      }
      written = indices.count * channels * pixels
    }
    let targetValues = try [Float](unsafeUninitializedCapacity: indices.count * pixels) { buffer, written in
      for (row, index) in indices.enumerated() {
        let image = UnsafeMutableBufferPointer(rebasing: buffer[row * pixels..<(row + 1) * pixels])
        try cohort.read(target, at: positions[index], into: image)
      }
      written = indices.count * pixels
    }
    return SliceBatch(
      sources: sourceValues, target: targetValues, count: indices.count, channels: channels, height: height,
      width: width, references: indices.map { references[$0] })
  }
}

/// The slices of a split in subject and slice order, a batch at a time; the last batch may be smaller.
public struct SliceBatches: Sendable {
  let reader: SliceReader
  let batchSize: Int

  /// Slices over all batches.
  public var sliceCount: Int { reader.references.count }
  /// Batches, the smaller last one included.
  public var count: Int { (sliceCount + batchSize - 1) / batchSize }

  /// Of the batches.
  public var indices: Range<Int> { 0..<count }

  /// The batch with this index. Throws `.malformed` for a store that is damaged or was cut short meanwhile.
  public subscript(index: Int) -> SliceBatch {
    get throws {
      precondition(index >= 0 && index < count, "batch \(index) of \(count)")
      return try reader.batch(Array(index * batchSize..<min((index + 1) * batchSize, sliceCount)))
    }
  }

  /// All of them, in memory.
  public func all() throws -> [SliceBatch] { try indices.map { try self[$0] } }
}

extension PreparedCohort {
  /// Reads a split in order, for validation and evaluation.
  ///
  /// Throws `.inconsistent` for a modality the cohort lacks or an empty split, `.usage` for a scenario or a
  /// perturbation that makes no sense.
  public func batches(
    in split: Split, scenario: Scenario, batchSize: Int, perturbation: Perturbation? = nil
  ) throws -> SliceBatches {
    try batches(of: slices(in: split), scenario: scenario, batchSize: batchSize, perturbation: perturbation)
  }

  /// Reads the named slices in the order given.
  public func batches(
    of references: [SliceReference], scenario: Scenario, batchSize: Int, perturbation: Perturbation? = nil
  ) throws -> SliceBatches {
    guard batchSize > 0 else { throw Failure(.usage, "a batch of \(batchSize) slices is not possible") }
    let reader = try SliceReader(self, references: references, scenario: scenario, perturbation: perturbation)
    return SliceBatches(reader: reader, batchSize: batchSize)
  }
}
