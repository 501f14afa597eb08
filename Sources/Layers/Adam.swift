import Torch

/// Adam (Kingma and Ba 2015) through LibTorch's fused kernel, with bias correction as in `torch.optim.Adam`.
public final class Adam {
  public let parameters: Parameters
  public var rate: Double
  public let betas: (Double, Double)
  public let epsilon: Double
  private let first: [Tensor], second: [Tensor], counts: [Tensor]

  /// - Parameters:
  ///   - parameters: every trained tensor of the store as it is now.
  ///   - rate: the paper's 1e-4.
  ///   - betas: (0.5, 0.999) for adversarial training, (0.9, 0.999) for diffusion.
  public init(
    _ parameters: Parameters, rate: Double = 1e-4, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8
  ) {
    self.parameters = parameters
    (self.rate, self.betas, self.epsilon) = (rate, betas, epsilon)
    let tensors = parameters.entries.map(\.tensor)
    // A product with zero keeps the memory layout of the parameter, which the fused kernel needs.
    func zeros(_ tensor: Tensor) -> Tensor { withoutGradient { (tensor.detached * 0).copied() } }
    first = tensors.map(zeros)
    second = tensors.map(zeros)
    counts = tensors.map { .zeros([], type: .float32, device: $0.device) }
  }

  /// Moves every parameter that has a gradient, then forgets the gradients.
  public func step() {
    Tensor.adamStep(
      parameters.entries.map(\.tensor), moments: (first, second, counts), rate: rate, betas: betas, decay: 0,
      epsilon: epsilon)
    parameters.clearGradients()
  }

  /// What a checkpoint must hold to continue exactly: `<parameter>.first`, `.second` and `.count`.
  public var state: [(name: String, tensor: Tensor)] {
    parameters.entries.indices.flatMap { index in
      let name = parameters.entries[index].name
      return [
        (name + ".first", first[index]), (name + ".second", second[index]), (name + ".count", counts[index]),
      ]
    }
  }
}
