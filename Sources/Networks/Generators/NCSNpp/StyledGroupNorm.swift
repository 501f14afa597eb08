import Layers
import Torch

/// Group norm whose factor and shift of every channel are read off a style vector, as in StyleGAN (Karras et al. 2019).
///
/// The factor is 1 + what the style says, so that it starts around 1. Parameters: `style.*`.
struct StyledGroupNorm {
  private let style: Linear
  private let channels: Int

  init(_ scope: Scope, _ channels: Int, style length: Int) {
    style = .fanAverage(scope / "style", length, 2 * channels)
    self.channels = channels
  }

  /// - Parameters:
  ///   - x: `[B, C, H, W]`.
  ///   - style: `[B, length]`.
  func callAsFunction(_ x: Tensor, _ vector: Tensor) -> Tensor {
    let told = style(vector).aligned(with: x)
    let factor = told.narrowed(1, from: 0, length: channels) + 1
    let shift = told.narrowed(1, from: channels, length: channels)
    return x.groupNormalized(groups: NCSNpp.groups(channels), epsilon: NCSNpp.epsilon) * factor + shift
  }
}
