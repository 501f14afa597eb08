import Foundation
import Layers
import Torch

/// A step of a process as a vector: sines and cosines of it at frequencies from 1 down to 1/10,000, both ends included,
/// then two linear maps with an activation between them (Ho et al. 2020). Parameters: `first.*`, `second.*`.
struct StepEmbedding {
  private let frequencies: [Double]
  private let first: Linear, second: Linear
  private let activation: (Tensor) -> Tensor

  /// - Parameters:
  ///   - waves: sines and cosines together.
  ///   - output: the vector's length.
  init(_ scope: Scope, waves: Int, output: Int, activation: @escaping (Tensor) -> Tensor) {
    let half = max(1, waves / 2)
    frequencies = (0..<half).map { exp(-log(10_000) * Double($0) / Double(max(1, half - 1))) }
    first = .fanAverage(scope / "first", 2 * half, output)
    second = .fanAverage(scope / "second", output, output)
    self.activation = activation
  }

  /// `[B]` to `[B, output]`.
  func callAsFunction(_ steps: Tensor) -> Tensor {
    let row = Tensor(frequencies, shape: [1, frequencies.count], device: steps.device).to(steps.type)
    let angles = steps.reshaped([-1, 1]) * row
    return second(activation(first(.concatenated([angles.sin(), angles.cos()], axis: 1))))
  }
}

/// From a random latent, brought to unit mean square, to a style: four linear maps, each with a SiLU.
/// Parameters: `layer1.*` to `layer4.*`.
struct StyleMapping {
  private let layers: [Linear]

  init(_ scope: Scope, latent: Int, style: Int) {
    layers = (1...4).map { .fanAverage(scope / "layer\($0)", $0 == 1 ? latent : style, style) }
  }

  /// `[B, latent]` to `[B, style]`.
  func callAsFunction(_ latent: Tensor) -> Tensor {
    let length = (latent.squared().mean(over: [1], keeping: true) + 1e-8).sqrt()
    return layers.reduce(latent / length) { $1($0).silu() }
  }
}
