import Files
import Layers
import Torch

/// How a diffusion network's blocks are told the time.
public enum TimeInjection: String, Choice {
  /// A number for every channel, added between the two convolutions (Ho et al. 2020).
  case add
  /// A factor and a number for every channel, in place of the second norm's own (Nichol and Dhariwal 2021).
  case scaleShift
}

/// The residual block of diffusion U-Nets: norm, SiLU and convolution twice, the time between them.
///
/// Parameters: `norm1.*`, `first.*`, `time.*`, `norm2.*`, `second.*`, and `skip.*` where the channels change.
struct TimedBlock {
  private let norms: (GroupNorm, GroupNorm)
  private let first: Convolution, second: Convolution, skip: Convolution?
  private let time: Linear
  private let injection: TimeInjection, dropout: Dropout

  init(
    _ scope: Scope, _ input: Int, _ output: Int, embedding: Int, _ architecture: DiffusionUnet.Architecture
  ) {
    func norm(_ name: String, _ channels: Int) -> GroupNorm {
      GroupNorm(scope / name, channels, groups: DiffusionUnet.groups(channels))
    }
    (injection, dropout) = (architecture.injection, Dropout(scope / "dropout", architecture.dropout))
    norms = (norm("norm1", input), norm("norm2", output))
    first = Convolution(scope / "first", .init(input, output, bias: true))
    time = Linear(scope / "time", embedding, injection == .add ? output : 2 * output)
    second = Convolution(
      scope / "second", .init(output, output, bias: true), start: .zeros, biasStart: .zeros)
    skip =
      input == output
      ? nil : Convolution(scope / "skip", .init(input, output, kernel: 1, bias: true))
  }

  /// - Parameter embedded: the time's embedding after a SiLU, `[B, embedding]`.
  func callAsFunction(_ z: Tensor, _ embedded: Tensor) -> Tensor {
    var inner = first(norms.0(z).silu())
    let told = time(embedded).aligned(with: z)
    switch injection {
    case .add: inner = norms.1(inner.addingInPlace(told))
    case .scaleShift: inner = norms.1(inner).modulated(by: told)
    }
    inner = dropout(inner.silu())
    return second(inner).addingInPlace(skip?(z) ?? z)
  }
}
