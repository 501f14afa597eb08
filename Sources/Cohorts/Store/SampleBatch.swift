import Imaging

/// One sample of a prepared cohort, by name.
public struct SampleReference: Sendable, Hashable, Codable, CustomStringConvertible {
  public var subject: String
  /// Where in the subject's own grid it lies, counted from the feet, from anterior and from the patient's right: [plane] for
  /// a slice and for a slab (its middle one), [plane, row, column] of the first voxel for a patch, negative where the
  /// patch reaches beyond the grid.
  public var place: [Int]

  public init(subject: String, slice: Int) { self.init(subject: subject, place: [slice]) }

  public init(subject: String, place: [Int]) {
    precondition(place.count == 1 || place.count == 3)
    self.subject = subject
    self.place = place
  }

  /// Index along the patient's foot-to-head axis of the subject's own grid, from 0.
  public var slice: Int { place[0] }

  /// `sub-01 slice 7`, `sub-01 patch at 3, 40, 22`
  public var description: String {
    place.count == 1
      ? "\(subject) slice \(slice)" : "\(subject) patch at \(place.map(String.init).joined(separator: ", "))"
  }
}

/// Samples as plain numbers, ready to become tensors on the training thread: slices, slabs or patches.
///
/// Planes run from foot to head, rows from anterior to posterior, columns from the patient's right to left; intensities lie
/// in [0, 1] (0 to the 99.5th percentile of the volume).
public struct SampleBatch: Sendable, Equatable {
  /// By contrast, `count x depth x extent`, contiguous; 0 for samples whose subject lacks the contrast.
  public var images: [Modality: [Float]]
  /// Of each sample, which of the contrasts in `images` its subject has.
  public var present: [Set<Modality>]
  /// `count x extent`, the middle plane of a slab; 0 for subjects without a label map. Nil where no sample has one or none
  /// was asked for.
  public var labels: [UInt8]?
  /// Samples in the batch.
  public var count: Int
  /// Of a sample: rows and columns, or planes, rows and columns of a patch.
  public var extent: Extent
  /// Neighbouring slices of a slab; 1 for all else.
  public var depth: Int
  /// Which samples these are, in order.
  public var references: [SampleReference]

  public init(
    images: [Modality: [Float]], present: [Set<Modality>], labels: [UInt8]? = nil, extent: Extent,
    depth: Int = 1, references: [SampleReference]
  ) {
    count = references.count
    let voxels = count * extent.count
    precondition(images.values.allSatisfy { $0.count == voxels * depth } && present.count == count)
    precondition((labels?.count ?? voxels) == voxels)
    (self.images, self.present, self.labels) = (images, present, labels)
    (self.extent, self.depth, self.references) = (extent, depth, references)
  }

  /// The contrasts in this order as a network's channels: `count x (modalities * depth) x extent`. The batch must have
  /// them.
  public func stacked(_ modalities: [Modality]) -> [Float] {
    let blocks = modalities.map { image(of: $0) }
    if blocks.count == 1 { return blocks[0] }
    return interleaved(blocks, size: depth * extent.count)
  }

  /// One contrast as it is to be predicted, of a slab the middle plane: `count x extent`. The batch must have it.
  public func target(_ modality: Modality) -> [Float] {
    let block = image(of: modality)
    return depth == 1 ? block : interleaved([block], size: extent.count, stride: depth, first: depth / 2)
  }

  private func image(of modality: Modality) -> [Float] {
    guard let image = images[modality] else { preconditionFailure("the batch has no \(modality.title)") }
    return image
  }

  /// Of each sample in turn the same part of all blocks: `size` numbers, every `stride`th such part from the `first` on.
  private func interleaved(_ blocks: [[Float]], size: Int, stride: Int = 1, first: Int = 0) -> [Float] {
    [Float](unsafeUninitializedCapacity: count * blocks.count * size) { buffer, written in
      guard let base = buffer.baseAddress else { return }
      for (channel, block) in blocks.enumerated() {
        block.withUnsafeBufferPointer { block in
          for sample in 0..<count {
            let part = UnsafeBufferPointer(
              rebasing: block[((sample * stride + first) * size)...].prefix(size))
            UnsafeMutableBufferPointer(start: base + (sample * blocks.count + channel) * size, count: size)
              .initializeAll(from: part)
          }
        }
      }
      written = count * blocks.count * size
    }
  }
}

extension UnsafeMutableBufferPointer<Float> {
  fileprivate func initializeAll(from source: UnsafeBufferPointer<Float>) {
    if let base = baseAddress, let other = source.baseAddress { base.initialize(from: other, count: count) }
  }
}
