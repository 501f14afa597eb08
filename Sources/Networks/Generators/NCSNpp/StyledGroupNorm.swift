import Layers
import Torch

/// Group norm whose factor and shift of every channel are read off a style vector, as in StyleGAN (Karras et al. 2019).
///
/// The factor is 1 + what the style says, so that it starts around 1. Parameters: `style.*`.
struct StyledGroupNorm {
  private let style: Linear

  init(_ scope: Scope, _ channels: Int, style length: Int) {
    style = .fanAverage(scope / "style", length, 2 * channels)
  }

  /// - Parameters:
  ///   - x: `[B, C, H, W]`.
  ///   - style: `[B, length]`.
  func callAsFunction(_ x: Tensor, _ vector: Tensor) -> Tensor {
    x.groupNormalized(groups: NCSNpp.groups(x.size(1)), epsilon: NCSNpp.epsilon)
      .modulated(by: style(vector).aligned(with: x))
  }
}

extension Tensor {
  /// Every channel times 1 + a factor, plus a shift; `told` has the factors of all channels, then the shifts.
  func modulated(by told: Tensor) -> Tensor {
    self * (told.narrowed(1, from: 0, length: size(1)) + 1) + told.narrowed(1, from: size(1), length: size(1))
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
