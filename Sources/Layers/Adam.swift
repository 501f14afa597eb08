import Torch

/// Adam (Kingma and Ba 2015) through LibTorch's fused kernel, with bias correction as in `torch.optim.Adam`; with a
/// weight decay, AdamW (Loshchilov and Hutter 2019).
public final class Adam {
  public let parameters: Parameters
  public var rate: Double
  public let betas: (Double, Double)
  public let epsilon: Double
  /// The share of itself, times the rate, that every parameter loses in a step.
  public let decay: Double
  /// Where several processes train these parameters together, each on its share of every batch; nil for one alone.
  public var group: ProcessGroup? {
    didSet {
      // The one before lets go of the parameters first.
      average = nil
      average = group.map { GradientAverage(of: parameters.entries.map(\.tensor), over: $0) }
    }
  }
  private var average: GradientAverage?
  private let first: [Tensor], second: [Tensor], counts: [Tensor]
  /// The numbers in `counts`, where they are known: on a GPU reading them waits for it.
  private var known: [Int]?

  /// - Parameters:
  ///   - parameters: every trained tensor of the store as it is now.
  ///   - rate: the paper's 1e-4.
  ///   - betas: (0.5, 0.999) for adversarial training, (0.9, 0.999) for diffusion.
  public init(
    _ parameters: Parameters, rate: Double = 1e-4, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, decay: Double = 0
  ) {
    self.parameters = parameters
    (self.rate, self.betas, self.epsilon, self.decay) = (rate, betas, epsilon, decay)
    let tensors = parameters.entries.map(\.tensor)
    // A product with zero keeps the memory layout of the parameter, which the fused kernel needs.
    func zeros(_ tensor: Tensor) -> Tensor {
      Parameters.isOutline ? tensor : withoutGradient { (tensor.detached * 0).copied() }
    }
    first = tensors.map(zeros)
    second = tensors.map(zeros)
    counts = tensors.map { .zeros([], type: .float32, device: $0.device) }
    known = tensors.map { _ in 0 }
  }

  /// Moves every parameter that has a gradient, then forgets the gradients. Those of several processes are averages by
  /// then: `backward` begins with them, and here, where all gradients of all methods pass, they are waited for.
  /// - Parameter largest: what the norm of all gradients together is scaled down to where it is above.
  public func step(clippingTo largest: Double? = nil) {
    average?.finish()
    if let largest { Tensor.clipGradients(parameters.entries.map(\.tensor), to: largest) }
    known = known.map { known in
      zip(known, parameters.entries).map { $0 + ($1.tensor.gradient == nil ? 0 : 1) }
    }
    Tensor.adamStep(
      parameters.entries.map(\.tensor), moments: (first, second, counts), rate: rate, betas: betas,
      decay: decay, epsilon: epsilon)
    parameters.clearGradients()
  }

  /// Steps taken, before and after a resume.
  public var steps: Int {
    let read =
      known ?? (counts.isEmpty ? [] : Tensor.stacked(counts, axis: 0).values(Double.self).map(Int.init))
    known = read
    return read.max() ?? 0
  }

  /// What a checkpoint must hold to continue exactly: `<parameter>.first`, `.second` and `.count`.
  public var state: [(name: String, tensor: Tensor)] {
    // Whoever is given them may overwrite them.
    known = nil
    return parameters.entries.indices.flatMap { index in
      let name = parameters.entries[index].name
      return [
        (name + ".first", first[index]), (name + ".second", second[index]), (name + ".count", counts[index]),
      ]
    }
  }
}
