import Imaging

extension Table {
  /// Models or conditions as rows, measures by region as columns, mean ± standard deviation over subjects.
  ///
  /// The caption names the convention for regions that are empty in prediction and reference, and counts what is left out.
  public init(
    _ title: String, comparing models: [SegmentationScores],
    measures: [SegmentationMeasure] = SegmentationMeasure.paper
  ) {
    precondition(
      models.allSatisfy { $0.scorer == models[0].scorer }, "rows of one table are scored by one rule")
    let regions = models.first?.regions ?? []
    let cells = measures.flatMap { measure in regions.map { (measure, $0) } }
    self.init(
      title, caption: Table.caption(models, measures),
      columns: [Column("Model")]
        + cells.map { measure, region in
          var column = Column(measure, group: measure.heading)
          column.heading = region
          return column
        })
    for model in models {
      let figures = Dictionary(uniqueKeysWithValues: regions.map { ($0, model.figures(of: $0)) })
      append(
        [.text(model.name)]
          + cells.map { measure, region in
            figures[region].map { Cell($0.overSubjects(measure), of: measure) } ?? .empty
          })
    }
  }

  private static func caption(_ models: [SegmentationScores], _ measures: [SegmentationMeasure]) -> String {
    guard let scorer = models.first?.scorer else { return "" }
    var text = "Mean ± standard deviation (n − 1) over \(subjects(models.map(\.subjects.count)))."
    let hasDice = measures.contains { SegmentationMeasure.paper.contains($0) }
    if measures.contains(.dice2D) { text += " 2-D Dice: mean over a subject's slices, then over subjects." }
    if measures.contains(.dice3D) { text += " 3-D Dice: of all slices of a subject together." }
    if hasDice {
      text += " Where prediction and reference are both empty, Dice is "
      text += scorer.empty == .one ? "1: " : "not scored: "
      text +=
        scorer.regions.map { region in
          let slices = models.map { $0.slices(of: region.name) }
          let (least, most) = (slices.map(\.empty).min() ?? 0, slices.map(\.empty).max() ?? 0)
          let all = slices.map(\.all).max() ?? 0
          return "\(region.name) in \(least == most ? "" : "\(least) to ")\(most) of \(counted(all, "slice"))"
        }.joined(separator: ", ") + "."
    }
    if measures.contains(.hausdorff95) {
      text += " HD95: 95 % Hausdorff distance, infinite where one of both is empty."
    }
    if measures.contains(.surfaceDice) {
      text +=
        " Surface Dice: share of both surfaces within \(short(scorer.tolerance)) mm of the other, 0 where one is empty."
    }
    if measures.contains(where: { ![.dice2D, .dice3D].contains($0) }) {
      text += " Distances and volumes are within the chosen slices."
      text += cut(models.map { $0.subjects.map(\.isCut) }, "reference")
    }
    for model in models {
      for region in model.regions {
        let figures = model.figures(of: region)
        for measure in measures {
          let what = "\(model.name), \(measure.rawValue) of \(region)"
          text += leftOut(figures.overSubjects(measure), of: figures.subjects.count, what)
        }
      }
    }
    return text
  }

  /// Every region of every slice of every model, in voxels; plain names and units, for other programs.
  public init(slicesOf models: [SegmentationScores]) {
    self.init(
      "Slices",
      columns: ["model", "subject", "slice", "region"].map { Column($0, decimals: 0) } + [
        Column("dice", decimals: 6)
      ]
        + ["predicted", "reference", "shared"].map { Column($0, decimals: 0) },
      rows: models.flatMap { model in
        model.subjects.flatMap { subject in
          subject.regions.flatMap { region in
            region.slices.enumerated().map { index, slice in
              [model.name, subject.subject, "\(subject.firstSlice + index)", region.region].map { .text($0) }
                + [Cell(slice.dice(empty: model.scorer.empty))]
                + [slice.predicted, slice.reference, slice.shared].map { .text("\($0)") }
            }
          }
        }
      })
  }

  /// Every region of every subject of every model, as ``init(slicesOf:)``.
  public init(subjectsOf models: [SegmentationScores]) {
    let measures = SegmentationMeasure.allCases
    self.init(
      "Subjects",
      columns: ["model", "subject", "region", "slices"].map { Column($0, decimals: 0) }
        + measures.map { Column($0.rawValue, decimals: 6) },
      rows: models.flatMap { model in
        model.subjects.flatMap { subject in
          subject.regions.map { region in
            [model.name, subject.subject, region.region, "\(region.slices.count)"].map { .text($0) }
              + measures.map { Cell(region.values[$0]) }
          }
        }
      })
  }
}
