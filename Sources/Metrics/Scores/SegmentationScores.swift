import Imaging

/// What a segmentation is judged by, for each region of a subject.
public enum SegmentationMeasure: String, Measure {
  /// Mean over the slices of a subject.
  case dice2D = "dice_2d"
  /// Of all slices of a subject together.
  case dice3D = "dice_3d"
  /// 95 % Hausdorff distance, of the slices that are scored.
  case hausdorff95 = "hd95_mm"
  /// Normalised surface Dice at the scorer's tolerance, of the slices that are scored.
  case surfaceDice = "surface_dice"
  /// Volumes of the predicted and of the reference region within the slices that are scored.
  case predictedVolume = "predicted_ml"
  case referenceVolume = "reference_ml"

  /// The two the paper prints.
  public static let paper: [SegmentationMeasure] = [.dice2D, .dice3D]

  public var heading: String {
    switch self {
    case .dice2D: "2-D Dice (%)"
    case .dice3D: "3-D Dice (%)"
    case .hausdorff95: "HD95 (mm)"
    case .surfaceDice: "Surface Dice (%)"
    case .predictedVolume: "Predicted (ml)"
    case .referenceVolume: "Reference (ml)"
    }
  }

  public var scale: Double {
    switch self {
    case .dice2D, .dice3D, .surfaceDice: 100
    case .hausdorff95, .predictedVolume, .referenceVolume: 1
    }
  }

  public var decimals: Int { 2 }

  public var best: Table.Column.Best? {
    switch self {
    case .dice2D, .dice3D, .surfaceDice: .largest
    case .hausdorff95: .smallest
    case .predictedVolume, .referenceVolume: nil
    }
  }
}

/// How one region of one subject was segmented.
public struct SegmentedRegion: Sendable, Equatable, Codable {
  public var region: String
  /// Of each slice.
  public var slices: [Overlap]
  public var values: MeasuredValues<SegmentationMeasure>
}

/// How one subject was segmented.
public struct SegmentedSubject: Sendable, Equatable, Codable {
  public var subject: String
  /// Whose visit the subject is, where one person may be several subjects; nil where each is a person of their own.
  public var patient: String?
  /// Index of the first slice in the subject's volume, as the cohort numbers it; the others follow.
  public var firstSlice: Int
  /// In the scorer's order.
  public var regions: [SegmentedRegion]
  /// Whether the reference touches the first or the last slice where the volume goes on, so that it may go on too; nil where
  /// that was not asked.
  public var isCut: Bool?
}

/// How a segmentation is scored: one rule for every row of a table.
public struct SegmentationScorer: Sendable, Equatable, Codable {
  public var regions: [LabelRegion]
  /// What Dice is where prediction and reference are both empty. Distances are never measured there.
  public var empty: Overlap.EmptyConvention
  /// How far apart surfaces may lie for the surface Dice, in mm.
  public var tolerance: Double

  public init(
    regions: [LabelRegion] = LabelRegion.braTS(), empty: Overlap.EmptyConvention = .exclude,
    tolerance: Double = 1
  ) {
    (self.regions, self.empty, self.tolerance) = (regions, empty, tolerance)
  }

  /// Scores one subject's label maps, slices of which follow one another without a gap, [plane][row][column].
  public func callAsFunction(
    _ prediction: [UInt8], _ reference: [UInt8], on grid: VoxelGrid, subject: String, patient: String? = nil,
    firstSlice: Int = 0
  ) -> SegmentedSubject {
    precondition(
      prediction.count == grid.extent.count && reference.count == grid.extent.count,
      "label maps of \(prediction.count) and \(reference.count) voxels on a grid of \(grid.extent)")
    let regions = regions.map { region in
      scored(region.name, region.mask(of: prediction), region.mask(of: reference), on: grid)
    }
    return SegmentedSubject(subject: subject, patient: patient, firstSlice: firstSlice, regions: regions)
  }

  private func scored(_ name: String, _ prediction: [Bool], _ reference: [Bool], on grid: VoxelGrid)
    -> SegmentedRegion
  {
    let size = grid.extent.count / grid.extent.planes
    let slices = (0..<grid.extent.planes).map { plane in
      let range = plane * size..<(plane + 1) * size
      return Overlap(Array(prediction[range]), Array(reference[range]))
    }
    let distances = SurfaceDistances(prediction, reference, on: grid)
    let whole = slices.reduce(into: Overlap()) { $0 += $1 }
    var values = MeasuredValues<SegmentationMeasure>()
    values[.dice2D] = Spread(slices.compactMap { $0.dice(empty: empty) }).mean
    values[.dice3D] = whole.dice(empty: empty)
    values[.hausdorff95] = distances.hausdorff(percentile: 95)
    values[.surfaceDice] = distances.dice(tolerance: tolerance)
    if let voxel = grid.voxelVolume {
      values[.predictedVolume] = Double(whole.predicted) * voxel
      values[.referenceVolume] = Double(whole.reference) * voxel
    }
    return SegmentedRegion(region: name, slices: slices, values: values)
  }
}

/// Everything one model, or the same model under one condition, segmented: a row of a table.
public struct SegmentationScores: Sendable, Equatable, Codable {
  /// As a table's row prints it.
  public var name: String
  public var scorer: SegmentationScorer
  public var subjects: [SegmentedSubject]

  public init(
    name: String, scorer: SegmentationScorer = SegmentationScorer(), subjects: [SegmentedSubject] = []
  ) {
    (self.name, self.scorer, self.subjects) = (name, scorer, subjects)
  }

  /// Names of the regions, in the scorer's order.
  public var regions: [String] { scorer.regions.map(\.name) }

  /// The figures of one region, subject by subject: what means, comparisons and summaries are of.
  public func figures(of region: String) -> ModelFigures<SegmentationMeasure> {
    ModelFigures(
      name: name,
      subjects: subjects.flatMap { subject in
        subject.regions.filter { $0.region == region }.map {
          SubjectFigures(
            subject: subject.subject, patient: subject.patient, values: $0.values, isCut: subject.isCut)
        }
      })
  }

  /// Slices in all, and those in which prediction and reference of a region are both empty.
  public func slices(of region: String) -> (all: Int, empty: Int) {
    let slices = subjects.flatMap(\.regions).filter { $0.region == region }.flatMap(\.slices)
    return (slices.count, slices.count { $0.predicted + $0.reference == 0 })
  }

  /// The whole in a few figures; what `summary.json` holds.
  public var summary: SegmentationSummary {
    SegmentationSummary(
      name: name, scorer: scorer, subjects: subjects.count,
      regions: regions.map { region in
        let slices = slices(of: region)
        return SegmentationSummary.Region(
          name: region, slices: slices.all, emptySlices: slices.empty,
          overSubjects: figures(of: region).summary.overSubjects)
      })
  }
}

/// The scores of a segmentation in a few figures.
public struct SegmentationSummary: Sendable, Equatable, Codable {
  public struct Region: Sendable, Equatable, Codable {
    public var name: String
    public var slices: Int
    /// Slices in which prediction and reference are both empty.
    public var emptySlices: Int
    public var overSubjects: [SegmentationMeasure: Spread]
  }

  public var name: String
  /// Regions with their labels, the convention for empty ones, the tolerance in mm.
  public var scorer: SegmentationScorer
  public var subjects: Int
  public var regions: [Region]
}
