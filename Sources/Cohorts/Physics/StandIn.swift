import Imaging

/// What follows stands for the generator of heads until that is there.
public struct PhysicsOptions: Codable, Sendable, Equatable {
  public var planes = 7
  public init() {}
  public func check() throws {}
}

public final class Anatomies: Sendable {
  public let digest: String, names: [String], notes: [String]
  public init(folder: String) throws { (digest, names, notes) = (folder, [], []) }
}

public struct PhysicsSampler: Sendable {
  private let modalities: [Modality], extent: Extent, batchSize: Int, seed: UInt64

  public init(
    _ anatomies: Anatomies, _ options: PhysicsOptions, modalities: [Modality], extent: Extent, batchSize: Int,
    seed: UInt64
  ) {
    (self.modalities, self.extent, self.batchSize, self.seed) = (modalities, extent, batchSize, seed)
  }

  public func batch(_ iteration: Int) -> SampleBatch {
    var random = RandomSource(seed: seed, stream: UInt64(iteration))
    let images = modalities.map { modality in
      (modality, (0..<batchSize * extent.count).map { _ in Float(random.uniform()) })
    }
    return SampleBatch(
      images: Dictionary(uniqueKeysWithValues: images),
      present: Array(repeating: Set(modalities), count: batchSize), extent: extent,
      references: (0..<batchSize).map { SampleReference(subject: "head", slice: iteration * batchSize + $0) })
  }
}

public final class PhysicsStream: SampleSource {
  private let sampler: PhysicsSampler
  public private(set) var iteration: Int
  public var sampleCount: Int { 0 }

  public init(
    _ anatomies: Anatomies, _ options: PhysicsOptions, modalities: [Modality], extent: Extent, batchSize: Int,
    seed: UInt64, startingAt iteration: Int = 0, threads: Int = 1, prefetch: Int? = nil
  ) throws {
    sampler = PhysicsSampler(
      anatomies, options, modalities: modalities, extent: extent, batchSize: batchSize, seed: seed)
    self.iteration = iteration
  }

  public func next() throws -> (batch: SampleBatch, waited: Double) {
    iteration += 1
    return (sampler.batch(iteration - 1), 0)
  }

  public func stop() {}
}
