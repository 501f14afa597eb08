import Imaging
import Layers
import Networks
import Torch

/// The segmentation of regions that may contain one another, each by a map of its own (Isensee et al. 2018; the paper's Table 4
/// names a U-Net and no more).
///
/// Soft Dice and binary cross-entropy of each region, Adam with the default betas (0.9, 0.999).
public final class Segmentation: Method, Framework {
  public static let name = "segmentation"

  public struct Options: MethodOptions {
    /// What is found: the whole before its parts. BraTS2023's where nothing is said.
    public var regions = LabelRegion.braTS()
    /// Weights of the two losses.
    public var weightDice = 1.0
    public var weightCrossEntropy = 1.0
    /// How training samples are changed at random.
    public var augmentation = Augmentation()
    public init() {}

    public var refusal: String? {
      refusal(ofWeights: [("weightDice", weightDice), ("weightCrossEntropy", weightCrossEntropy)])
        ?? regions.refusal ?? augmentation.refusal
    }
  }

  /// Images `[B, S, spatial…]` to logits `[B, regions, spatial…]`.
  private let network: any Layer
  private let store: Parameters
  private let rate: Double
  private lazy var optimizer = Adam(store, rate: rate)
  public let options: Options

  public init(network: any Layer, _ store: Parameters, options: Options = Options(), rate: Double = 1e-4) {
    (self.network, self.store, self.options, self.rate) = (network, store, options, rate)
  }

  public var generator: TrainedNetwork { TrainedNetwork("generator", store) }
  public var networks: [TrainedNetwork] { [TrainedNetwork("generator", store, optimizer)] }
  public let losses = ["dice", "cross-entropy"]
  public var outputs: Int { options.regions.count }

  public func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    store.random = random
    let logits = network(batch.sources)
    let wanted = batch.target.masks(of: options.regions, like: logits)
    let dice = logits.sigmoid().diceLoss(wanted, batch.group)
    let entropy = logits.crossEntropyWithLogits(wanted)
    let losses = [PendingLoss("dice", dice), PendingLoss("cross-entropy", entropy)]
    (dice * options.weightDice + entropy * options.weightCrossEntropy).backward()
    optimizer.step()
    return losses
  }

  /// How likely each voxel is of each region: `[B, regions, spatial…]`.
  public func synthesize(_ sources: Tensor, present: Tensor?, passed: Passed) rethrows -> Tensor {
    let maps = network(sources).sigmoid()
    try passed(1, 1)
    return maps
  }
}

extension Tensor {
  /// Labels `[B, 1, spatial…]`, whole numbers, as masks of the regions `[B, regions, spatial…]` of zeros and ones, in the type
  /// and place of `x`.
  package func masks(of regions: [LabelRegion], like x: Tensor) -> Tensor {
    let table: [Double] = (0...255).flatMap { label in
      regions.map { $0.labels.contains(UInt8(label)) ? 1.0 : 0 }
    }
    let belongs = Tensor(table, shape: [256, regions.count]).to(x.type).to(x.device)
    let rows = belongs.selected(0, at: reshaped([-1]).to(.int64))
    let masks = rows.reshaped([size(0)] + Array(shape.dropFirst(2)) + [regions.count])
    return masks.permuted([0, rank - 1] + Array(1..<rank - 1))
  }

  /// 1 less the soft Dice of likelihoods and masks `[B, regions, spatial…]`, over all voxels of the batch, as slices often
  /// lack a region; the mean over regions (Milletari et al. 2016, with sums in place of squares as in nnU-Net).
  /// - Parameter group: the processes that have the rest of the batch.
  package func diceLoss(_ masks: Tensor, _ group: ProcessGroup? = nil) -> Tensor {
    let axes = [0] + Array(2..<rank)
    func whole(_ sums: Tensor) -> Tensor { group?.sum(sums) ?? sums }
    let shared = whole((self * masks).sum(over: axes))
    let all = whole(sum(over: axes) + masks.sum(over: axes))
    // A region that is nowhere and found nowhere is right.
    return 1 + ((shared * 2 + 1) / (all + 1)).mean() * -1
  }
}

extension Segmentation.Options {
  public var title: String { "Segmentation" }
  public var width: Int? { 32 }
  public var rate: Double? { 1e-3 }
  public var segments: [LabelRegion]? { regions }
  public var augments: Augmentation? { augmentation }
  public var dimensions: ClosedRange<Int> { 2...3 }

  public func ownGenerator(_ task: SynthesisTask) -> GeneratorKind { .segmentationUnet() }

  public func shape(_ task: SynthesisTask) -> GeneratorShape {
    GeneratorShape(task.inputs, regions.count, dimensions: task.dimensions)
  }

  public func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method {
    let store = task.store()
    return Segmentation(
      network: generator.plain(store.root, shape(task), task.network), store, options: self, rate: task.rate)
  }

  public static let tiny = Self()
}
