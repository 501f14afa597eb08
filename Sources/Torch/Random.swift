import CTorch

/// Chance that goes on with every draw: what a training step draws its dropout, steps and noise from.
///
/// Two streams of one seed give the same numbers in the same order. What must not depend on the draws before it takes a
/// seed of its own (`Tensor.normal`, `Tensor.uniform`).
public final class RandomStream {
  fileprivate let pointer: OpaquePointer

  /// - Parameter device: where the tensors are that are drawn for.
  public init(seed: UInt64, device: Device = .cpu) {
    guard let pointer = ct_generator_make(seed, device.number) else {
      fatalError("a stream of random numbers on \(device): \(LibTorch.lastError)")
    }
    self.pointer = pointer
  }

  deinit { ct_generator_free(pointer) }

  /// Standard normal numbers in the shape, type and place of `x`.
  public func normal(like x: Tensor) -> Tensor { Tensor(ct_random_normal(pointer, x.raw)) }

  /// Whole numbers from 0 up to but not including `bound`, all as likely; drawn on the CPU whatever the device.
  public func integers(below bound: Int, count: Int) -> [Int] {
    Tensor(ct_random_integers(pointer, Int64(bound), Int64(count))).values(Int64.self).map(Int.init)
  }
}

extension Tensor {
  /// Zero with `probability`, from 0 to below 1, and scaled up elsewhere so that the mean stays.
  public func dropout(_ probability: Double, from random: RandomStream) -> Tensor {
    probability > 0 ? Tensor(ct_dropout(raw, probability, random.pointer)) : self
  }

  /// Drops whole channels of single samples.
  public func channelDropout(_ probability: Double, from random: RandomStream) -> Tensor {
    probability > 0 ? Tensor(ct_channel_dropout(raw, probability, random.pointer)) : self
  }
}
