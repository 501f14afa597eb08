import Failures
import Imaging
import Methods
import Torch

/// A trained method on one patient's volumes, up to what its network makes of them: what a synthesis and a segmentation
/// have in common.
struct PatientPass {
  var card: ModelCard
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
    /// Slices without any signal in any source, left at 0: of the first of the planes that it was seen in.
    let emptySlices: Int
  }

  /// What a pass over a patient's volumes will take at the most; a model of heads leaves away the air around one, which no
  /// header tells of.
  /// - Parameters:
  ///   - grid: of the volumes, in LPS order.
  ///   - given: how many there are; `made`: contrasts that are wanted.
  ///   - verifies: whether each of several is hidden first.
  ///   - rounds: how many times the volumes are gone through.
  func estimate(
    of grid: Grid, given: Int, made: Int, verifies: Bool, rounds: Int = 1, batchSize: Int
  ) throws -> Estimate {
    let size = PatientWindow(grid, trainedAt: card.trainedVoxel).dimensions
    let views = HeadView.all(of: grid, for: card)
    let hides = verifies && given > 1
    // Of a hidden contrast all are made, to see which of them it is like.
    var held = given + max(made, hides ? predictor.method.outputs : 0) + 1
    // While they are seen in one plane more, there are they as they were, what was made so far, and both turned.
    if views.count > 1 { held = max(held, 2 * (given + made) + 1) }
    let turned = views.map { $0.dimensions(of: size) }
    let largest = turned.map { $0.x * $0.y * $0.z }.max() ?? 0
    return try predictor.estimate(
      of: (0..<rounds).flatMap { _ in turned }, by: card, batchSize: batchSize, verifyingIn: size,
      images: 4 * held * max(grid.voxelCount, size.x * size.y * size.z, largest), hidden: hides ? given : 0)
  }

  /// What is made in several planes is their weighted mean.
  /// - Parameters:
  ///   - channels: those that are wanted of what the network makes.
  ///   - outline: of the head, around which nothing is made; nil where something may be everywhere.
  ///   - batchSize: slices or patches at a time.
  ///   - progress: passes of slices or patches, done and in all; of several planes slices, the empty ones too.
  /// - Throws: `.numerical` where the network gives NaN; what `progress` throws.
  func run(
    _ inputs: inout PatientImages, making channels: [Int], within outline: HeadOutline? = nil,
    batchSize: Int, progress: (Int, Int) throws -> Void
  ) throws -> Made {
    let views = inputs.views
    var images = inputs.take()
    let size = images.lazy.compactMap { $0?.dimensions }.first ?? .one
    // Empty ones, which are passed over, are known of the view at hand alone.
    let planes = views.map { $0.dimensions(of: size).z }
    var outputs: [Volume] = []
    var (below, above, empty) = (0, 0, 0)
    for (number, view) in views.enumerated() {
      let seen = images.map { $0.map(view.seen) }
      if number == views.count - 1 { images = [] }
      // What axial planes tell of what is cut off holds for all.
      var pass = self.pass(over: seen, making: channels, counting: number == 0 ? outline?.isHead : nil)
      try pass.run(predictor, batchSize: batchSize) {
        guard views.count > 1 else { return try progress($0, $1) }
        let before = planes[..<number].reduce(0, +)
        try progress(before + planes[number] * $0 / $1, planes.reduce(0, +))
      }
      let made = pass.takeOutputs()
      if number == 0 {
        outputs = made
        (below, above, empty) = (pass.below, pass.above, pass.empty)
      } else {
        for (channel, volume) in made.enumerated() { view.add(volume, to: &outputs[channel]) }
      }
    }
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
