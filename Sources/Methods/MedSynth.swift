import Failures
import Files
import Imaging
import Layers
import Networks
import Torch

/// MedSynth (Nie et al. 2018): L1, the difference of image gradients, and a discriminator that sees patches of the target
/// alone.
///
/// Weights 1, 0.05 and 0.05, binary cross-entropy, Adam with the default betas (0.9, 0.999). The original trains on patches
/// of 64 x 64; here whole slices are made, and the discriminator judges one random patch of each; of volumes, a cube.
public final class MedSynth: OnePassMethod, Framework {
  public static let name = "medsynth"

  /// Which source the published generator adds its output to.
  public enum LongSkip: Choice, Equatable {
    /// The one most like the target: T2 for PD, T1 for T1Gd, else the first.
    case nearest
    case source(Modality)

    public static let allCases = [nearest] + Modality.allCases.map(source)

    public init?(rawValue: String) {
      guard let found = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
      self = found
    }

    public var rawValue: String {
      if case .source(let modality) = self { modality.rawValue } else { "nearest" }
    }
  }

  public struct Options: MethodOptions {
    /// Weight of the mean absolute error.
    public var weightL1 = 1.0
    /// Weight of the gradient difference loss.
    public var weightGradient = 0.05
    /// Weight of the adversarial term; 0 trains without a discriminator step.
    public var weightAdversarial = 0.05
    /// The discriminator's learning rate by the generator's; 1e-3 by 5e-3 in the original.
    public var discriminatorRate = 0.2
    public var longSkip = LongSkip.nearest
    /// Side of the random square, or cube, that the discriminator judges.
    public var judged = 64
    public init() {}

    public var refusal: String? {
      refusal(ofWeights: [
        ("weightL1", weightL1), ("weightGradient", weightGradient), ("weightAdversarial", weightAdversarial),
      ])
        ?? (discriminatorRate > 0 && discriminatorRate <= 1e6
          ? nil : "discriminatorRate is \(discriminatorRate); it must be above 0 and at most 1e6")
        ?? outOfBounds([("judged", judged, MedSynthDiscriminator.sides)])
    }
  }

  public let network: any Layer
  private let training: AdversarialTraining<MedSynthDiscriminator>
  public let options: Options

  /// - Parameters:
  ///   - generator: from [0, 1] to [0, 1].
  ///   - dimensions: 2 for slices, 3 for volumes.
  public init(
    generator: any Layer, _ store: Parameters, options: Options = Options(), rate: Double = 1e-4,
    dimensions: Int = 2
  ) {
    (network, self.options) = (generator, options)
    training = AdversarialTraining(
      store, rate: rate, judgingRate: options.discriminatorRate, betas: (0.9, 0.999)
    ) { MedSynthDiscriminator($0, side: options.judged, dimensions: dimensions) }
  }

  public var generator: TrainedNetwork { training.generator }
  public var networks: [TrainedNetwork] { training.networks }

  public var losses: [String] {
    options.weightAdversarial > 0 ? ["discriminator", "l1", "gradient", "adversarial"] : ["l1", "gradient"]
  }

  /// Forward of G; D on patches of real and detached fake; D frozen, then G on the same patches.
  public func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    training.begin(random)
    let fake = network(batch.sources)
    let distance = fake.meanAbsoluteError(batch.target)
    let gradient = fake.gradientDifference(batch.target)
    let total = distance * options.weightL1 + gradient * options.weightGradient
    let losses = [PendingLoss("l1", distance), PendingLoss("gradient", gradient)]
    guard options.weightAdversarial > 0 else {
      training.improve(total)
      return losses
    }
    let patches = RandomPatches(of: fake, side: options.judged, from: random)
    let made = patches(fake)
    let discriminator = training.learn {
      training.judged(patches(batch.target)).crossEntropy(1) + training.judged(made.detached).crossEntropy(0)
    }
    let adversarial = training.judged(made).crossEntropy(1)
    training.improve(total + adversarial * options.weightAdversarial)
    return [discriminator] + losses + [PendingLoss("adversarial", adversarial)]
  }
}

/// One random square, or cube, of every sample of a batch.
package struct RandomPatches {
  /// Where those of all samples begin, for each spatial axis.
  private let corners: [[Int]]
  private let side: Int

  /// - Parameter x: `[B, C, spatial…]`, no side shorter than the square's.
  package init(of x: Tensor, side: Int, from random: RandomStream) {
    corners = (2..<x.rank).map { random.integers(below: x.size($0) - side + 1, count: x.size(0)) }
    self.side = side
  }

  package func callAsFunction(_ x: Tensor) -> Tensor {
    let patches = (0..<x.size(0)).map { index in
      corners.enumerated().reduce(x.narrowed(0, from: index, length: 1)) { patch, axis in
        patch.narrowed(axis.offset + 2, from: axis.element[index], length: side)
      }
    }
    return .concatenated(patches, axis: 0)
  }
}

extension Tensor {
  /// The gradient difference loss (Mathieu et al. 2016) of `[B, C, spatial…]`: squared differences between the magnitudes of
  /// the steps from pixel to neighbour along every axis, with zeros around the image; their sum by the number of pixels.
  package func gradientDifference(_ target: Tensor) -> Tensor {
    func steps(_ x: Tensor, _ axis: Int) -> Tensor {
      let length = x.size(axis) + 1
      let padded = x.padded(Array(repeating: 0, count: 2 * (x.rank - 1 - axis)) + [1, 1])
      return (padded.narrowed(axis, from: 1, length: length) - padded.narrowed(axis, from: 0, length: length))
        .abs()
    }
    let differences = (2..<rank).map { (steps(self, $0) - steps(target, $0)).squared().sum() }
    return differences.dropFirst().reduce(differences[0], +) / Double(count)
  }
}

extension MedSynth.Options {
  public var title: String { "MedSynth" }
  public var dimensions: ClosedRange<Int> { 2...3 }

  public func ownGenerator(_ task: SynthesisTask) throws -> GeneratorKind {
    let nearest: [Modality: Modality] = [.pd: .t2, .t1gd: .t1]
    guard case .source(let source) = longSkip else {
      let like = task.scenario.target.modality.flatMap { nearest[$0] }.flatMap(task.channel)
      return .medSynthUnet(longSkip: like ?? task.scenario.sources.first.flatMap(task.channel) ?? 0)
    }
    guard let channel = task.channel(of: source) else {
      let sources = task.scenario.sources.map(\.rawValue).joined(separator: ", ")
      throw Failure(
        .usage,
        "\(MedSynth.name).longSkip is \(longSkip.rawValue); it must be nearest or one of \(sources)")
    }
    return .medSynthUnet(longSkip: channel)
  }

  public func demands(_ generator: GeneratorKind) -> [Demand] {
    let side = Demand.judgedSide(
      judged, weight: "weightAdversarial", smaller: ("judged", MedSynthDiscriminator.sides.lowerBound))
    return generator.demands + (weightAdversarial > 0 ? [side] : [])
  }

  /// What is smaller than the published square is judged whole, as far as it can be.
  public func fitted(to extent: Extent, width: Int) -> Self {
    let sides = MedSynthDiscriminator.sides
    return fitted(\.judged, max(sides.lowerBound, min(judged, extent.sizes.min() ?? judged)))
  }

  public func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method {
    let store = task.store()
    return MedSynth(
      generator: generator.plain(store.root, shape(task), task.network), store, options: self,
      rate: task.rate, dimensions: task.dimensions)
  }

  public static let tiny = Self()
}
