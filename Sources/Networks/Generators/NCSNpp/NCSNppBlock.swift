import Foundation
import Layers
import Torch

/// How a block changes the resolution.
enum Resampling { case none, half, double }

/// The residual block of NCSN++, after BigGAN's: norm, SiLU, resampling and convolution; the time; norm, SiLU and
/// convolution; the sum with the resampled input, divided by √2 so that its variance stays.
///
/// Parameters: `norm1.*`, `first.*`, `time.*`, `norm2.*`, `second.*`, and `skip.*` where channels or resolution change.
struct NCSNppBlock {
  private let norms: (StyledGroupNorm, StyledGroupNorm)
  private let first: Convolution, second: Convolution, skip: Convolution?
  private let time: Linear
  private let resampling: Resampling, filter: FIRResampling?

  /// - Parameters:
  ///   - time: length of the time's embedding.
  ///   - style: length of the style vector.
  init(
    _ scope: Scope, _ input: Int, _ output: Int, _ resampling: Resampling = .none, time embedding: Int,
    style: Int
  ) {
    norms = (
      StyledGroupNorm(scope / "norm1", input, style: style),
      StyledGroupNorm(scope / "norm2", output, style: style)
    )
    first = .fanAverage(scope / "first", .init(input, output, bias: true))
    time = .fanAverage(scope / "time", embedding, output)
    second = .fanAverage(scope / "second", .init(output, output, bias: true), scale: NCSNpp.nearZero)
    skip =
      input == output && resampling == .none
      ? nil : .fanAverage(scope / "skip", .init(input, output, kernel: 1, bias: true))
    self.resampling = resampling
    filter = resampling == .none ? nil : FIRResampling(scope.store, channels: input)
  }

  /// - Parameters:
  ///   - embedded: the time's embedding after a SiLU, `[B, time]`.
  ///   - style: `[B, style]`.
  func callAsFunction(_ x: Tensor, _ embedded: Tensor, _ style: Tensor) -> Tensor {
    let inner = first(resampled(norms.0(x, style).silu()))
      .addingInPlace(time(embedded).aligned(with: x))
    let outer = resampled(x)
    return second(norms.1(inner, style).silu()).addingInPlace(skip?(outer) ?? outer) * 0.5.squareRoot()
  }

  private func resampled(_ x: Tensor) -> Tensor {
    guard let filter else { return x }
    return resampling == .half ? filter.halved(x) : filter.doubled(x)
  }
}

/// What every pixel reads from all others, added and divided by √2: norm, queries, keys and values of one head, and a map
/// that starts near zero. Parameters: `norm.*`, `queries.*`, `keys.*`, `values.*`, `out.*`.
struct NCSNppAttention {
  private let norm: GroupNorm
  private let queries: Convolution, keys: Convolution, values: Convolution, out: Convolution
  private let channels: Int

  init(_ scope: Scope, _ channels: Int) {
    func map(_ name: String, scale: Double = 1) -> Convolution {
      .fanAverage(scope / name, .init(channels, channels, kernel: 1, bias: true), scale: scale)
    }
    norm = GroupNorm(scope / "norm", channels, groups: NCSNpp.groups(channels), epsilon: NCSNpp.epsilon)
    (queries, keys, values) = (map("queries"), map("keys"), map("values"))
    out = map("out", scale: NCSNpp.nearZero)
    self.channels = channels
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let normed = norm(x)
    func pixels(_ map: Convolution) -> Tensor { map(normed).reshaped([x.size(0), channels, -1]) }
    // [B, reader, read]
    let shares = (pixels(queries) * (1 / Double(channels).squareRoot())).permuted([0, 2, 1])
      .matmul(pixels(keys)).softmax(over: 2)
    let read = pixels(values).matmul(shares.permuted([0, 2, 1])).reshaped(x.shape)
    return out(read.channelsLast()).addingInPlace(x) * 0.5.squareRoot()
  }
}
