import Files
import Imaging
import Layers
import Networks
import Torch

/// One network for any subset: whichever contrasts a patient has go in, with zeros for the others and a code of what is there,
/// and all of them come out; it learns from contrasts that training hides from it (after Sharma and Hamarneh 2020, mmGAN,
/// without an adversary).
///
/// Errors of the image and absolute ones of its gradients within the slice, Adam with betas (0.9, 0.99), gradients clipped; images are
/// made by the moving average of the weights. The average is what a model file holds and is called the generator; the network that
/// trains it is `online`, made when training first asks for it.
public final class Unified: Method, Framework {
  public static let name = "unified"

  /// What is small where images are good.
  public enum ImageError: String, Choice {
    /// The mean absolute error over all voxels that count: of several likely values it asks for the one in the middle.
    case absolute
    /// The mean over images of the root of each one's mean squared error: it asks for the mean of the likely values, as
    /// what is measured in decibels does, and no image counts more for being hard.
    case rootMeanSquare = "root-mean-square"
  }

  public struct Options: MethodOptions {
    /// How likely each contrast of a sample is left to the network in training; those that users rarely have are rarely given.
    public var keep: [Modality: Double] = [.t1: 0.75, .t2: 0.75, .pd: 0.25, .flair: 0.65, .t1gd: 0.4]
    /// Beside the error of the hidden contrasts: that of their gradients, and that of the contrasts that were given.
    public var weightGradient = 0.5
    public var weightKept = 0.1
    public var error = ImageError.absolute
    /// The norm that the gradients of all weights together are scaled down to.
    public var clip = 1.0
    /// Decay of the moving average of the weights that makes the images.
    public var averageDecay = 0.999
    /// By which rule a cohort's images are scaled; those of computed heads always lie on the scale of the foreground.
    public var intensity = IntensityRule.percentile
    /// Whether T1 and T1Gd are each computed as what they add to the other, where that is there.
    public var skips = true
    public init() {}

    public var refusal: String? {
      if let refusal = refusal(ofWeights: [("weightGradient", weightGradient), ("weightKept", weightKept)]) {
        return refusal
      }
      for modality in Modality.allCases {
        let value = keep[modality] ?? .nan
        guard (0...1).contains(value) else {
          return "keep.\(modality.rawValue) is \(value); it must be from 0 to 1"
        }
      }
      guard clip > 0, clip <= 1e9 else { return "clip is \(clip); it must be above 0, and 1e9 at most" }
      return (0..<1).contains(averageDecay)
        ? nil : "averageDecay is \(averageDecay); it must be at least 0 and below 1"
    }
  }

  private struct Online {
    let network: any CodedNetwork
    let optimizer: Adam, average: MovingAverage
  }

  /// The contrasts in the order of the channels, and neighbouring slices of each.
  private let contrasts: [Modality], depth: Int
  public let options: Options
  private let store: Parameters
  /// Makes the images.
  private let averaged: any CodedNetwork
  private let makeOnline: () -> Online
  private lazy var online = makeOnline()

  /// - Parameters:
  ///   - store: of the averaged network.
  ///   - depth: neighbouring slices of every contrast that are seen beside each other.
  ///   - build: makes the network, of as many channels in as there are contrasts and slices of them, and one out for each
  ///     contrast, told a code of one number a contrast; called again for training.
  public init(
    _ store: Parameters, contrasts: [Modality], depth: Int = 1, options: Options = Options(),
    rate: Double = 4e-4, build: @escaping (Parameters) -> any CodedNetwork
  ) {
    (self.store, self.contrasts, self.depth, self.options) = (store, contrasts, depth, options)
    averaged = build(store)
    store.beginEvaluating()
    store.freeze()
    makeOnline = {
      let trained = Parameters(seed: store.seed, device: store.device, type: store.type)
      let network = build(trained)
      return Online(
        network: network, optimizer: Adam(trained, rate: rate, betas: (0.9, 0.99)),
        average: MovingAverage(store, of: trained, decay: options.averageDecay))
    }
  }

  public var generator: TrainedNetwork { TrainedNetwork("generator", store) }
  public var networks: [TrainedNetwork] {
    [generator, TrainedNetwork("online", online.optimizer.parameters, online.optimizer)]
  }
  public var losses: [String] { [options.error == .absolute ? "l1" : "rms", "gradient", "kept"] }
  public var outputs: Int { contrasts.count }

  public func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    let parameters = online.optimizer.parameters
    parameters.random = random
    let present = batch.present ?? everything(like: batch.sources)
    let hidden = hidden(of: present, from: random)
    // Of a subject with one contrast alone none is hidden, and nothing is learned.
    let kept = (present - hidden) * hidden.max(over: 1, keeping: true)
    let given = present - hidden
    let made = image(online.network, batch.sources * channels(given, like: batch.sources), given)
    let errors = Errors(of: made, batch.target, weights: batch.weights, options.error, batch.group)
    let parts = (
      hidden: errors.mean(of: hidden), gradient: errors.gradients(of: hidden), kept: errors.mean(of: kept)
    )
    (parts.hidden + parts.gradient * options.weightGradient + parts.kept * options.weightKept).backward()
    online.optimizer.step(clippingTo: options.clip)
    online.average.follow(step: online.optimizer.steps)
    return zip(losses, [parts.hidden, parts.gradient, parts.kept]).map { PendingLoss($0, $1) }
  }

  public func synthesize(_ sources: Tensor, present: Tensor?, passed: Passed) rethrows -> Tensor {
    let made = image(averaged, sources, present ?? everything(like: sources))
    try passed(1, 1)
    return made
  }

  /// `[B, S]` of ones.
  private func everything(like sources: Tensor) -> Tensor {
    .ones([sources.size(0), contrasts.count], type: sources.type, device: sources.device)
  }

  /// Which of the contrasts that are there are hidden from the network, `[B, S]` of zeros and ones: by the draws, but never all
  /// of a sample's, and one at least where there are two.
  /// - Parameter present: `[B, S]`.
  package func hidden(of present: Tensor, from random: RandomStream) -> Tensor {
    let (samples, steps) = (present.size(0), 1 << 24)
    let draws = random.integers(below: steps, count: samples * contrasts.count)
    // How far each draw is beyond what keeps a contrast.
    let beyond = draws.enumerated().map { place, draw in
      (Double(draw) + 0.5) / Double(steps) - (options.keep[contrasts[place % contrasts.count]] ?? 0.5)
    }
    let margins = Tensor(beyond.map(Float.init), shape: [samples, contrasts.count]).to(present.type)
      .to(present.device)
    // What is not there is beyond neither end.
    let far = (1 - present) * 4
    let most = (margins - far).max(over: 1, keeping: true)
    let least = -(-(margins + far)).max(over: 1, keeping: true)
    let zero = Tensor.zeros([1, 1], type: present.type, device: present.device)
    let limit = most.below(0, most, else: zero)
    // The one that is nearest to being kept always is.
    let isDrawn = (margins - limit).below(0, zero, else: present)
    return (least - margins).below(0, isDrawn, else: zero)
  }

  /// What is known of the contrasts, `[B, S]`, as a factor of their channels in `sources`.
  private func channels(_ known: Tensor, like sources: Tensor) -> Tensor {
    let (samples, count) = (sources.size(0), contrasts.count)
    let each = known.reshaped([samples, count, 1]).expanded([samples, count, depth])
    return each.reshaped([samples, count * depth]).aligned(with: sources)
  }

  /// - Parameters:
  ///   - sources: zeros where a contrast is missing.
  ///   - present: `[B, S]`.
  private func image(_ network: any CodedNetwork, _ sources: Tensor, _ present: Tensor) -> Tensor {
    let made = network(sources, knowing: present)
    guard options.skips, let skip = skip(sources, present) else { return made }
    return made + skip
  }

  /// What the network's outputs are added to, `[B, S, spatial…]`: for T1Gd T1, which is zero where it is missing; for T1 T1Gd,
  /// where T1 is missing.
  private func skip(_ sources: Tensor, _ present: Tensor) -> Tensor? {
    guard let native = contrasts.firstIndex(of: .t1), let enhanced = contrasts.firstIndex(of: .t1gd) else {
      return nil
    }
    func middle(_ contrast: Int) -> Tensor {
      sources.narrowed(1, from: contrast * depth + depth / 2, length: 1)
    }
    let nothing = Tensor.zeros(middle(native).shape, type: sources.type, device: sources.device)
    let isMissing = (1 - present.narrowed(1, from: native, length: 1)).aligned(with: sources)
    return .concatenated(
      contrasts.indices.map { contrast in
        switch contrast {
        case native: middle(enhanced) * isMissing
        case enhanced: middle(native)
        default: nothing
        }
      }, axis: 1)
  }
}

/// How far images are from what they should be, by contrast.
private struct Errors {
  /// `[B, S, spatial…]`.
  private let differences: Tensor
  /// `[B, 1, spatial…]`; nil where all voxels count alike.
  private let weights: Tensor?
  private let kind: Unified.ImageError
  /// Who has the rest of the batch: what is hidden of how many samples differs from share to share.
  private let group: ProcessGroup?

  init(
    of made: Tensor, _ wanted: Tensor, weights: Tensor?, _ kind: Unified.ImageError, _ group: ProcessGroup?
  ) {
    (differences, self.weights, self.kind, self.group) = (made - wanted, weights, kind, group)
  }

  /// The error, over the voxels that count, of the contrasts that do.
  /// - Parameter contrasts: `[B, S]`.
  func mean(of contrasts: Tensor) -> Tensor {
    let weights = weights ?? Errors.ones(like: differences)
    switch kind {
    case .absolute: return mean(differences, contrasts, weights)
    case .rootMeanSquare:
      let places = Array(2..<differences.rank)
      let counts = weights.sum(over: places).clamped(1e-3, .infinity)
      // The root has no slope at nought.
      let roots = ((differences * differences * weights).sum(over: places) / counts + 1e-8).sqrt()
      return quotient((roots * contrasts).sum(), contrasts.sum())
    }
  }

  /// The mean absolute error of the differences between neighbours along columns and rows; of two voxels both must count.
  func gradients(of contrasts: Tensor) -> Tensor {
    let rank = differences.rank
    let means = [rank - 2, rank - 1].map { axis in
      func steps(_ x: Tensor, _ combined: (Tensor, Tensor) -> Tensor) -> Tensor {
        let length = x.size(axis) - 1
        return combined(
          x.narrowed(axis, from: 1, length: length), x.narrowed(axis, from: 0, length: length))
      }
      let changes = steps(differences) { $0 - $1 }
      return mean(
        changes, contrasts, weights.map { steps($0) { ($0 * $1).sqrt() } } ?? Errors.ones(like: changes))
    }
    return (means[0] + means[1]) * 0.5
  }

  private static func ones(like x: Tensor) -> Tensor {
    .ones([x.size(0), 1] + x.shape.dropFirst(2), type: x.type, device: x.device)
  }

  private func mean(_ differences: Tensor, _ contrasts: Tensor, _ weights: Tensor) -> Tensor {
    let counts = weights * contrasts.aligned(with: differences)
    return quotient((differences.abs() * counts).sum(), counts.sum())
  }

  /// Of what all processes have together.
  private func quotient(_ error: Tensor, _ count: Tensor) -> Tensor {
    var (error, count) = (error, count)
    if let group {
      let sums = group.sum(.stacked([error, count], axis: 0))
      func sum(_ index: Int) -> Tensor { sums.narrowed(0, from: index, length: 1).reshaped([]) }
      (error, count) = (sum(0), sum(1))
    }
    // Nothing counts where nothing was hidden.
    return error / count.clamped(1e-3, .infinity)
  }
}

extension Unified.Options {
  public var title: String { "unified" }
  public var network: String? { GeneratorKind.agiNet.name }
  public var rate: Double? { 4e-4 }
  public var completes: Bool { true }
  public var rule: IntensityRule { intensity }
  public var dimensions: ClosedRange<Int> { 2...3 }

  public func ownGenerator(_ task: SynthesisTask) -> GeneratorKind { .agiNet }

  public func shape(_ task: SynthesisTask) -> GeneratorShape {
    let contrasts = task.scenario.sources.count
    return GeneratorShape(task.inputs, contrasts, dimensions: task.dimensions, told: .code(contrasts))
  }

  public func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method {
    Unified(
      task.store(), contrasts: task.scenario.sources, depth: task.depth, options: self, rate: task.rate
    ) {
      generator.coded($0.root, shape(task), task.network)
    }
  }

  public static var tiny: Self { Self() }
}
