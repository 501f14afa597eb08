import CTorch

// Elementwise operations broadcast as NumPy's do.
extension Tensor {
  public static func + (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_add(a.raw, b.raw)) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_subtract(a.raw, b.raw)) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_multiply(a.raw, b.raw)) }
  public static func / (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_divide(a.raw, b.raw)) }
  public static func + (a: Tensor, b: Double) -> Tensor { Tensor(ct_add_scalar(a.raw, b)) }
  public static func - (a: Tensor, b: Double) -> Tensor { Tensor(ct_add_scalar(a.raw, -b)) }
  public static func * (a: Tensor, b: Double) -> Tensor { Tensor(ct_multiply_scalar(a.raw, b)) }
  public static func / (a: Tensor, b: Double) -> Tensor { Tensor(ct_multiply_scalar(a.raw, 1 / b)) }
  public static func + (a: Double, b: Tensor) -> Tensor { b + a }
  public static func * (a: Double, b: Tensor) -> Tensor { b * a }
  public static func - (a: Double, b: Tensor) -> Tensor { -b + a }
  public static prefix func - (a: Tensor) -> Tensor { a * -1 }

  /// Matrix product over the last two axes, batched over the others.
  public func matmul(_ other: Tensor) -> Tensor { Tensor(ct_matmul(raw, other.raw)) }

  /// Einstein summation, e.g. `"bnij,njm->bnim"`.
  public static func einsum(_ equation: String, _ parts: Tensor...) -> Tensor {
    withList(parts) { Tensor(ct_einsum(equation, $0, $1)) }
  }

  /// Of a symmetric matrix `[n, n]`: its eigenvalues `[n]`, ascending, and unit eigenvectors in the columns of `[n, n]`.
  public var eigenvectors: (values: Tensor, vectors: Tensor) {
    var (values, vectors): (OpaquePointer?, OpaquePointer?) = (nil, nil)
    check(ct_eigenvectors(raw, &values, &vectors))
    return (Tensor(values), Tensor(vectors))
  }
}

// MARK: - One element at a time

extension Tensor {
  public func relu() -> Tensor { Tensor(ct_relu(raw)) }
  /// ReLU that overwrites its argument; autograd refuses it where the old values are still needed.
  public func reluInPlace() -> Tensor { Tensor(ct_relu_in_place(raw)) }
  public func leakyRelu(_ slope: Double = 0.2) -> Tensor { Tensor(ct_leaky_relu(raw, slope)) }
  /// The exact form, with erf.
  public func gelu() -> Tensor { Tensor(ct_gelu(raw)) }
  public func silu() -> Tensor { Tensor(ct_silu(raw)) }
  /// log(1 + exp(x)).
  public func softplus() -> Tensor { Tensor(ct_softplus(raw)) }
  public func sigmoid() -> Tensor { Tensor(ct_sigmoid(raw)) }
  public func tanh() -> Tensor { Tensor(ct_tanh(raw)) }
  public func exp() -> Tensor { Tensor(ct_exp(raw)) }
  public func log() -> Tensor { Tensor(ct_log(raw)) }
  public func sqrt() -> Tensor { Tensor(ct_sqrt(raw)) }
  public func squared() -> Tensor { Tensor(ct_square(raw)) }
  public func abs() -> Tensor { Tensor(ct_abs(raw)) }
  public func floor() -> Tensor { Tensor(ct_floor(raw)) }
  public func cos() -> Tensor { Tensor(ct_cos(raw)) }
  public func sin() -> Tensor { Tensor(ct_sin(raw)) }
  public func clamped(_ low: Double, _ high: Double) -> Tensor { Tensor(ct_clamp(raw, low, high)) }
  /// The remainder with the divisor's sign, as Python's `%`.
  public func remainder(_ divisor: Double) -> Tensor { Tensor(ct_remainder(raw, divisor)) }
  /// `a` where this tensor is below `threshold`, `b` elsewhere; shapes broadcast.
  public func below(_ threshold: Double, _ a: Tensor, else b: Tensor) -> Tensor {
    Tensor(ct_where_below(raw, threshold, a.raw, b.raw))
  }
  public func softmax(over axis: Int) -> Tensor { Tensor(ct_softmax(raw, Int32(axis))) }
}

// MARK: - Reductions

extension Tensor {
  public func sum() -> Tensor { Tensor(ct_sum(raw)) }
  public func mean() -> Tensor { Tensor(ct_mean(raw)) }
  public func sum(over axes: [Int], keeping: Bool = false) -> Tensor {
    withSizes(axes) { Tensor(ct_sum_over(raw, $0, $1, keeping)) }
  }
  public func mean(over axes: [Int], keeping: Bool = false) -> Tensor {
    withSizes(axes) { Tensor(ct_mean_over(raw, $0, $1, keeping)) }
  }
  public func max(over axis: Int, keeping: Bool = false) -> Tensor {
    Tensor(ct_max_over(raw, Int32(axis), keeping))
  }

  /// Mean of all squared differences, as a scalar.
  public func meanSquaredError(_ target: Tensor) -> Tensor { Tensor(ct_mse_loss(raw, target.raw)) }
  /// Mean of all absolute differences, as a scalar.
  public func meanAbsoluteError(_ target: Tensor) -> Tensor { Tensor(ct_l1_loss(raw, target.raw)) }
  /// Binary cross-entropy of logits, as a scalar.
  public func crossEntropyWithLogits(_ target: Tensor) -> Tensor {
    Tensor(ct_bce_with_logits(raw, target.raw))
  }
}

extension Tensor {
  /// Adds `other` into this tensor's own memory and returns it; recorded, so only for results nobody else needs.
  public func addingInPlace(_ other: Tensor) -> Tensor { Tensor(ct_add_in_place(raw, other.raw)) }
}
