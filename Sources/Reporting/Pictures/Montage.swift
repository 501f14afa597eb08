import Imaging

/// The pictures of one subject: sources, truth and predictions in three planes and a detail, errors below them.
package struct Montage: Sendable {
  package let images: SubjectImages
  package let focus: Focus
  package let box: Box
  /// The square shown larger, in the axial plane.
  package let detail: Box
  private let errors: [Stack]

  package init(_ images: SubjectImages) {
    self.images = images
    errors = images.predictions.map { $0.stack.error(against: images.truth) }
    box = Box(enclosing: images.sources.map(\.stack) + [images.truth])
    focus = images.lesions.flatMap { Focus(lesions: $0) } ?? Focus(middleOf: box)
    let place = errors.first.map { [focus, box] in focus.detail(errors: $0, in: box) } ?? focus.voxel
    detail = box.detail(about: place, side: focus.side, of: images.truth)
  }

  package var voxel: SIMD3<Int> { focus.voxel }

  /// The error that 99 % of the foreground voxels in the shown planes stay below.
  package var errorLevel: Float {
    var values: [Float] = []
    for plane in Plane.allCases {
      let truth = plane.view(of: images.truth, through: voxel, in: box).values
      for error in errors {
        values += zip(plane.view(of: error, through: voxel, in: box).values, truth)
          .filter { $0.1 > 0 && $0.0.isFinite }.map(\.0)
      }
    }
    values.sort()
    return values.isEmpty ? 0 : values[min(values.count - 1, Int(0.99 * Double(values.count)))]
  }

  /// A round error scale that serves several subjects alike, in shares of the full intensity.
  package static func errorScale(of montages: [Montage]) -> Float {
    let level = Double(montages.map(\.errorLevel).max() ?? 0)
    return Float(min(1, (max(0.05, level) * 20).rounded(.up) / 20))
  }

  // MARK: - Panels

  /// One row: sources, truth and predictions, then the errors of the predictions.
  /// - Parameter isDetail: whether of the detail alone.
  package func panels(
    _ plane: Plane, isDetail: Bool = false, scale: Float
  ) -> (images: [Panel], errors: [Panel]) {
    let box = isDetail ? detail : box
    let voxel = isDetail ? SIMD3(self.voxel.x, self.voxel.y, detail.slices.lowerBound) : self.voxel
    let place =
      isDetail
      ? "detail of axial \(plane.position(voxel, in: images.truth))"
      : "\(plane.rawValue) \(plane.position(voxel, in: images.truth))"
    func panel(_ title: String, _ stack: Stack, _ what: String, _ tone: Panel.Tone = .intensity) -> Panel {
      Panel(
        title, view: plane.view(of: stack, through: voxel, in: box), tone: tone,
        description: "\(what), \(images.id), \(place)", marks: plane.marks)
    }
    let target = images.target.title
    var truth = panel("\(target), acquired", images.truth, "acquired \(target)")
    truth.outline = images.lesions.map { plane.view(of: $0, through: voxel, in: box) }
    if plane == .axial && !isDetail { truth.frame = (detail, box) }
    let sources = images.sources.map { panel($0.modality.title, $0.stack, $0.modality.title) }
    let predictions = images.predictions.map {
      panel($0.name, $0.stack, "\(target) synthesised by \($0.name)")
    }
    let wrong = zip(images.predictions, errors).map {
      panel($0.name, $1, "absolute error of \($0.name)", .error(scale: scale))
    }
    return (sources + [truth] + predictions, wrong)
  }

  // MARK: - HTML

  /// - Parameter planes: those shown whole; the detail is always axial.
  package func html(scale: Float, caption: String, planes: [Plane] = Plane.allCases) throws -> HTML {
    let columns = images.sources.count + 1 + images.predictions.count
    return try HTML("figure", ["class": "montage-frame"]) {
      HTML("figcaption") { caption }
      try HTML("div", ["class": "scroll", "tabindex": "0"]) {
        try HTML("div", ["class": "montage", "style": "--columns:\(columns)"]) {
          for plane in planes {
            try rows(
              "\(plane.title), \(plane.position(voxel, in: images.truth))",
              panels(plane, scale: scale), scale, isFirst: plane == planes.first)
          }
          try rows(detailTitle, panels(.axial, isDetail: true, scale: scale), scale, isFirst: false)
        }
      }
    }
  }

  private var detailTitle: String {
    let size = Int((Double(detail.columns.count) * images.truth.spacing.x).rounded())
    let what = focus.isLesion ? "the largest lesion" : "the largest error"
    return "Detail, \(size) mm around \(what)"
  }

  private func rows(
    _ title: String, _ panels: (images: [Panel], errors: [Panel]), _ scale: Float, isFirst: Bool
  ) throws -> HTML {
    try HTML {
      HTML("h4", ["class": "plane"]) { title }
      for panel in panels.images {
        try HTML("div", ["class": "cell"]) {
          HTML("p", ["class": isFirst ? "name" : "name quiet"]) { panel.title }
          try panel.html()
        }
      }
      HTML("div", ["class": "cell colourbar", "style": "grid-column:span \(images.sources.count + 1)"]) {
        HTML("p") { "|truth − synthesis|" }
        HTML("div", ["class": "ramp", "style": "background:\(Montage.gradient)", "aria-hidden": "true"])
        HTML("div", ["class": "ends"]) {
          HTML("span") { "0" }
          HTML("span") { number(Double(scale) / 2, 2) }
          HTML("span") { "≥ \(number(Double(scale), 2))" }
        }
        HTML("p", ["class": "note"]) { "in shares of the full intensity range" }
      }
      for panel in panels.errors { try HTML("div", ["class": "cell"]) { try panel.html() } }
    }
  }

  /// The error map's colours as a CSS gradient.
  private static var gradient: String {
    let stops = Colormap.error.stops.map { "rgb(\($0.x) \($0.y) \($0.z))" }
    return "linear-gradient(to right,\(stops.joined(separator: ",")))"
  }
}
