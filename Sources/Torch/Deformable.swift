import CTorch

// Operators of deformable convolutions on channels-last maps `[B, H, W, C]` in n groups of channels, on the CPU. Every
// pixel looks at the 3 x 3 pixels around it, each displaced by an offset in pixels, bilinear between pixels and zero
// outside the map, and weighted.

extension Tensor {
  /// DCNv3's aggregation: the weighted sum of every group's nine samples, `[B, H, W, C]`.
  /// - Parameters:
  ///   - offsets: `[B, H, W, 18n]`: for every group and tap x, then y; taps run down the kernel's columns.
  ///   - weights: `[B, H, W, 9n]`.
  public func deformablySummed(offsets: Tensor, weights: Tensor, groups: Int) -> Tensor {
    Tensor(ct_deformable_sum(raw, offsets.raw, weights.raw, Int32(groups)))
  }

  /// DCNv2: a convolution of the displaced and weighted samples, `[B, H, W, O]`.
  /// - Parameters:
  ///   - kernel: `[O, C, 3, 3]`.
  ///   - offsets: `[B, H, W, 18n]`: for every group and tap y, then x; taps run along the kernel's rows.
  ///   - weights: `[B, H, W, 9n]`.
  public func deformablyConvolved(with kernel: Tensor, offsets: Tensor, weights: Tensor, groups: Int)
    -> Tensor
  {
    Tensor(ct_deformable_convolution(raw, offsets.raw, weights.raw, kernel.raw, Int32(groups)))
  }
}
