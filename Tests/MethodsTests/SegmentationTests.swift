import Imaging
import Layers
import Methods
import Networks
import TestSupport
import Testing
import Torch

/// Regions that contain one another, learned from labels.
@Suite struct SegmentationTests {
  private let regions = LabelRegion.braTS()

  /// `[B, 1] + spatial` labels: background beside a square of oedema with a core that enhances in its middle.
  private static func labels(_ spatial: [Int], count: Int = 1) -> Tensor {
    let box = { (place: Int, side: Int, margin: Int) in place >= margin && place < side - margin }
    let size = spatial.reduce(1, *)
    let one = (0..<size).map { index -> Double in
      let (row, column) = (
        index / spatial[spatial.count - 1] % spatial[spatial.count - 2], index % spatial[spatial.count - 1]
      )
      let (rows, columns) = (spatial[spatial.count - 2], spatial[spatial.count - 1])
      func inside(_ margin: Int) -> Bool { box(row, rows, margin) && box(column, columns, margin) }
      return inside(rows / 2 - 2) ? 3 : inside(rows / 2 - 4) ? 1 : inside(rows / 4) ? 2 : 0
    }
    return Tensor(Array(repeating: one, count: count).flatMap { $0 }, shape: [count, 1] + spatial)
  }

  /// Two images that show the regions, with noise.
  private static func batch(_ spatial: [Int], count: Int = 1, seed: UInt64 = 1) -> Batch {
    let labels = labels(spatial, count: count).to(.float32)
    let noise = Tensor.uniform([count, 2] + spatial, seed: seed)
    return Batch(
      sources: Tensor.concatenated([labels * 0.25, labels * -0.2 + 0.8], axis: 1) + noise * 0.1,
      target: labels)
  }

  private static func method(
    width: Int = 32, dimensions: Int = 2, rate: Double = 1e-3,
    _ change: (inout Segmentation.Options) -> Void = { _ in }
  ) -> any Method {
    var options = Segmentation.Options()
    change(&options)
    var task = SynthesisTask(Scenario(labelling: [.t1, .flair]), dimensions: dimensions, rate: rate)
    (task.network.width, task.network.blocks) = (width, 1)
    return options.make(task, options.ownGenerator(task))
  }

  // MARK: - Masks and losses

  @Test func masksAreTheRegionsOfTheLabels() {
    let labels = Tensor([0.0, 1, 2, 3], shape: [1, 1, 2, 2])
    let masks = labels.masks(of: regions, like: .zeros([1], type: .float64))
    #expect(masks.shape == [1, 3, 2, 2])
    #expect(masks.values(Double.self) == [0, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1])
    // Two samples of two planes; a label that is far up.
    let volume = Tensor([0.0, 255, 7, 0, 0, 0, 255, 0], shape: [2, 1, 2, 1, 2]).to(.float32)
    let high = volume.masks(of: [LabelRegion("lesion", labels: [255])], like: volume)
    #expect(high.shape == [2, 1, 2, 1, 2])
    #expect(high.values(Float.self) == [0, 1, 0, 0, 0, 0, 1, 0])
  }

  /// By hand: 1 - (2 x shared + 1) / (sum + sum + 1) of each region over the whole batch, their mean.
  @Test func theDiceLossIsTheDefinition() {
    let likelihoods: [Double] = [0.9, 0.2, 0.6, 0.1, 0.5, 0.3, 0.8, 0.7]
    let masks: [Double] = [1, 0, 1, 0, 0, 0, 1, 1]
    // Two samples, two regions, two pixels: a region's pixels are 0, 1 and 4, 5 or 2, 3 and 6, 7.
    let loss = Tensor(likelihoods, shape: [2, 2, 1, 2]).diceLoss(Tensor(masks, shape: [2, 2, 1, 2]))
    let first = (2 * 0.9 + 1) / (0.9 + 0.2 + 0.5 + 0.3 + 1 + 1)
    let second = (2 * (0.6 + 0.8 + 0.7) + 1) / (0.6 + 0.1 + 0.8 + 0.7 + 3 + 1)
    expectClose([loss.item], [1 - (first + second) / 2], within: 1e-12)
    // Right is 0, also where a region is nowhere.
    let perfect = Tensor(masks, shape: [1, 2, 2, 2])
    #expect(abs(perfect.diceLoss(perfect).item) < 1e-12)
    let nothing = Tensor.zeros([1, 2, 2, 2], type: .float64)
    #expect(abs(nothing.diceLoss(nothing).item) < 1e-12)
    #expect(nothing.diceLoss(perfect).item > 0.5)
  }

  @Test func theDiceLossHasTheSlopeItSays() {
    let likelihoods = knownImage("likelihoods", [2, 3, 3, 2])
    let masks = Self.labels([8, 8]).masks(of: regions, like: likelihoods).narrowed(2, from: 1, length: 3)
      .narrowed(3, from: 2, length: 2)
    expectGradientIsSlope(of: [("likelihoods", likelihoods)], within: 1e-7) {
      likelihoods.diceLoss(Tensor.concatenated([masks, masks * 0 + 1], axis: 0))
    }
  }

  // MARK: - Training

  @Test(arguments: [[32, 32], [32, 32, 32]]) func everyParameterLearns(_ spatial: [Int]) throws {
    let method = Self.method(width: spatial.count == 2 ? 32 : 8, dimensions: spatial.count)
    let store = method.generator.parameters
    let before = store.entries.map { $0.tensor.values(Float.self) }
    for seed in 1...2 {
      let losses = method.step(Self.batch(spatial, count: 4 - spatial.count, seed: UInt64(seed)))
      #expect(losses.map(\.name) == ["dice", "cross-entropy"] && method.losses == losses.map(\.name))
      #expect(losses.allSatisfy { $0.value.isFinite && $0.value > 0 })
    }
    for ((name, tensor), before) in zip(store.entries, before) {
      let after = tensor.values(Float.self)
      #expect(after != before && after.allSatisfy(\.isFinite), "\(name)")
    }
  }

  @Test func theLossFallsAndTheRegionsAreFound() throws {
    let method = Self.method(width: 8, rate: 5e-3)
    let batch = Self.batch([32, 32], count: 2)
    let first = method.step(batch).reduce(0) { $0 + $1.value }
    var last = first
    for _ in 0..<100 { last = method.step(batch).reduce(0) { $0 + $1.value } }
    #expect(last < 0.5 * first, "\(first) to \(last)")
    let maps = method.generator.parameters.evaluating { method.synthesize(batch.sources) }
    #expect(maps.shape == [2, 3, 32, 32] && method.outputs == 3)
    let values = maps.values(Float.self)
    #expect(values.allSatisfy { (0...1).contains($0) })
    let wanted = batch.target.masks(of: regions, like: maps).values(Float.self)
    let wrong = zip(values, wanted).count { ($0 > 0.5) != ($1 > 0.5) }
    #expect(wrong < values.count / 30, "\(wrong) of \(values.count)")
  }

  /// A weight of 0 takes a loss out of what is improved, not out of what is told.
  @Test func weightsWeigh() throws {
    func weights(_ change: (inout Segmentation.Options) -> Void) -> [[Float]] {
      let method = Self.method(width: 8, change)
      for seed in 1...2 { _ = method.step(Self.batch([32, 32], seed: UInt64(seed))) }
      return method.generator.parameters.entries.map { $0.tensor.values(Float.self) }
    }
    let both = weights { _ in }
    #expect(weights { $0.weightDice = 0 } != both)
    #expect(weights { $0.weightCrossEntropy = 0 } != both)
    #expect(weights { _ in } == both)
  }

  @Test func optionsThatMakeNoSense() {
    func refusal(_ change: (inout Segmentation.Options) -> Void) -> String {
      var options = Segmentation.Options()
      change(&options)
      return options.refusal ?? ""
    }
    #expect(refusal { _ in }.isEmpty)
    #expect(refusal { $0.weightDice = -1 }.contains("weightDice is -1"))
    #expect(refusal { $0.regions = [] }.contains("regions is empty"))
    #expect(refusal { $0.regions.reverse() }.contains("the whole before its parts"))
    #expect(refusal { $0.augmentation.rotation = 200 }.contains("augmentation.rotation is 200"))
  }
}
