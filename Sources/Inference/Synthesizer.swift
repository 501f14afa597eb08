import Failures
import Imaging
import Methods
import Torch

/// A trained method applied to one patient's volumes: the missing modality, or those that are missing, on the reference input's
/// own grid.
public struct Synthesizer {
  /// How the result's intensities are expressed.
  public enum Intensity: Sendable, Equatable {
    /// As the network sees images: 1 is the 99.5th percentile of a volume; of a model whose images are scaled by their
    /// foreground, the scale of the result's own foreground (`ForegroundScale`).
    case unit
    /// The training cohort's scale undone: times the median intensity that stood for 1 in the target modality.
    case reference
    /// The foreground's scale is that of another scan's, which has a name.
    case like(name: String, scale: Double)
  }

  private let whole: PatientPass
  /// Whether each given contrast is hidden and predicted first, where a model can do that.
  public var verifies = true
  /// Whether, where `verifies` says so, it is looked whether the scans show the head in one place; they need not have been registered.
  public var looksForMotion = true
  /// Whether scans came onto one grid by the motion that was found between them.
  public var areRegistered = false
  /// Whether a patient whom the model is not for, or for whom it is unreliable, is gone on with.
  public var acceptsDoubts = false
  /// Whether a model that knows heads in other planes too sees axial ones alone, which takes less time.
  public var isAxialAlone = false
  /// What a model of heads does about scans that their coils shaded.
  public var biasField = BiasFieldRule.automatic
  /// What the model is better not shown.
  public var withholdings: [Withholding] = []

  public init(_ method: any Method, card: ModelCard, device: Device) {
    whole = PatientPass(method, card: card, device: device)
  }

  public var card: ModelCard { whole.card }

  private var pass: PatientPass {
    var pass = whole
    if isAxialAlone { pass.card.planes = nil }
    return pass
  }

  /// What was made, and what a careful reader wants to know of it.
  public struct Result: Sendable {
    /// A contrast that was made.
    public struct Image: Sendable {
      public var modality: Modality
      /// On the reference's grid.
      public var volume: Volume
      /// Factor from the network's intensities to the volume's.
      public var scale: Double
      /// Of the given contrasts those that the model was not shown for it.
      public var withheld: [Modality]
    }

    /// In the model's order.
    public var images: [Image]
    /// Shares of voxels that the network put below 0 or above the largest that images have and that were brought to the border:
    /// of those of the head, where what lies around it is left at 0, else of all.
    public var clippedBelow: Double
    public var clippedAbove: Double
    /// Per source: the intensity that became 1 and the share of voxels above it.
    public var sources: [(modality: Modality, scale: IntensityScale)]
    /// Of sources whose shading was taken out, how many times brighter it made the brightest parts than the darkest.
    public var shading: [Modality: Double]
    /// Whether the scans show a brain without its skull; nil where that was not looked at.
    public var isStripped: Bool?
    /// The planes that it was seen in; what was made is the mean of them.
    public var planes: [HeadPlane]
    /// Slices without any signal in any source, left at 0: of the first of the planes.
    public var emptySlices: Int
    /// What hiding each source in turn told; nil where that was not done.
    public var verification: Verification?
    /// What the user should know, one sentence each.
    public var notes: [String]
    /// Of these, why the patient would have been refused, where that was gone on with.
    public var overruled: [String] = []

    /// The first of the images, which is the only one of most models.
    public var volume: Volume { images[0].volume }
    public var scale: Double { images[0].scale }
  }

  /// What synthesising will take at the most, with what `verifies` asks for.
  /// - Parameters:
  ///   - grid: of the volumes, in LPS order.
  ///   - given: what there is; nil for all sources of the model.
  ///   - targets: as those of the synthesis itself.
  /// - Throws: `.usage` for targets that are given or that the model does not make; `.refused` for voxels that the model is not
  ///   for; `.limit` where memory cannot do.
  public func estimate(
    of grid: Grid, given: Set<Modality>? = nil, targets: [Modality]? = nil, batchSize: Int = 2
  ) throws -> Estimate {
    let scenario = card.scenario
    guard scenario.target == .missing else {
      return try pass.estimate(
        of: grid, given: scenario.sources.count, made: pass.predictor.method.outputs, verifies: false,
        batchSize: batchSize)
    }
    let given = given ?? Set(scenario.sources)
    _ = try accepted(patients: PatientImages.doubts(ofVoxels: grid, pass.card))
    let made = try card.targets(targets, given: given)
    return try pass.estimate(
      of: grid, given: given.count, made: made.count, verifies: verifies,
      rounds: rounds(made, given: given).rounds.count, batchSize: batchSize)
  }

  /// Synthesises.
  ///
  /// Volumes are checked, brought to LPS order, scaled by the card's rule, cut into axial slices, centred on the
  /// training slices' size where they are smaller, and put back without loss. A network of volumes sees patches that
  /// overlap by half, and their images are blended without a seam (`PatchAxis`). Slices and patches go through in batches,
  /// so memory is bounded: four bytes a voxel for each source and for two volumes more, plus one batch; of several planes
  /// twice as much. That holds where the caller hands over its only reference to the volumes.
  ///
  /// What a scan does not show of a head that others show, a model of heads computes first (`ScanGaps`).
  ///
  /// A model of whatever is missing takes any of its sources. Of their planes it sees the head alone, at voxels of about 1 mm
  /// where theirs are far from that (`PatientWindow`), and where it knows others than axial ones it sees them in each (`HeadView`).
  /// - Parameters:
  ///   - volumes: one per source modality of the card, on one grid; the names are paths.
  ///   - targets: the contrasts to make; nil for all that the model makes of what is missing.
  ///   - batchSize: slices or patches at a time.
  ///   - progress: slices or patches done, of how many; where one takes several passes through the network, those. What
  ///     it throws ends the synthesis.
  ///   - verifying: the same while sources are hidden, of each anew.
  ///   - begins: is told in words what begins, of which progress is then shown: `verifying T1`, `synthesising`.
  /// - Throws: `.inconsistent` for a modality that is missing or not taken and where grids differ (with the mismatch in
  ///   mm), `.malformed` for volumes that cannot be scaled or that no network should see (`ScanCheck`), `.usage` for targets
  ///   that are given or that the model does not make and for a scale of reference that the model does not know, `.refused` for a
  ///   patient whom the model is not for, `.numerical` where the network gives NaN.
  public func callAsFunction(
    _ volumes: consuming [Modality: (name: String, volume: Volume)], targets: [Modality]? = nil,
    intensity: Intensity = .unit, batchSize: Int = 2,
    progress: (Int, Int) throws -> Void = { _, _ in }, verifying: (Int, Int) throws -> Void = { _, _ in },
    begins: (String) throws -> Void = { _ in }
  ) throws -> Result {
    let targets = try card.targets(targets, given: Set(volumes.keys))
    let (rounds, withholding) = rounds(targets, given: Set(volumes.keys))
    try check(intensity, for: targets)
    let pass = pass
    var inputs = try PatientImages(volumes, for: pass.card, biasField: biasField) {
      _ = try accepted(patients: $0)
    }
    volumes = [:]
    let drawn = (pass.predictor.method.sampling?.description).map { ["drawn by \($0)"] } ?? []
    var notes = inputs.findings + drawn + inputs.voxelNotes + withholding
    var overruled = try accepted(patients: inputs.doubts)
    notes += overruled
    let displaced = verifies && looksForMotion ? try inputs.displaced(begins: begins) : []
    notes += displaced
    let isVerified = verifies && card.scenario.target == .missing
    let outline =
      isVerified || card.isOfHeads
      ? HeadOutline(inputs.images.compactMap { $0 }, limits: inputs.limits.compactMap { $0 }) : nil
    var gaps: ScanGaps?
    if card.isOfHeads, let outline {
      gaps = try pass.fillGaps(
        of: &inputs, within: outline, batchSize: batchSize, progress: verifying, begins: begins)
      notes += gaps?.notes(of: card.scenario.sources) ?? []
    }
    var verification: Verification?
    if isVerified, let outline {
      verification = try pass.verify(
        inputs.images, limits: inputs.limits, of: inputs.window, within: outline, without: gaps,
        registered: areRegistered, batchSize: batchSize,
        progress: verifying,
        begins: begins)
      notes += verification?.warnings ?? []
      if inputs.scales.count == 1 { notes.append(Verification.ofOneScan) }
    }
    // Another exchange, as of T1 and FLAIR, looks like one of T1 and T1Gd too.
    let exchange = verification?.exchange == nil ? inputs.exchange : nil
    // What is turned over seems to be displaced too, and is not put right by moving it.
    let causes = verification?.mirror == nil ? displaced : []
    let doubts = try accepted([exchange, verification?.doubt].compactMap { $0 }, perhaps: causes)
    overruled += doubts
    notes += doubts
    try begins("synthesising")
    let planes = inputs.views.map(\.plane)
    // Of what is made in one round nothing is kept but what comes out.
    let shown = rounds.count > 1 ? inputs.images : []
    var images: [Modality: Result.Image] = [:]
    var (below, above, empty) = (0.0, 0.0, 0)
    for (number, round) in rounds.enumerated() {
      if number > 0 { inputs.put(shown) }
      inputs.withhold(round.withheld, of: card.scenario.sources)
      let channels = round.targets.compactMap { card.scenario.made.firstIndex(of: $0) }
      var made = try pass.run(
        &inputs, making: channels, within: card.isOfHeads ? outline : nil, batchSize: batchSize
      ) { try progress(number * $1 + $0, rounds.count * $1) }
      let share = Double(round.targets.count) / Double(targets.count)
      below += share * made.clippedBelow
      above += share * made.clippedAbove
      if number == 0 { empty = made.emptySlices }
      for target in round.targets {
        var volume = made.volumes.removeFirst()
        let scale = factor(of: volume, as: target, intensity)
        if scale != 1 {
          let factor = Float(scale)
          for index in volume.voxels.indices { volume.voxels[index] *= factor }
        }
        images[target] = Result.Image(
          modality: target, volume: volume, scale: scale, withheld: round.withheld)
      }
    }
    return Result(
      images: targets.compactMap { images[$0] }, clippedBelow: below, clippedAbove: above,
      sources: inputs.scales, shading: inputs.shading, isStripped: outline?.isStripped, planes: planes,
      emptySlices: empty,
      verification: verification,
      notes: notes, overruled: overruled)
  }

  /// The same of what is said of the patient's volumes.
  private func accepted(patients doubts: [String]) throws -> [String] {
    try accepted(doubts.map { "the patient's volume \($0)" })
  }

  /// - Parameter causes: what may be why.
  /// - Returns: the doubts, where they are accepted.
  private func accepted(_ doubts: [String], perhaps causes: [String] = []) throws -> [String] {
    if let first = doubts.first, !acceptsDoubts {
      throw Failure(
        .refused, ([first] + causes + ["\(Term.acceptsDoubts) goes on all the same"]).joined(separator: "; "))
    }
    return doubts
  }

  private func check(_ intensity: Intensity, for targets: [Modality]) throws {
    guard intensity == .reference, let target = targets.first(where: { card.scales[$0] == nil })
    else { return }
    throw Failure(
      .usage,
      "the model knows no scanner's scale of \(target.title); \(Term.intensity("like FILE")) takes that of any scan of "
        + "the contrast")
  }

  private func factor(of volume: Volume, as target: Modality, _ intensity: Intensity) -> Double {
    switch intensity {
    case .reference: card.scales[target] ?? 1
    case .unit where card.intensityRule == .percentile: 1
    case .unit: ForegroundScale.of(volume.voxels).map { 1 / $0 } ?? 1
    case .like(_, let scale): ForegroundScale.of(volume.voxels).map { scale / $0 } ?? 1
    }
  }
}

extension ModelCard {
  /// The contrasts that are made, in the model's order.
  /// - Parameters:
  ///   - wanted: nil for all that can be.
  ///   - given: what the patient has.
  /// - Throws: `.usage` for one that is given or that the model does not make, and where nothing is missing.
  package func targets(_ wanted: [Modality]?, given: Set<Modality>) throws -> [Modality] {
    let made = scenario.made
    for target in wanted ?? [] {
      guard made.contains(target) else {
        throw Failure(.usage, "\(target.title): the model makes \(made.titles)")
      }
      guard !given.contains(target) else {
        throw Failure(.usage, "\(target.title): is among the scans that are given; there is nothing to make")
      }
    }
    let targets = made.filter { target in
      wanted?.contains(target) ?? (scenario.target != .missing || !given.contains(target))
    }
    guard !targets.isEmpty else {
      throw Failure(.usage, "every contrast that the model makes is given; there is nothing to make")
    }
    return targets
  }
}
