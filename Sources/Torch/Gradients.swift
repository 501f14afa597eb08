import CTorch

/// Runs `body` without recording operations for differentiation. Grad mode belongs to the thread, so the closure is
/// synchronous by design.
public func withoutGradient<R>(_ body: () throws -> R) rethrows -> R {
  let before = ct_grad_enabled()
  ct_set_grad_enabled(false)
  defer { ct_set_grad_enabled(before) }
  return try body()
}

extension Tensor {
  /// Whether operations on this tensor are recorded. Only leaves can be switched.
  public var requiresGradient: Bool {
    get { ct_does_require_grad(raw) }
    nonmutating set { check(ct_requires_grad(raw, newValue)) }
  }

  /// Adds the derivative of this scalar to the `gradient` of every tensor it was computed from.
  public func backward() { check(ct_backward(raw)) }

  /// The derivative of this scalar by `leaf`, in its shape; recorded, so that it can be part of a loss.
  public func derivative(by leaf: Tensor) -> Tensor { Tensor(ct_derivative(raw, leaf.raw)) }

  /// What `backward` has gathered, or nil before the first.
  public var gradient: Tensor? {
    guard let pointer = ct_grad(raw) else {
      precondition(LibTorch.lastError.isEmpty, LibTorch.lastError)
      return nil
    }
    return Tensor(pointer)
  }

  public func clearGradient() { check(ct_clear_grad(raw)) }

  /// The same numbers, cut off from the operations that made them.
  public var detached: Tensor { Tensor(ct_detach(raw)) }
}

// MARK: - In place, for optimisers, initialisers and checkpoints

extension Tensor {
  /// Overwrites the elements with those of `source`, converted and moved as needed. Not recorded.
  public func assign(_ source: Tensor) { check(ct_copy_into(raw, source.raw)) }

  public func fill(_ value: Double) { check(ct_fill(raw, value)) }

  /// Moves every element of `tensors` the share `weight` of the way to the one in its place of `ends`, as a moving average
  /// does. Not recorded.
  public static func move(_ tensors: [Tensor], towards ends: [Tensor], by weight: Double) {
    precondition(tensors.count == ends.count)
    guard !tensors.isEmpty else { return }
    withList(tensors + ends) { pointers, _ in check(ct_lerp_all(pointers, Int32(tensors.count), weight)) }
  }

  /// The same of one tensor.
  public func move(towards end: Tensor, by weight: Double) { Tensor.move([self], towards: [end], by: weight) }

  /// Scales the gradients of `tensors` down so that their norm, over all of them together, is `largest` at the most
  /// (`torch.nn.utils.clip_grad_norm_`). Waits for no device.
  public static func clipGradients(_ tensors: [Tensor], to largest: Double) {
    guard !tensors.isEmpty else { return }
    withList(tensors) { pointers, count in check(ct_clip_gradients(pointers, count, largest)) }
  }

  /// One fused Adam step.
  /// - Parameters:
  ///   - moments: first and second moment and the number of steps taken, one triple per parameter; updated in place.
  ///   - decay: decoupled weight decay: the share of itself, times the rate, that every parameter loses (AdamW).
  public static func adamStep(
    _ parameters: [Tensor], moments: (first: [Tensor], second: [Tensor], counts: [Tensor]), rate: Double,
    betas: (Double, Double), decay: Double, epsilon: Double
  ) {
    withList(parameters + moments.first + moments.second + moments.counts) { tensors, _ in
      check(ct_adam_step(tensors, Int32(parameters.count), rate, betas.0, betas.1, decay, epsilon))
    }
  }
}
