import Foundation
import Layers
import Torch

/// A network that is told, beside an image, how far a diffusion or a bridge has gone.
public protocol TimedNetwork {
  /// Length of the random latent that it is told as well, and then the time in whole steps of the process; nil of one that
  /// takes none.
  var latent: Int? { get }
  /// What images' sides must be multiples of.
  var multiple: Int { get }
  /// `[B, C, H, W]` to `[B, C', H, W]`.
  /// - Parameters:
  ///   - times: `[B]`, on the scale of a process of 1000 steps.
  ///   - latent: standard normal, `[B, latent]`; nil where it takes none.
  func callAsFunction(_ x: Tensor, at times: Tensor, latent: Tensor?) -> Tensor
}

extension TimedNetwork {
  public var latent: Int? { nil }
  public var multiple: Int { 1 }
  public func callAsFunction(_ x: Tensor, at times: Tensor) -> Tensor { self(x, at: times, latent: nil) }
}

/// A network that is told, beside an image, a code: which of its channels hold something.
public protocol CodedNetwork {
  /// `[B, C, spatial…]` to `[B, C', spatial…]`.
  /// - Parameter code: `[B, length]`.
  func callAsFunction(_ x: Tensor, knowing code: Tensor) -> Tensor
}

/// A time, or a code, as a vector: the waves of a time, then two linear maps with an activation between them (Vaswani et al.
/// 2017; Ho et al. 2020). Parameters: `first.*`, `second.*`.
struct Embedding {
  private let waves: (Tensor) -> Tensor, activation: (Tensor) -> Tensor
  private let first: Linear, second: Linear

  /// Of `waves` cosines, then sines, as diffusion U-Nets have it.
  init(_ scope: Scope, waves: Int, output: Int) {
    self.waves = { timeSinusoids($0, count: waves) }
    activation = { $0.silu() }
    first = Linear(scope / "first", waves, output)
    second = Linear(scope / "second", output, output)
  }

  /// Of sines, then cosines, with fan-averaged maps, as NCSN++ has it.
  init(ofSteps scope: Scope, waves: Int, output: Int, activation: @escaping (Tensor) -> Tensor) {
    let half = max(1, waves / 2)
    self.waves = { steps in
      let angles = angles(steps, count: half, last: max(1, half - 1))
      return .concatenated([angles.sin(), angles.cos()], axis: 1)
    }
    self.activation = activation
    first = .fanAverage(scope / "first", 2 * half, output)
    second = .fanAverage(scope / "second", output, output)
  }

  /// Of a code as it is.
  init(ofCode scope: Scope, length: Int, output: Int) {
    (waves, activation) = ({ $0 }, { $0.silu() })
    first = Linear(scope / "first", length, output)
    second = Linear(scope / "second", output, output)
  }

  /// Times `[B]`, or codes `[B, length]`, to `[B, output]`.
  func callAsFunction(_ times: Tensor) -> Tensor { second(activation(first(waves(times)))) }
}

/// `[B]` to `[B, count]`: the times at frequencies from 1 down, of which number `last`, from 0 on, would be 1/10,000.
private func angles(_ times: Tensor, count: Int, last: Int) -> Tensor {
  let frequencies = (0..<count).map { exp(-log(10_000) * Double($0) / Double(last)) }
  let row = Tensor(frequencies, shape: [1, count], device: times.device).to(times.type)
  return times.reshaped([-1, 1]) * row
}

/// `[B]` to `[B, count]`: first all cosines, then all sines, and a zero where `count` is odd.
package func timeSinusoids(_ times: Tensor, count: Int) -> Tensor {
  let angles = angles(times, count: count / 2, last: count / 2)
  let rest = Tensor.zeros([times.size(0), count % 2], type: times.type, device: times.device)
  return .concatenated([angles.cos(), angles.sin()] + (count % 2 == 0 ? [] : [rest]), axis: 1)
}
