import CTorch

extension Tensor {
  /// A whole CAGR module as one operator with its own backward: kernel 3, stride 1, padding 1, on the CPU, for maps
  /// `[B, C, spatial…]` of d = 2 or 3 dimensions.
  ///
  /// Either half may be missing, not both.
  /// - Parameters:
  ///   - weight: `[O, C, 3…]`.
  ///   - attention: the gate's weight `[C, 2C/n, 1…]` and bias `[C]`.
  ///   - routing: its convolution `[C, C/n, 3…]`, norm weight and bias `[C]`, offset weight `[dn, C]`, scale weight
  ///     `[n, C]` and bias `[n]`.
  ///   - rectifies: whether a ReLU follows.
  /// - Returns: `[B, O, spatial…]`, and what was read off the input: offsets `[B, dn]` (x, y and z of each group), scales
  ///   `[B, n]` and gates `[B, C]`, empty for the half that is missing.
  public func cagr(
    weight: Tensor, attention: (weight: Tensor, bias: Tensor)?,
    routing: (
      convolution: Tensor, normWeight: Tensor, normBias: Tensor, offset: Tensor, scale: Tensor,
      scaleBias: Tensor
    )?, groups: Int, rectifies: Bool = false
  ) -> (output: Tensor, offsets: Tensor, scales: Tensor, gates: Tensor) {
    let inputs: [Tensor?] = [
      self, weight, attention?.weight, attention?.bias, routing?.convolution, routing?.normWeight,
      routing?.normBias, routing?.offset, routing?.scale, routing?.scaleBias,
    ]
    let pointers = inputs.map { $0?.raw }
    var outputs = [OpaquePointer?](repeating: nil, count: 4)
    withExtendedLifetime(inputs) { check(ct_cagr(pointers, Int32(groups), rectifies, &outputs)) }
    return (Tensor(outputs[0]), Tensor(outputs[1]), Tensor(outputs[2]), Tensor(outputs[3]))
  }
}
