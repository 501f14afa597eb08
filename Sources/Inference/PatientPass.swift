import Failures
import Imaging
import Methods
import Torch

/// A trained method on one patient's volumes, up to what its network makes of them: what a synthesis and a segmentation
/// have in common.
struct PatientPass {
  let card: ModelCard
  let predictor: Predictor

  init(_ method: any Method, card: ModelCard, device: Device) {
    self.card = card
    predictor = Predictor(method, for: card.scenario, device: device)
  }

  /// What was made of a patient's images, and what a careful reader wants to know of it.
  struct Made {
    /// One for each of the wanted channels, on the reference's own grid.
    var volumes: [Volume]
    /// Shares of voxels, within the outline where there is one, that the network put below 0 or above the largest that images
    /// have.
    let clippedBelow: Double, clippedAbove: Double
    /// Slices without any signal in any source, left at 0.
    let emptySlices: Int
  }

  /// What a pass over a patient's volumes will take at the most; a model of heads leaves away the air around one, which no
  /// header tells of.
  /// - Parameters:
  ///   - grid: of the volumes, in LPS order.
  ///   - given: how many there are; `made`: contrasts that are wanted.
  ///   - verifies: whether each of several is hidden first.
  func estimate(of grid: Grid, given: Int, made: Int, verifies: Bool, batchSize: Int) throws -> Estimate {
    let size = PatientWindow(grid, trainedAt: card.trainedVoxel).dimensions
    let hides = verifies && given > 1
    // Of a hidden contrast all are made, to see which of them it is like.
    let held = given + max(made, hides ? predictor.method.outputs : 0) + 1
    return try predictor.estimate(
      of: size, by: card, batchSize: batchSize,
      images: 4 * held * max(grid.voxelCount, size.x * size.y * size.z), hidden: hides ? given : 0)
  }

  /// - Parameters:
  ///   - channels: those that are wanted of what the network makes.
  ///   - outline: of the head, around which nothing is made; nil where something may be everywhere.
  ///   - batchSize: slices or patches at a time.
  /// - Throws: `.numerical` where the network gives NaN; what `progress` throws.
  func run(
    _ inputs: inout PatientImages, making channels: [Int], within outline: HeadOutline? = nil,
    batchSize: Int, progress: (Int, Int) throws -> Void
  ) throws -> Made {
    var pass = self.pass(over: inputs.take(), making: channels, counting: outline?.isHead)
    try pass.run(predictor, batchSize: batchSize, progress: progress)
    let (below, above, empty) = (pass.below, pass.above, pass.empty)
    var outputs = pass.takeOutputs()
    let counted = outline.map { $0.isHead.count { $0 } }
    let total = Double(max(1, outputs.reduce(0) { $0 + (counted ?? $1.voxels.count) }))
    var volumes: [Volume] = []
    while !outputs.isEmpty {
      var output = outputs.removeFirst()
      outline?.clear(&output)
      volumes.append(inputs.restored(output))
    }
    return Made(
      volumes: volumes, clippedBelow: Double(below) / total, clippedAbove: Double(above) / total,
      emptySlices: empty)
  }

  /// The pass itself over images that the caller keeps.
  func pass(over images: [Volume?], making channels: [Int], counting counted: [Bool]? = nil) -> VolumePass {
    VolumePass(
      images, extent: card.extent, depth: card.region.depth, channels: channels,
      ceiling: card.intensityRule.ceiling, counted: counted)
  }
}
