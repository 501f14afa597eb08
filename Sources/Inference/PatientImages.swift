import Failures
import Files
import Foundation
import Imaging

/// A patient's volumes as a model takes them: on one grid, checked, scaled, in LPS order.
struct PatientImages {
  /// Of each that is given, in the model's order: the intensity that became 1 and the share of voxels above it.
  let scales: [(modality: Modality, scale: IntensityScale)]
  /// What the voxels betray, and how far they are from what the model was trained on; one sentence each.
  let findings: [String], voxelNotes: [String]
  /// Of scans whose shading was taken out, how many times brighter it made the brightest parts than the darkest.
  let shading: [Modality: Double]
  /// Why they are none that the model is for, one clause each.
  let doubts: [String]
  /// What speaks for T1 and T1Gd being under each other's names; of models of one target it is a finding.
  let exchange: String?
  /// What is seen of them, and in which planes.
  let window: PatientWindow
  let views: [HeadView]
  /// By source of the model; nothing for those that are not given.
  private(set) var images: [Volume?]
  /// Of each what its foreground lies above, whatever the rule by which it was scaled; nothing for those that are not given.
  let limits: [Float?]
  /// Of the reference, the first of the model's sources that is given.
  private let orientation: Orientation

  /// - Parameter volumes: one per source modality of the card, or some of them where it makes those that are missing; the
  ///   names are paths.
  ///   - biasField: of models of heads, what is done about shading.
  ///   - doubting: is told of doubts that headers raise before anything takes memory.
  /// - Throws: `.inconsistent` for a modality that is missing or not taken and where grids differ (with the mismatch in
  ///   mm), `.malformed` for volumes that cannot be scaled or that no network should see (`ScanCheck`); what `doubting` throws.
  init(
    _ volumes: consuming [Modality: (name: String, volume: Volume)], for card: ModelCard,
    biasField: BiasFieldRule = .keep,
    doubting: ([String]) throws -> Void = { _ in }
  ) throws {
    var inputs = try card.ordered(volumes)
    volumes = [:]
    let grids = inputs.compactMap { $0.map { (name: $0.name, grid: $0.volume.grid) } }
    try grids.checkAlike()
    for (name, grid) in grids { try grid.checkSize(name: name) }
    let reference = grids[0].grid
    orientation = Orientation(of: reference.affine)
    let own = reference.reoriented(to: .lps)
    let doubtsOfVoxels = PatientImages.doubts(ofVoxels: own, card)
    try doubting(doubtsOfVoxels)
    let isOfHeads = card.isOfHeads
    var window = PatientWindow(own, trainedAt: card.trainedVoxel)
    let views = HeadView.all(of: own, for: card)
    var scales: [(modality: Modality, scale: IntensityScale)] = []
    var (checks, found): ([Modality: ScanCheck], [ScanCheck.Finding]) = ([:], [])
    var shading: [Modality: Double] = [:]
    if isOfHeads { shading = PatientImages.clean(&inputs, of: card.scenario.sources, biasField, &found) }
    images = []
    var limits: [Float?] = []
    for modality in card.scenario.sources {
      // Out of the list, so that a volume in LPS order is scaled in place and any other goes once it is turned.
      guard case (let name, var image)? = inputs.removeFirst() else {
        images.append(nil)
        limits.append(nil)
        continue
      }
      // Axes between two of the patient's are named by a hair; those of one grid are one whichever.
      if image.grid.matches(reference) { image.affine = reference.affine }
      image = image.reoriented(to: .lps)
      let check = try ScanCheck(image, path: name, name: Path.name(name))
      for (earlier, _) in scales { found += checks[earlier]?.findings(with: check) ?? [] }
      found += check.findings
      checks[modality] = check
      let scale = try card.intensityRule.scale(of: image.voxels, name: name)
      scales.append((modality, scale))
      scale.normalise(inPlace: &image.voxels)
      limits.append(card.intensityRule.foregroundLimit(of: image.voxels))
      images.append(window.resized(image))
    }
    let exchange = checks[.t1].flatMap { checks[.t1gd]?.exchanged(with: $0) }
    if card.scenario.target == .missing {
      let first = zip(images.compactMap { $0 }, limits.compactMap { $0 }).first { _ in true }
      let others = found.filter(\.isDoubt).map(\.text).unique
      found.removeAll(where: \.isDoubt)
      doubts = doubtsOfVoxels + others + (first.map(PatientImages.doubts(ofSize:above:)) ?? [])
      self.exchange = exchange?.text
    } else {
      (doubts, self.exchange) = ([], nil)
      found += exchange.map { [$0] } ?? []
    }
    if isOfHeads {
      window.close(around: images.compactMap { $0 })
      for index in images.indices { images[index] = images[index].map(window.cropped) }
      voxelNotes = window.notes
    } else {
      voxelNotes = PatientImages.voxelNotes(own, card)
    }
    (self.scales, self.window, self.views, self.limits) = (scales, window, views, limits)
    findings = ScanCheck.lines(found)
    self.shading = shading
  }

  /// Puts air of one value to 0, and takes out what makes slices brighter and darker by turns, and shading.
  /// - Returns: of scans whose shading was taken out, how strong it was.
  private static func clean(
    _ inputs: inout [(name: String, volume: Volume)?], of sources: [Modality], _ rule: BiasFieldRule,
    _ found: inout [ScanCheck.Finding]
  ) -> [Modality: Double] {
    for place in inputs.indices {
      guard let name = inputs[place]?.name else { continue }
      if let volume = inputs[place]?.volume, !volume.voxels.isEmpty {
        found += ScanCheck.finding(ofLabelsIn: volume, name: Path.name(name)).map { [$0] } ?? []
      }
      if let air = inputs[place]?.volume.clearConstantAir() {
        found.append(ScanCheck.finding(ofConstantAir: air, name: Path.name(name)))
      }
      if let interleaving = inputs[place]?.volume.interleaving {
        inputs[place]?.volume.even(out: interleaving)
        found.append(ScanCheck.finding(of: interleaving, name: Path.name(name)))
      }
    }
    var shading: [Modality: Double] = [:]
    for (place, field) in rule.fields(of: inputs.map { $0?.volume }).enumerated() {
      guard let field, let name = inputs[place]?.name else { continue }
      inputs[place]?.volume.correct(by: field)
      shading[sources[place]] = field.range
      found.append(ScanCheck.finding(ofShading: field.range, name: Path.name(name)))
    }
    return shading
  }

  /// 1 where any of them shows something, 0 in air; in LPS order.
  var foreground: Volume {
    guard var found = images.lazy.compactMap({ $0 }).first else {
      preconditionFailure("the images were taken")
    }
    for voxel in found.voxels.indices { found.voxels[voxel] = 0 }
    for case (let image?, let limit?) in zip(images, limits) {
      for voxel in found.voxels.indices where image.voxels[voxel] > limit { found.voxels[voxel] = 1 }
    }
    return found
  }

  /// What was made of them, on the grid that they came on.
  func restored(_ volume: Volume) -> Volume { window.restored(volume).reoriented(to: orientation) }

  /// The volumes, whose memory is the caller's from now on.
  mutating func take() -> [Volume?] {
    defer { images = [] }
    return images
  }

  /// Puts them back.
  mutating func put(_ images: [Volume?]) { self.images = images }

  /// Takes away what the model is not shown.
  mutating func withhold(_ modalities: [Modality], of sources: [Modality]) {
    for (place, source) in sources.enumerated() where modalities.contains(source) { images[place] = nil }
  }

  private static func voxelNotes(_ grid: Grid, _ card: ModelCard) -> [String] {
    let (spacing, trained) = (grid.affine.spacing, card.spacing)
    guard trained.count == 3 else { return [] }
    func isFar(_ axis: Int) -> Bool { !(0.8...1.25).contains(spacing[axis] / trained[axis]) }
    func mm(_ a: Double, _ b: Double) -> String { String(format: "%.2f x %.2f mm", a, b) }
    var notes: [String] = []
    if isFar(0) || isFar(1) {
      notes.append(
        "slices have voxels of \(mm(spacing.x, spacing.y)), the model was trained at \(mm(trained[0], trained[1])); expect worse"
      )
    }
    // What sees slices one by one does not know how far they are apart.
    if card.region != .slice, isFar(2) {
      notes.append(
        String(
          format: "slices lie %.2f mm apart, the model was trained at %.2f mm; expect worse", spacing.z,
          trained[2]))
    }
    return notes
  }

  /// Whether a model of heads knows voxels as large, in one of the planes that it sees: computed heads or its own cohort have none
  /// that are larger.
  /// - Parameter own: in LPS order.
  static func doubts(ofVoxels own: Grid, _ card: ModelCard) -> [String] {
    guard card.isOfHeads else { return [] }
    let sides = HeadView.all(of: own, for: card).map { $0.sides(of: own.affine.spacing) }
      .min { $0.max() < $1.max() }
    let largest = max(PatientImages.largestVoxel, card.planeSpacing.max())
    guard let sides, sides.max() > 1.05 * largest else { return [] }
    return [
      String(
        format:
          "has voxels of %.1f x %.1f mm in its planes, and the model was trained on no larger than %g mm",
        sides.x, sides.y, largest)
    ]
  }

  /// What a scan of a person's head is not like.
  private static func doubts(ofSize image: Volume, above limit: Float) -> [String] {
    let litres = image.litres(above: limit)
    guard !PatientImages.head.contains(litres) else { return [] }
    let words = String(
      format: "shows %.3g litres, where a person's head or brain, or a part of one, has %g to %g", litres,
      PatientImages.head.lowerBound, PatientImages.head.upperBound)
    // A few that are far brighter than all others set the scale, and the head is dark beside them.
    let few = image.voxels.count { $0 > limit }
    let isHot = litres < PatientImages.head.lowerBound && 1000 * few < image.voxels.count { $0 > 0 }
    return [isHot ? "\(words): beside \(few) far brighter voxels all else is dark; clip those" : words]
  }

  /// Litres of foreground: from a few thick slices of a brain to a head with the neck.
  static let head = 0.15...9
  /// In the plane, in mm.
  static let largestVoxel = 2.0
}

extension [(name: String, grid: Grid)] {
  /// - Throws: `.inconsistent` where voxels of volumes lie elsewhere, in whatever order, with the mismatch in mm.
  package func checkAlike() throws {
    guard let reference = first else { return }
    for other in dropFirst() where !other.grid.isSame(as: reference.grid) {
      guard let mismatch = other.grid.mismatch(with: reference.grid) else { continue }
      throw Failure(
        .inconsistent,
        "\(other.name) and \(reference.name) are not on one grid: \(mismatch); \(Term.registers) or \(Term.resamples) brings them onto one"
      )
    }
  }
}

extension ModelCard {
  /// Of the voxels that it was trained at, in the plane, in mm.
  fileprivate var planeSpacing: SIMD2<Double> {
    spacing.count == 3 ? SIMD2(spacing[0], spacing[1]) : SIMD2(1, 1)
  }

  /// By which rule the model's images are scaled.
  package var intensityRule: IntensityRule { rule ?? .percentile }

  /// Whether the model was learned from computed heads, or went on from one that was, and so knows heads on the scale of their foreground.
  package var isOfHeads: Bool { scenario.target == .missing && intensityRule == .foreground }

  /// Voxels in the plane, in mm, that planes must have nearly, where it takes images as heads; nil where any will do.
  var trainedVoxel: SIMD2<Double>? { isOfHeads ? planeSpacing : nil }

  /// What there is of each source, in the model's channel order; nothing only where the model makes what is missing.
  /// - Throws: `.inconsistent` for a modality that is missing or not taken, and where there is none at all.
  package func ordered<Input>(_ inputs: [Modality: Input]) throws -> [Input?] {
    let wanted = scenario.sources
    let isSubset = scenario.target == .missing
    let takes = "the model takes \(isSubset ? "any of " : "")\(wanted.titles)"
    for modality in Modality.allCases where inputs[modality] != nil && !wanted.contains(modality) {
      throw Failure(.inconsistent, "\(Term.scan(modality.rawValue)): \(takes), not \(modality.title)")
    }
    guard !isSubset || !inputs.isEmpty else {
      throw Failure(.inconsistent, "there is no scan of the patient: \(takes)")
    }
    return try wanted.map { modality in
      guard inputs[modality] != nil || isSubset else {
        throw Failure(.inconsistent, "\(Term.scan(modality.rawValue)) is missing: \(takes)")
      }
      return inputs[modality]
    }
  }
}
