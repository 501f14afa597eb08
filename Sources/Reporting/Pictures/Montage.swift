import Cohorts
import Imaging

/// The pictures of one subject: sources, truth and predictions in three planes and a detail, errors below them.
struct Montage: Sendable {
  let id: String
  let sources: [(modality: Modality, stack: Stack)]
  let target: Modality
  let truth: Stack
  /// Models in the order given; brought to [0, 1] as the scores are.
  let predictions: [(name: String, stack: Stack)]
  let lesions: Stack?
  let focus: Focus
  private let box: Box
  /// The square shown larger, in the axial plane.
  private let detail: Box
  private let errors: [Stack]

  /// - Parameters:
  ///   - models: whose predictions are shown, by name.
  ///   - prediction: a slice's, by the model of this name: `extent` values; a slice without one stays empty.
  init(
    of subject: CohortManifest.Subject, in cohort: PreparedCohort, scenario: Scenario, models: [String],
    prediction: (_ slice: Int, _ model: String) throws -> [Float]?
  ) throws {
    (id, target) = (subject.id, try scenario.contrast)
    let empty = Stack(for: subject, in: cohort.manifest)
    var sources = scenario.sources.map { (modality: $0, stack: empty) }
    var predictions = models.map { (name: $0, stack: empty) }
    let marksLesions = try !cohort.withLesions(among: [subject.id]).isEmpty
    var (truth, lesions) = (empty, marksLesions ? empty : nil)
    for slice in subject.slices {
      let reference = SampleReference(subject: subject.id, slice: slice)
      for index in sources.indices {
        sources[index].stack.put(try cohort.slice(sources[index].modality, at: reference), at: slice)
      }
      truth.put(try cohort.slice(target, at: reference), at: slice)
      for (index, model) in models.enumerated() {
        guard let image = try prediction(slice, model) else { continue }
        predictions[index].stack.put(image.map { $0 > 0 ? min($0, 1) : 0 }, at: slice)
      }
      if let labels = try cohort.labels(at: reference) {
        lesions?.put(labels.map { $0 > 0 ? 1 : 0 }, at: slice)
      }
    }
    (self.sources, self.truth, self.predictions, self.lesions) = (sources, truth, predictions, lesions)
    let errors = predictions.map { [truth] in $0.stack.error(against: truth) }
    let box = Box(enclosing: sources.map(\.stack) + [truth])
    let focus = lesions.flatMap { Focus(lesions: $0) } ?? Focus(middleOf: box)
    let place = errors.first.map { focus.detail(errors: $0, in: box) } ?? focus.voxel
    detail = box.detail(about: place, side: focus.side, of: truth)
    (self.errors, self.box, self.focus) = (errors, box, focus)
  }

  var voxel: SIMD3<Int> { focus.voxel }

  /// The error that 99 % of the foreground voxels in the shown planes stay below.
  var errorLevel: Float {
    var values: [Float] = []
    for plane in Plane.allCases {
      let acquired = plane.view(of: truth, through: voxel, in: box).values
      for error in errors {
        values += zip(plane.view(of: error, through: voxel, in: box).values, acquired)
          .filter { $0.1 > 0 && $0.0.isFinite }.map(\.0)
      }
    }
    values.sort()
    return values.isEmpty ? 0 : values[min(values.count - 1, Int(0.99 * Double(values.count)))]
  }

  /// A round error scale that serves several subjects alike, in shares of the full intensity.
  static func errorScale(of montages: [Montage]) -> Float {
    let level = Double(montages.map(\.errorLevel).max() ?? 0)
    return Float(min(1, (max(0.05, level) * 20).rounded(.up) / 20))
  }

  // MARK: - Panels

  /// One row: sources, truth and predictions, then the errors of the predictions.
  /// - Parameter isDetail: whether of the detail alone.
  func panels(
    _ plane: Plane, isDetail: Bool = false, scale: Float
  ) -> (images: [Panel], errors: [Panel]) {
    let box = isDetail ? detail : box
    let voxel = isDetail ? SIMD3(self.voxel.x, self.voxel.y, detail.slices.lowerBound) : self.voxel
    let place =
      isDetail
      ? "detail of axial \(plane.position(voxel, in: truth))"
      : "\(plane.rawValue) \(plane.position(voxel, in: truth))"
    func panel(_ title: String, _ stack: Stack, _ what: String, _ tone: Panel.Tone = .intensity) -> Panel {
      Panel(
        title, view: plane.view(of: stack, through: voxel, in: box), tone: tone,
        description: "\(what), \(id), \(place)", marks: plane.marks)
    }
    let target = self.target.title
    var acquired = panel("\(target), acquired", truth, "acquired \(target)")
    acquired.outlines = lesions.map { [plane.view(of: $0, through: voxel, in: box)] } ?? []
    if plane == .axial && !isDetail { acquired.frame = (detail, box) }
    let given = sources.map { panel($0.modality.title, $0.stack, $0.modality.title) }
    let made = predictions.map {
      panel($0.name, $0.stack, "\(target) synthesised by \($0.name)")
    }
    let wrong = zip(predictions, errors).map {
      panel($0.name, $1, "absolute error of \($0.name)", .error(scale: scale))
    }
    return (given + [acquired] + made, wrong)
  }

  // MARK: - HTML

  /// - Parameter planes: those shown whole; the detail is always axial.
  func html(scale: Float, caption: String, planes: [Plane] = Plane.allCases) throws -> HTML {
    let columns = sources.count + 1 + predictions.count
    return try HTML.montage(caption, columns: columns) {
      for plane in planes {
        try rows(
          "\(plane.title), \(plane.position(voxel, in: truth))",
          panels(plane, scale: scale), scale, isFirst: plane == planes.first)
      }
      try rows(detailTitle, panels(.axial, isDetail: true, scale: scale), scale, isFirst: false)
    }
  }

  private var detailTitle: String {
    let size = Int((Double(detail.columns.count) * truth.spacing.x).rounded())
    let what = focus.isLesion ? "the largest lesion" : "the largest error"
    return "Detail, \(size) mm around \(what)"
  }

  private func rows(
    _ title: String, _ panels: (images: [Panel], errors: [Panel]), _ scale: Float, isFirst: Bool
  ) throws -> HTML {
    try HTML {
      HTML("h4", ["class": "plane"]) { title }
      for panel in panels.images { try panel.cell(isFirst: isFirst) {} }
      HTML("div", ["class": "cell colourbar", "style": "grid-column:span \(sources.count + 1)"]) {
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
