import Failures
import Imaging

/// Batches of computed heads, each a function of (seed, iteration) alone.
public struct PhysicsSampler: Sendable {
  public let options: PhysicsOptions
  public let modalities: [Modality]
  /// Rows and columns of a slice.
  public let extent: Extent
  public let batchSize: Int
  public let seed: UInt64
  private let heads: HeadSampler

  /// - Throws: `.usage` for settings that mean nothing, no contrast or one named twice, and samples that are no slices.
  public init(
    _ anatomies: Anatomies, _ options: PhysicsOptions, modalities: [Modality], extent: Extent, batchSize: Int,
    seed: UInt64
  ) throws {
    try options.check()
    guard extent.dimensions == 2, batchSize > 0 else {
      throw Failure(.usage, "\(batchSize) computed samples of \(extent): write slices, and 1 or more of them")
    }
    guard !modalities.isEmpty, Set(modalities).count == modalities.count else {
      throw Failure(.usage, "computed heads in '\(modalities.titles)': name one or more different contrasts")
    }
    (self.options, self.modalities, self.extent) = (options, modalities, extent)
    (self.batchSize, self.seed) = (batchSize, seed)
    heads = HeadSampler(anatomies, options.anatomy)
  }

  /// The batch of an iteration, as the stream of this seed gives it.
  public func batch(_ iteration: Int) -> SampleBatch { batch(iteration, in: SlabImages(extent)) }

  /// The same in memory that is there already.
  func batch(_ iteration: Int, in memory: SlabImages) -> SampleBatch {
    let (size, contrasts) = (extent.count, modalities.count)
    var answers = modalities.map { _ in [Float](repeating: 0, count: batchSize * size) }
    var weights = [Float](repeating: 0, count: batchSize * size)
    var references: [SampleReference] = []
    let images = [Float](unsafeUninitializedCapacity: batchSize * contrasts * size) { images, written in
      images.initialize(repeating: 0)
      for sample in 0..<batchSize {
        // Anatomy and physics have streams of their own, so that changing one leaves the other as it is.
        let number = UInt64(iteration * batchSize + sample)
        var anatomy = RandomSource(seed: seed, stream: number << 1)
        var physics = RandomSource(seed: seed, stream: number << 1 | 1)
        let spacing = anatomy.chance(options.widePlanes) ? anatomy.uniform(1, options.planeSpacing) : 1
        let slab = heads.slab(
          &anatomy, rows: extent.rows, columns: extent.columns, planes: options.planes,
          margin: SlabImages.margin, planeSpacing: spacing)
        references.append(SampleReference(subject: slab.anatomy, slice: Int(number)))
        memory.compute(
          slab, modalities, options, &physics, images: images, answers: &answers, weights: &weights,
          sample: sample)
      }
      written = batchSize * contrasts * size
    }
    var batch = SampleBatch(
      [SampleBatch.Block(modalities: modalities, values: images)],
      present: [Set<Modality>](repeating: Set(modalities), count: batchSize), labels: nil, extent: extent,
      depth: 1, references: references)
    batch.answers = Dictionary(uniqueKeysWithValues: zip(modalities, answers))
    batch.weights = weights
    return batch
  }
}
