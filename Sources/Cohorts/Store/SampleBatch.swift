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
/// in [0, 1] (0 to the 99.5th percentile of the volume), or in [0, 4] on the scale of the volume's foreground.
public struct SampleBatch: Sendable, Equatable {
  /// Contrasts side by side, as a network takes them, so that most are never copied: `count x (modalities * depth) x extent`,
  /// contiguous; 0 for samples whose subject lacks the contrast.
  struct Block: Sendable, Equatable {
    var modalities: [Modality]
    var values: [Float]
  }

  private let blocks: [Block]
  /// Of each sample, which of the contrasts its subject has.
  public var present: [Set<Modality>]
  /// `count x extent`, the middle plane of a slab; 0 for subjects without a label map. Nil where none was read.
  public var labels: [UInt8]?
  /// By contrast what is to be predicted, `count x extent`, where that is another image than the one that is given, as of
  /// computed heads: without noise. Nil where the images themselves are.
  public var answers: [Modality: [Float]]?
  /// `count x extent`: how much an error counts; nil where all count alike.
  public var weights: [Float]?
  /// Samples in the batch.
  public var count: Int
  /// Of a sample: rows and columns, or planes, rows and columns of a patch.
  public var extent: Extent
  /// Neighbouring slices of a slab; 1 for all else.
  public var depth: Int
  /// Which samples these are, in order.
  public var references: [SampleReference]

  /// - Parameter images: by contrast, `count x depth x extent`, contiguous; 0 for samples whose subject lacks it.
  public init(
    images: [Modality: [Float]], present: [Set<Modality>], labels: [UInt8]? = nil, extent: Extent,
    depth: Int = 1, references: [SampleReference]
  ) {
    self.init(
      images.map { Block(modalities: [$0], values: $1) }.sorted {
        $0.modalities[0].rawValue < $1.modalities[0].rawValue
      },
      present: present, labels: labels, extent: extent, depth: depth, references: references)
  }

  init(
    _ blocks: [Block], present: [Set<Modality>], labels: [UInt8]?, extent: Extent, depth: Int,
    references: [SampleReference]
  ) {
    count = references.count
    let voxels = count * extent.count
    precondition(blocks.allSatisfy { $0.values.count == voxels * depth * $0.modalities.count })
    precondition(present.count == count && (labels?.count ?? voxels) == voxels)
    (self.blocks, self.present, self.labels) = (blocks, present, labels)
    (self.extent, self.depth, self.references) = (extent, depth, references)
  }

  /// By contrast, `count x depth x extent`, contiguous; 0 for samples whose subject lacks the contrast.
  public var images: [Modality: [Float]] {
    Dictionary(uniqueKeysWithValues: blocks.flatMap(\.modalities).map { ($0, stacked([$0])) })
  }

  /// The contrasts (the batch must have them) as a network's channels: `count x (modalities * depth) x extent`.
  public func stacked(_ modalities: [Modality]) -> [Float] {
    if let block = blocks.first(where: { $0.modalities == modalities }) { return block.values }
    return gathered(modalities, planes: 0..<depth)
  }

  /// One contrast of one sample, `depth x extent`. The batch must have it.
  public func image(_ modality: Modality, of sample: Int) -> [Float] {
    let (values, start) = place(of: modality, sample)
    return Array(values[start..<start + depth * extent.count])
  }

  /// One contrast as it is to be predicted, of a slab the middle plane: `count x extent`. The batch must have it.
  public func target(_ modality: Modality) -> [Float] {
    depth == 1 ? stacked([modality]) : gathered([modality], planes: depth / 2..<depth / 2 + 1)
  }

  /// What a scenario asks for, as it is to be predicted: `count x contrasts x extent`, or the label of every voxel as a number.
  public func target(of scenario: Scenario) -> [Float] {
    if scenario.target == .labels {
      guard let labels else { preconditionFailure("the batch has no labels") }
      return labels.map(Float.init)
    }
    let made = scenario.made
    guard let answers else {
      return made.count == 1 ? target(made[0]) : gathered(made, planes: depth / 2..<depth / 2 + 1)
    }
    let size = extent.count
    var result: [Float] = []
    result.reserveCapacity(count * made.count * size)
    for sample in 0..<count {
      for modality in made {
        guard let values = answers[modality] else {
          preconditionFailure("the batch has no answer for \(modality.title)")
        }
        result += values[sample * size..<(sample + 1) * size]
      }
    }
    return result
  }

  /// The same samples as if their subjects lacked the other contrasts; answers stay.
  public func keeping(_ kept: Set<Modality>) -> SampleBatch {
    var batch = SampleBatch(
      blocks.map { block in
        guard !kept.isSuperset(of: block.modalities) else { return block }
        var block = block
        let size = depth * extent.count
        for sample in 0..<count {
          for (place, modality) in block.modalities.enumerated() where !kept.contains(modality) {
            let start = (sample * block.modalities.count + place) * size
            block.values.replaceSubrange(start..<start + size, with: repeatElement(0, count: size))
          }
        }
        return block
      }, present: present.map { $0.intersection(kept) }, labels: labels, extent: extent, depth: depth,
      references: references)
    (batch.answers, batch.weights) = (answers, weights)
    return batch
  }

  /// Of each sample in turn these planes of each contrast.
  private func gathered(_ modalities: [Modality], planes: Range<Int>) -> [Float] {
    let size = planes.count * extent.count
    return [Float](unsafeUninitializedCapacity: count * modalities.count * size) { buffer, written in
      guard let base = buffer.baseAddress else { return }
      for (channel, modality) in modalities.enumerated() {
        for sample in 0..<count {
          let (values, start) = place(of: modality, sample)
          values.withUnsafeBufferPointer { values in
            guard let source = values.baseAddress else { return }
            (base + (sample * modalities.count + channel) * size)
              .initialize(from: source + start + planes.lowerBound * extent.count, count: size)
          }
        }
      }
      written = count * modalities.count * size
    }
  }

  /// The values among which a sample's planes of a contrast are, and where they begin.
  private func place(of modality: Modality, _ sample: Int) -> (values: [Float], start: Int) {
    for block in blocks {
      guard let channel = block.modalities.firstIndex(of: modality) else { continue }
      return (block.values, (sample * block.modalities.count + channel) * depth * extent.count)
    }
    preconditionFailure("the batch has no \(modality.title)")
  }
}
