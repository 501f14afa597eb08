import Failures
import Files
import Imaging
import Inference
import Layers
import Methods
import Networks
import Torch

extension Experiment {
  /// Bytes without which nothing can be computed on images of this extent, whatever the networks are in detail; what is really
  /// needed is several times as much.
  ///
  /// The weights, with their gradients and the optimiser's two moments in training; the images of a batch; and, of the
  /// generator's first level, a map with `width` channels, in training as many as are kept at least, and a gradient.
  /// - Parameter trains: whether a training step is meant, and not one image.
  func leastBytes(on extent: Extent, trains: Bool) throws -> Double {
    // Counted without memory for them.
    let weights = try Parameters.outlining {
      let method = try MethodCatalog.build(self, device: .cpu)
      let networks = trains ? method.networks.map(\.parameters) : [method.generator.parameters]
      return networks.reduce(0.0) { $0 + Double($1.count) }
    }
    let (task, first) = (task(), try generator().firstLevel)
    let voxels = extent.sizes.reduce(trains ? Double(self.batchSize) : 1) { $0 * Double($1) }
    let map = Double(task.network.width) / Double(1 << (first.halvings * extent.dimensions))
    let images = Double(task.inputs) + (trains ? 3 : 1)
    return 4 * (weights * (trains ? 4 : 1) + voxels * (images + map * Double(trains ? first.kept + 1 : 1)))
  }

  /// Refuses what cannot fit into the memory that there is, before any of it is taken.
  /// - Parameter slice: rows and columns of the cohort's slices.
  /// - Throws: `.limit` with the figures and what to reduce.
  package func checkMemory(
    onSlices slice: Extent, trains: Bool, device: Device, limit: MemoryLimit? = .own
  ) throws {
    let extent = extent(ofSlices: slice)
    let least = try leastBytes(on: extent, trains: trains)
    // Of a GPU's memory nothing is known before it is asked for.
    guard device == .cpu, let limit, least > Double(limit.bytes) else { return }
    throw lacking(least, of: limit, on: extent, trains: trains)
  }

  /// What is thrown where there is less memory than something needs.
  package func lacking(_ bytes: Double, of limit: MemoryLimit, on extent: Extent, trains: Bool) -> Failure {
    let what = trains ? "a training step on \(self.batchSize) \(self.region.samples)" : "an image"
    let smaller =
      extent.dimensions == 3
      ? "\(Term.region), \(Term.batchSize) or \(Term.width)" : "\(Term.batchSize) or \(Term.width)"
    return Failure(
      .limit,
      "\(what) of \(extent) needs more than \(Estimate.gibibytes(bytes)), and there are "
        + "\(Estimate.gibibytes(Double(limit.bytes))) (\(limit.origin)); choose a smaller \(smaller)")
  }

  /// Refuses a trained model whose samples, one at a time, cannot fit into the memory that there is.
  /// - Throws: `.limit`.
  package func checkMemory(
    ofModel file: String, on extent: Extent, device: Device, limit: MemoryLimit? = .own
  ) throws {
    let least = try leastBytes(on: extent, trains: false)
    guard device == .cpu, let limit, least > Double(limit.bytes) else { return }
    throw Failure(
      .limit,
      "\(file): an image of \(extent) needs more than \(Estimate.gibibytes(least)), and there are "
        + "\(Estimate.gibibytes(Double(limit.bytes))) (\(limit.origin)); use a computer with more, or train on smaller "
        + self.region.samples)
  }
}
