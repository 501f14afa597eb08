import CTorch

extension Tensor {
  /// The same elements in another shape; one size may be -1.
  public func reshaped(_ shape: [Int]) -> Tensor { withSizes(shape) { Tensor(ct_reshape(raw, $0, $1)) } }
  public func permuted(_ axes: [Int]) -> Tensor { withSizes(axes) { Tensor(ct_permute(raw, $0, $1)) } }
  /// `length` entries of `axis` from `start` on; shares memory.
  public func narrowed(_ axis: Int, from start: Int, length: Int) -> Tensor {
    Tensor(ct_narrow(raw, Int32(axis), Int64(start), Int64(length)))
  }
  public func expanded(_ shape: [Int]) -> Tensor { withSizes(shape) { Tensor(ct_expand(raw, $0, $1)) } }
  /// The same with axes of length 1 behind, up to the rank of `x`: what is known of samples or channels broadcasts over
  /// their pixels, however many axes those have.
  public func aligned(with x: Tensor) -> Tensor {
    reshaped(shape + Array(repeating: 1, count: x.rank - rank))
  }
  /// One number for each sample of `x`, `[B, 1, …]` in its rank, type and place.
  public static func perSample(_ values: [Double], like x: Tensor) -> Tensor {
    Tensor(values, shape: [values.count]).to(x.type).to(x.device).aligned(with: x)
  }

  public static func concatenated(_ parts: [Tensor], axis: Int) -> Tensor {
    withList(parts) { Tensor(ct_concatenate($0, $1, Int32(axis))) }
  }
  public static func stacked(_ parts: [Tensor], axis: Int) -> Tensor {
    withList(parts) { Tensor(ct_stack($0, $1, Int32(axis))) }
  }

  /// How values outside the image are invented.
  public enum Border: String, Sendable {
    case zero = "constant"
    case replicate, reflect
  }

  /// Pads the last axes; `amounts` lists (before, after) pairs from the last axis backwards.
  public func padded(_ amounts: [Int], _ border: Border = .zero) -> Tensor {
    withSizes(amounts) { Tensor(ct_pad(raw, $0, $1, border.rawValue)) }
  }

  /// Circular shift: entry j moves to j + shift.
  public func rolled(by shifts: [Int], axes: [Int]) -> Tensor {
    withSizes(shifts) { shifts, count in
      withSizes(axes) { axes, _ in Tensor(ct_roll(raw, shifts, axes, count)) }
    }
  }

  public func selected(_ axis: Int, at index: Tensor) -> Tensor {
    Tensor(ct_index_select(raw, Int32(axis), index.raw))
  }

  public func to(_ type: ElementType) -> Tensor { Tensor(ct_to(raw, type.rawValue, device.number)) }
  public func to(_ device: Device) -> Tensor { Tensor(ct_to(raw, type.rawValue, device.number)) }
  /// The same tensor laid out with channels running fastest (rank 4 or 5).
  public func channelsLast() -> Tensor { Tensor(ct_channels_last(raw)) }
  /// The same tensor laid out in row-major order.
  public func contiguous() -> Tensor { Tensor(ct_contiguous(raw)) }
  public func copied() -> Tensor { Tensor(ct_clone(raw)) }
}
