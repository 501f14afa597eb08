import Cohorts
import Imaging
import Metrics
import Runs

/// What a segmentation finds in one subject with several images in place of one of its contrasts: three planes and a detail,
/// each with the outlines of the label map's regions and of those that were found.
struct SegmentationMontage {
  /// What was found with one image.
  struct Finding {
    let name: String
    let modality: Modality
    let image: Stack
    let regions: [Stack]
    /// 3-D Dice by region: `WT 81, TC 74 %`.
    let figures: String

    /// - Parameter regions: those that were asked for, as the scores name them.
    init(_ name: String, _ volume: SegmentedVolume, of modality: Modality, _ regions: [LabelRegion]) {
      (self.name, self.modality) = (name, modality)
      image = Stack(volume.images[modality] ?? [], volume)
      self.regions = Stack.masks(of: regions, in: volume.found, volume)
      let dice = regions.map { region in
        let dice = Overlap(volume.found, volume.reference, region: region).dice()
        return "\(region.name) \(dice.map { number(100 * $0, 0) } ?? "–")"
      }
      figures = dice.joined(separator: ", ") + " %"
    }
  }

  let id: String
  private let findings: [Finding]
  private let truth: [Stack]
  private let focus: Focus
  private let box: Box, detail: Box

  /// - Parameters:
  ///   - volume: any of the findings' volumes, for the label map and the other contrasts.
  init(
    _ volume: SegmentedVolume, of modality: Modality, _ regions: [LabelRegion], _ findings: [Finding]
  ) {
    (id, self.findings) = (volume.subject.id, findings)
    truth = Stack.masks(of: regions, in: volume.reference, volume)
    let others = volume.images.filter { $0.key != modality }.values.map { Stack($0, volume) }
    box = Box(enclosing: others + findings.map(\.image))
    let lesions = Stack(volume.reference.map { $0 > 0 ? 1 : 0 }, volume)
    focus = Focus(lesions: lesions) ?? Focus(middleOf: box)
    detail = box.detail(about: focus.voxel, side: focus.side, of: lesions)
  }

  /// One row of panels.
  /// - Parameter isDetail: whether of the detail alone, which is axial.
  func panels(_ plane: Plane, isDetail: Bool = false) -> [Panel] {
    let shown = isDetail ? detail : box
    func view(_ stack: Stack) -> View { plane.view(of: stack, through: focus.voxel, in: shown) }
    return findings.map { finding in
      var panel = Panel(
        finding.name, view: view(finding.image), tone: .intensity,
        description:
          "\(finding.modality.title), \(finding.name), \(id), \(isDetail ? "detail of " : "")\(place(plane))",
        marks: plane.marks)
      (panel.outlines, panel.found) = (truth.map(view), finding.regions.map(view))
      if plane == .axial && !isDetail { panel.frame = (detail, box) }
      return panel
    }
  }

  private func place(_ plane: Plane) -> String {
    "\(plane.rawValue) \(plane.position(focus.voxel, in: truth[0]))"
  }

  /// The rows in order, each with its title.
  var rows: [(title: String, panels: [Panel])] {
    let planes = Plane.allCases.map { plane in
      ("\(plane.title), \(plane.position(focus.voxel, in: truth[0]))", panels(plane))
    }
    let size = Int((Double(detail.columns.count) * truth[0].spacing.x).rounded())
    let what = focus.isLesion ? "the largest lesion" : "the middle"
    return planes + [("Detail, \(size) mm around \(what)", panels(.axial, isDetail: true))]
  }

  func html(caption: String) throws -> HTML {
    try HTML.montage(caption, columns: findings.count) {
      for (index, row) in rows.enumerated() {
        HTML("h4", ["class": "plane"]) { row.title }
        for (panel, finding) in zip(row.panels, findings) {
          try panel.cell(isFirst: index == 0) {
            if index == 0 { HTML("p", ["class": "figures"]) { finding.figures } }
          }
        }
      }
    }
  }
}

extension Stack {
  /// A volume as it was segmented.
  fileprivate init(_ values: [Float], _ volume: SegmentedVolume) {
    let (extent, spacing) = (volume.grid.extent, volume.grid.spacing)
    self.init(
      columns: extent.columns, rows: extent.rows, slices: extent.planes,
      spacing: SIMD3(spacing[2], spacing[1], spacing[0]), firstSlice: volume.firstSlice, values: values)
  }

  /// 1 inside each region of a label map, else 0.
  fileprivate static func masks(
    of regions: [LabelRegion], in labels: [UInt8], _ volume: SegmentedVolume
  ) -> [Stack] {
    regions.map { region in Stack(labels.map { region.labels.contains($0) ? 1 : 0 }, volume) }
  }
}
