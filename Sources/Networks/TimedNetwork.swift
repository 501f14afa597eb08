import Foundation
import Layers
import Torch

/// A network that is told, beside an image, how far a diffusion or a bridge has gone.
public protocol TimedNetwork {
  /// `[B, C, H, W]` to `[B, C', H, W]`.
  /// - Parameter times: `[B]`, on the scale of a process of 1000 steps.
  func callAsFunction(_ x: Tensor, at times: Tensor) -> Tensor
}

/// A time as a vector: cosines and sines of it at frequencies from 1 down to 1/10,000, then two linear maps with a SiLU
/// between them (Vaswani et al. 2017; Ho et al. 2020). Parameters: `first.*`, `second.*`.
struct TimeEmbedding {
  private let waves: Int
  private let first: Linear, second: Linear

  /// - Parameters:
  ///   - waves: cosines and sines together.
  ///   - output: the vector's length.
  init(_ scope: Scope, waves: Int, output: Int) {
    self.waves = waves
    first = Linear(scope / "first", waves, output)
    second = Linear(scope / "second", output, output)
  }

  /// `[B]` to `[B, output]`.
  func callAsFunction(_ times: Tensor) -> Tensor {
    second(first(timeSinusoids(times, count: waves)).silu())
  }
}

/// `[B]` to `[B, count]`: first all cosines, then all sines, and a zero where `count` is odd.
package func timeSinusoids(_ times: Tensor, count: Int) -> Tensor {
  let half = count / 2
  let frequencies = (0..<half).map { exp(-log(10_000) * Double($0) / Double(half)) }
  let batch = times.size(0)
  let angles =
    times.reshaped([batch, 1])
    * Tensor(frequencies, shape: [1, half], device: times.device).to(times.type)
  let waves = [angles.cos(), angles.sin()]
  let rest = Tensor.zeros([batch, count % 2], type: times.type, device: times.device)
  return .concatenated(count % 2 == 0 ? waves : waves + [rest], axis: 1)
}
