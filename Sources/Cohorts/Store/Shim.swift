import Imaging

public typealias SampleBatch = SliceBatch
public typealias SampleReference = SliceReference
public typealias SampleStream = SliceStream
public typealias SampleBatches = SliceBatches

extension SliceBatch {
  public var extent: Extent { Extent(height, width) }
  public var depth: Int { 1 }
  public func stacked(_ modalities: [Modality]) -> [Float] { sources }
  public func target(_ modality: Modality) -> [Float] { target }
}

extension SliceBatches { public var sampleCount: Int { sliceCount } }
extension SliceStream { public var sampleCount: Int { sliceCount } }

extension PreparedCohort {
  public func slices(in split: Split, requiring: [Modality]) throws -> [SliceReference] { try slices(in: split) }
}

extension Scenario { public var modalities: [Modality] { sources + [target] } }
