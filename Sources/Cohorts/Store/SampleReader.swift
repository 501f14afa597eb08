import Failures
import Imaging

/// What is read of a cohort: makes batches of any of its samples, on any thread.
struct SampleReader: Sendable {
  let cohort: PreparedCohort
  let references: [SampleReference]
  let contents: SampleContents
  private let extent: Extent

  /// Throws `.inconsistent` for a contrast that the cohort or a named subject lacks, a sample that is not there, or volumes
  /// asked of a store of slices; `.usage` for a perturbation that is no shift of a contrast that is read.
  init(_ cohort: PreparedCohort, references: [SampleReference], _ contents: SampleContents) throws {
    (self.cohort, self.references, self.contents) = (cohort, references, contents)
    extent = contents.region.extent(ofSlices: cohort.manifest.extent)
    // Of subjects who may lack contrasts all may lack the same.
    try cohort.check((contents.least > 0 ? [] : contents.modalities) + contents.requiring)
    try cohort.check(references, contents)
    try contents.perturbation?.check(among: contents.movable, in: extent)
  }

  /// The sample with this index in the list; of patches the one of its subject that is drawn with this number.
  func sample(_ index: Int, seed: UInt64, number: Int) -> SampleReference {
    guard case .patch(let extent) = contents.region, let source = cohort.source(of: references[index]) else {
      return references[index]
    }
    let patches = Patches(of: extent, in: source.subject, of: cohort.manifest)
    return SampleReference(subject: source.subject.id, place: patches.drawn(seed: seed, number: number))
  }

  /// The samples with these places in the list.
  func batch(_ places: some Sequence<Int>) throws -> SampleBatch {
    try batch(places.map { Request(reference: references[$0]) })
  }

  /// A sample that is wanted.
  struct Request {
    var reference: SampleReference
    /// Varies the shifts.
    var epoch = 0
    /// How it is augmented, if it is.
    var change: Augmentation.Draw?
  }

  /// The named samples; epochs vary the shifts.
  ///
  /// Throws `.malformed` for a store that is damaged or was cut short meanwhile.
  func batch(_ samples: [Request]) throws -> SampleBatch {
    let sources = samples.compactMap { cohort.source(of: $0.reference) }
    let boxes = zip(samples, sources).map { sample, source in
      Box(of: sample.reference, contents.region, in: source.subject, cohort.manifest)
    }
    let size = contents.region.depth * extent.count
    var changes = samples.map(\.change)
    let blocks = try contents.blocks.map { modalities in
      let values = try Self.filled(count: samples.count * modalities.count, size: size) { number, image in
        let (index, place) = number.quotientAndRemainder(dividingBy: modalities.count)
        let (modality, source) = (modalities[place], sources[index])
        guard let channel = source.subject.scans.firstIndex(where: { $0.modality == modality }) else {
          return image.initialize(repeating: Float(0))
        }
        try source.images.read(channel, boxes[index], into: image)
        let ceiling = contents.rule.ceiling
        let factor = contents.rule == .foreground ? try source.factors.factor(of: channel) : 1
        for voxel in image.indices { image[voxel] = min(image[voxel] * factor, ceiling) }
        if let perturbation = contents.perturbation, perturbation.modality == modality,
          perturbation.radius > 0
        {
          let shift = perturbation.shift(of: samples[index].reference, epoch: samples[index].epoch)
          perturbation.move(image, extent, shift)
        }
        changes[index]?.change(image, rows: extent.rows, columns: extent.columns)
      }
      return SampleBatch.Block(modalities: modalities, values: values)
    }
    var labels: [UInt8]?
    if contents.labels, sources.contains(where: { $0.labels != nil }) {
      labels = try Self.filled(count: samples.count, size: extent.count) { index, block in
        guard let map = sources[index].labels else { return block.initialize(repeating: 0) }
        try map.read(boxes[index].middle(of: contents.region), into: block)
        samples[index].change?.change(block, rows: extent.rows, columns: extent.columns)
      }
    }
    return SampleBatch(
      blocks,
      present: sources.map { source in
        Set(source.subject.scans.map(\.modality)).intersection(contents.modalities)
      }, labels: labels, extent: extent, depth: contents.region.depth, references: samples.map(\.reference))
  }

  /// An array of `count` parts of `size` values, each filled by `fill`.
  private static func filled<Value>(
    count: Int, size: Int, _ fill: (Int, UnsafeMutableBufferPointer<Value>) throws -> Void
  ) throws -> [Value] {
    try [Value](unsafeUninitializedCapacity: count * size) { buffer, written in
      for number in 0..<count {
        try fill(number, UnsafeMutableBufferPointer(rebasing: buffer[number * size..<(number + 1) * size]))
      }
      written = count * size
    }
  }
}

/// The samples of a split in the order of subjects and places, a batch at a time; the last batch may be smaller.
public struct SampleBatches: Sendable {
  let reader: SampleReader
  let batchSize: Int

  /// Samples over all batches.
  public var sampleCount: Int { reader.references.count }
  /// Batches, the smaller last one included.
  public var count: Int { (sampleCount + batchSize - 1) / batchSize }

  /// Of the batches.
  public var indices: Range<Int> { 0..<count }

  /// The batch with this index. Throws `.malformed` for a store that is damaged or was cut short meanwhile.
  public subscript(index: Int) -> SampleBatch {
    get throws {
      precondition(index >= 0 && index < count, "batch \(index) of \(count)")
      return try reader.batch(index * batchSize..<min((index + 1) * batchSize, sampleCount))
    }
  }

  /// All of them, in memory.
  public func all() throws -> [SampleBatch] { try indices.map { try self[$0] } }
}

extension PreparedCohort {
  /// Reads a split in order, for validation and evaluation: all slices, or patches that cover what is bright.
  ///
  /// Throws `.inconsistent` for a modality the cohort lacks, an empty split, or volumes asked of a store that has only
  /// slices, `.usage` for a perturbation that makes no sense.
  public func batches(in split: Split, _ contents: SampleContents, batchSize: Int) throws -> SampleBatches {
    try batches(of: samples(in: split, contents), contents, batchSize: batchSize)
  }

  /// Reads the named samples in the order given.
  public func batches(
    of references: [SampleReference], _ contents: SampleContents, batchSize: Int
  ) throws -> SampleBatches {
    guard batchSize > 0 else { throw Failure(.usage, "a batch of \(batchSize) samples is not possible") }
    return SampleBatches(
      reader: try SampleReader(self, references: references, contents), batchSize: batchSize)
  }

  /// The slices of a split that serve a scenario, in order.
  public func batches(
    in split: Split, scenario: Scenario, batchSize: Int, perturbation: Perturbation? = nil
  ) throws -> SampleBatches {
    try batches(in: split, SampleContents(scenario, perturbation: perturbation), batchSize: batchSize)
  }

  /// The named slices in the order given.
  public func batches(
    of references: [SampleReference], scenario: Scenario, batchSize: Int, perturbation: Perturbation? = nil
  ) throws -> SampleBatches {
    try batches(of: references, SampleContents(scenario, perturbation: perturbation), batchSize: batchSize)
  }

  /// All planes of a subject as its slices have them, as one sample.
  /// - Throws: `.inconsistent` for a subject that is not there or lacks a contrast, and of a store that has only slices.
  package func stack(of subject: String, _ contents: SampleContents) throws -> SampleBatch {
    guard let source = source(of: SampleReference(subject: subject, slice: 0))?.subject else {
      throw Failure(.inconsistent, "\(folder): \(subject) is not in the prepared cohort")
    }
    let (planes, slice) = (manifest.grid(of: source).planes, manifest.extent)
    let corner = SampleReference(subject: subject, place: [0, -source.offset[0], -source.offset[1]])
    let whole = contents.seeing(.patch(Extent(planes, slice.rows, slice.columns)))
    return try batches(of: [corner], whole, batchSize: 1)[0]
  }
}
