import CTorch

// From the process-wide stream that `LibTorch.seed` restarts: the chance in a training step. What must not depend on the
// calls before it takes a seed of its own (`Tensor.normal`, `Tensor.uniform`).
extension Tensor {
  /// Standard normal numbers in the shape, type and place of `x`.
  public static func normal(like x: Tensor) -> Tensor { Tensor(ct_randn_like(x.raw)) }

  /// Whole numbers from 0 up to but not including `bound`, all as likely; drawn on the CPU whatever the device.
  public static func randomIntegers(below bound: Int, count: Int) -> [Int] {
    Tensor(ct_random_integers(Int64(bound), Int64(count))).values(Int64.self).map(Int.init)
  }
}
