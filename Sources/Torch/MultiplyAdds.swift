import CTorch

extension LibTorch {
  /// Runs `body` and counts the multiply-adds of the convolutions, transposed convolutions and linear maps that it
  /// computes on this thread, forward passes alone.
  ///
  /// As the field counts them: zeros around an image and the mixing of dynamic kernels included; biases, norms,
  /// activations, pooling, resampling and products of attention left out.
  public static func countingMultiplyAdds<R>(_ body: () throws -> R) rethrows -> (result: R, count: Int) {
    let before = ct_multiply_adds()
    let result = try body()
    return (result, Int(ct_multiply_adds() - before))
  }

  /// Runs `body` and counts how many multiply-adds of direct sums Winograd's filtering saved this thread: of forward passes, and
  /// of backward ones that run inside, on the CPU. What the filter's own transforms add is left out.
  public static func countingSavedMultiplyAdds<R>(_ body: () throws -> R) rethrows -> (result: R, count: Int)
  {
    let before = ct_saved_multiply_adds()
    let result = try body()
    return (result, Int(ct_saved_multiply_adds() - before))
  }

  /// Adds to the count what a layer computes by other operations: a linear map as an einsum, a kernel's mixing.
  public static func addMultiplyAdds(_ count: Int) { ct_add_multiply_adds(Int64(count)) }
}
