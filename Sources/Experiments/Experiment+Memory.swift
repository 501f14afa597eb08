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
  /// The weights, with their gradients and the optimiser's two moments in training; the images of a batch; and, of the first
  /// level of every generator, a map at half the sides with `width` channels, in training its gradient too.
  /// - Parameter trains: whether a training step is meant, and not one image.
  func leastBytes(on extent: Extent, trains: Bool) throws -> Double {
    // Counted without memory for them.
    let weights = try Parameters.outlining {
      let method = try MethodCatalog.build(self, device: .cpu)
      let networks = trains ? method.networks.map(\.parameters) : [method.generator.parameters]
      return networks.reduce(0.0) { $0 + Double($1.count) }
    }
    let task = task()
    let voxels = extent.sizes.reduce(trains ? Double(self.batchSize) : 1) { $0 * Double($1) }
    let map = Double(task.network.width) / Double(1 << extent.dimensions)
    let images = Double(task.inputs) + (trains ? 3 : 1)
    return 4 * (weights * (trains ? 4 : 1) + voxels * (images + map * (trains ? 2 : 1)))
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
    let what = trains ? "a training step on \(self.batchSize) \(self.region.samples)" : "an image"
    let smaller =
      extent.dimensions == 3
      ? "\(Term.region), \(Term.batchSize) or \(Term.width)" : "\(Term.batchSize) or \(Term.width)"
    throw Failure(
      .limit,
      "\(what) of \(extent) needs more than \(Estimate.gibibytes(least)), and there are "
        + "\(Estimate.gibibytes(Double(limit.bytes))) (\(limit.origin)); choose a smaller \(smaller)")
  }
}
