import CTorch

extension Tensor {
  /// Cross-correlation of `[B, C, spatial…]` with `weight` `[O, C / groups, k…]`, in 2-D or 3-D as the weight says.
  public func convolved(
    with weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    groups: Int = 1
  ) -> Tensor {
    Tensor(
      ct_convolution(
        raw, weight.raw, bias?.raw, Int32(stride), Int32(padding), Int32(dilation), Int32(groups)))
  }

  /// Transposed convolution with `weight` `[C, O / groups, k…]`.
  public func convolvedTransposed(
    with weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
    groups: Int = 1
  ) -> Tensor {
    Tensor(
      ct_transposed_convolution(
        raw, weight.raw, bias?.raw, Int32(stride), Int32(padding), Int32(outputPadding), Int32(groups)))
  }

  /// `x weightᵀ + bias` over the last axis; `weight` is `[out, in]`.
  public func linear(_ weight: Tensor, bias: Tensor? = nil) -> Tensor {
    Tensor(ct_linear(raw, weight.raw, bias?.raw))
  }
}

// MARK: - Normalisation

extension Tensor {
  /// Zero mean and unit variance over the last `axes` axes, then weight and bias.
  public func layerNormalized(
    axes: Int = 1, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5
  )
    -> Tensor
  { Tensor(ct_layer_norm(raw, Int32(axes), weight?.raw, bias?.raw, epsilon)) }

  public func groupNormalized(groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5)
    -> Tensor
  { Tensor(ct_group_norm(raw, Int32(groups), weight?.raw, bias?.raw, epsilon)) }

  /// Zero mean and unit variance of every channel of every sample, then weight and bias; no running statistics.
  public func instanceNormalized(weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5) -> Tensor
  {
    Tensor(ct_instance_norm(raw, weight?.raw, bias?.raw, epsilon))
  }

  /// Batch normalisation; in training the running `mean` and `variance` are updated in place.
  public func batchNormalized(
    weight: Tensor?, bias: Tensor?, mean: Tensor, variance: Tensor, training: Bool, momentum: Double = 0.1,
    epsilon: Double = 1e-5
  ) -> Tensor {
    Tensor(
      ct_batch_norm(raw, weight?.raw, bias?.raw, mean.raw, variance.raw, training, momentum, epsilon))
  }
}

// MARK: - Resampling

extension Tensor {
  public func maxPooled(_ size: Int, stride: Int? = nil) -> Tensor {
    Tensor(ct_max_pool(raw, Int32(size), Int32(stride ?? size)))
  }
  public func upsampledNearest(_ factor: Int) -> Tensor { Tensor(ct_upsample_nearest(raw, Int32(factor))) }
  /// Bilinear (trilinear) samples at `grid`, zero outside; coordinates in [-1, 1], last axis (x, y[, z]).
  public func sampled(at grid: Tensor, alignCorners: Bool = false) -> Tensor {
    Tensor(ct_grid_sample(raw, grid.raw, alignCorners))
  }
}
