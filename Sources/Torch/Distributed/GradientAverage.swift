import CTorch

/// Means over ranks of the gradients that `backward` gives some parameters, added up while it still runs.
///
/// Parameters are gathered in buckets, from the last to the first, and a bucket is sent off as soon as `backward` has all of its
/// gradients. What has a gradient on no rank keeps none; what has one on some counts as zero on the others. Until `finish` nothing
/// else may be asked of the group. A second `backward` before it is allowed, but makes all be sent twice.
public final class GradientAverage {
  private let pointer: OpaquePointer
  private let group: ProcessGroup

  /// - Parameters:
  ///   - parameters: the same on all ranks; each in one such average at a time.
  ///   - bucket: bytes that are sent together. Memory for all of the gradients once more is kept.
  public init(of parameters: [Tensor], over group: ProcessGroup, bucket: Int = 8 << 20) {
    let pointer = withList(parameters) { ct_averaging_make(group.pointer, $0, $1, Int64(bucket)) }
    if pointer == nil { check(-1) }
    guard let pointer else { fatalError("no average of gradients") }
    (self.pointer, self.group) = (pointer, group)
  }

  deinit { ct_averaging_free(pointer) }

  /// Replaces the gradients by their means over ranks, as those of a loss that is a mean over the samples of all. To be called
  /// when `backward` is done.
  public func finish() { group.note(ct_averaging_finish(pointer, 1 / Double(group.size))) }

  /// Buckets that `backward` itself had sent off when `finish` was last called.
  package var early: Int { Int(ct_averaging_early(pointer)) }
}
