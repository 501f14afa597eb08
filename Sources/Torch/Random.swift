import CTorch

/// Chance that goes on with every draw: what a training step draws its dropout, steps and noise from.
///
/// Two streams of one seed give the same numbers in the same order. What must not depend on the draws before it takes a
/// seed of its own (`Tensor.normal`, `Tensor.uniform`).
public final class RandomStream {
  fileprivate let pointer: OpaquePointer

  /// - Parameters:
  ///   - device: where the tensors are that are drawn for.
  ///   - part: which of the equal parts of a batch they are, of how many: each gets the numbers that its samples would get were
  ///     the batch whole. The first axis of all that is drawn for must be that of the samples.
  public init(seed: UInt64, device: Device = .cpu, part: Int = 0, of parts: Int = 1) {
    guard let pointer = ct_generator_make(seed, device.number, Int32(part), Int32(parts)) else {
      fatalError("a stream of random numbers on \(device): \(LibTorch.lastError)")
    }
    self.pointer = pointer
  }

  deinit { ct_generator_free(pointer) }

  /// Standard normal numbers in the shape, type and place of `x`.
  public func normal(like x: Tensor) -> Tensor { Tensor(ct_random_normal(pointer, x.raw)) }

  /// Whole numbers, as many for each sample, from 0 up to but not including `bound`, all as likely; drawn on the CPU whatever the device.
  public func integers(below bound: Int, count: Int) -> [Int] {
    guard count > 0 else { return [] }
    return [Int64](unsafeUninitializedCapacity: count) { buffer, initialized in
      check(ct_random_integers(pointer, Int64(bound), Int64(count), buffer.baseAddress))
      initialized = count
    }.map(Int.init)
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
