import Layers
import Torch

/// Resampling by 2 through the low-pass filter [1, 3, 3, 1] along both axes, which keeps frequencies that the coarser grid
/// cannot hold from folding back (Karras et al. 2020; Song et al. 2021). Zeros lie outside the image.
package struct FIRResampling {
  /// The filter's outer square with sum 1, once for every channel: `[C, 1, 4, 4]`. Not trained, not saved.
  private let kernel: Tensor
  private let channels: Int

  package init(_ store: Parameters, channels: Int) {
    let taps = [1.0, 3, 3, 1]
    let square = taps.flatMap { a in taps.map { a * $0 / 64 } }
    kernel = Tensor(square, shape: [1, 1, 4, 4]).to(store.type).to(store.device)
      .expanded([channels, 1, 4, 4]).contiguous()
    self.channels = channels
  }

  /// `[B, C, H, W]` to `[B, C, H / 2, W / 2]`; sides must be even.
  package func halved(_ x: Tensor) -> Tensor {
    x.convolved(with: kernel, stride: 2, padding: 1, groups: channels)
  }

  /// `[B, C, H, W]` to `[B, C, 2H, 2W]`: the image with zeros between its pixels, filtered, times 4.
  package func doubled(_ x: Tensor) -> Tensor {
    x.convolvedTransposed(with: kernel * 4, stride: 2, padding: 1, groups: channels)
  }

  /// `[B, C, H, W]` to `[B, C, H + 1, W + 1]`: the filter alone, placed so that a 3 x 3 convolution with stride 2 and no
  /// padding after it halves the image.
  package func blurred(_ x: Tensor) -> Tensor { x.convolved(with: kernel, padding: 2, groups: channels) }
}
