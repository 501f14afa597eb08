import Layers
import Torch

/// z + what every pixel reads from all others (Ho et al. 2020): norm, queries, keys and values, a softmax over the pixels
/// in each head, and a linear map that starts at zero. Parameters: `norm.*`, `qkv.*`, `out.*`.
struct SelfAttention {
  private let norm: GroupNorm
  private let qkv: Convolution, out: Convolution
  private let heads: Int

  /// - Parameter heads: fewer where so many do not divide the channels.
  init(_ scope: Scope, _ channels: Int, heads: Int) {
    norm = GroupNorm(scope / "norm", channels, groups: DiffusionUnet.groups(channels))
    qkv = Convolution(scope / "qkv", .init(channels, 3 * channels, kernel: 1, bias: true))
    out = Convolution(
      scope / "out", .init(channels, channels, kernel: 1, bias: true), start: .zeros, biasStart: .zeros)
    self.heads = (1...heads).last { channels % $0 == 0 } ?? 1
  }

  func callAsFunction(_ z: Tensor) -> Tensor {
    let (batch, channels) = (z.size(0), z.size(1))
    let depth = channels / heads
    // [B·heads, 3·depth, pixels]: each head's queries, keys and values in turn.
    let all = qkv(norm(z)).reshaped([batch * heads, 3 * depth, -1])
    // Half of the scaling before the product and half after: neither factor grows large.
    let scale = 1 / Double(depth).squareRoot().squareRoot()
    let queries = all.narrowed(1, from: 0, length: depth) * scale
    let keys = all.narrowed(1, from: depth, length: depth) * scale
    let values = all.narrowed(1, from: 2 * depth, length: depth)
    let shares = queries.permuted([0, 2, 1]).matmul(keys).softmax(over: 2)  // [B·heads, reader, read]
    let read = values.matmul(shares.permuted([0, 2, 1])).reshaped(z.shape)
    return z + out(read.channelsLast())
  }
}
