import Foundation
import Imaging
import Metrics

/// How far a model can be relied on for one patient: each given contrast is hidden in turn and predicted from the rest, and
/// what was predicted is compared with what was acquired.
///
/// Both are brought to their own foreground's scale (`ForegroundScale`) over the compared voxels, which are the foreground of
/// any of the given contrasts where there is brain (`HeadOutline`), in planes spread evenly over that: face and neck, which
/// models make badly, and nobody asks for, do not count.
public struct Verification: Codable, Sendable, Equatable {
  /// One hidden contrast.
  public struct Hidden: Codable, Sendable, Equatable {
    public var modality: Modality
    /// 10 log10(variance / mean squared error) in dB: 0 is a constant image.
    public var decibels: Double
    public var correlation: Double
    /// Another contrast that the scan is much more like than what it is called.
    public var looksLike: Modality?

    package init(modality: Modality, decibels: Double, correlation: Double, looksLike: Modality?) {
      (self.modality, self.decibels) = (modality, decibels)
      (self.correlation, self.looksLike) = (correlation, looksLike)
    }
  }

  /// Scans that fit better otherwise: two under each other's name, or one that is turned over, left to right.
  public struct Misfit: Codable, Sendable, Equatable {
    public var modalities: [Modality]
    /// What the reliability is so, in dB.
    public var reliability: Double
  }

  public var hidden: [Hidden]
  /// Nil where the names fit, or no other ones fit much better.
  public var exchange: Misfit?
  /// The scan that fits much better turned over, or of two both; nil where none does.
  public var mirror: Misfit?

  public init(hidden: [Hidden]) { self.hidden = hidden }

  /// The mean over the hidden contrasts, in dB.
  public var reliability: Double { hidden.reduce(0) { $0 + $1.decibels } / Double(hidden.count) }

  /// The lowest reliability at which a model goes on unasked, in dB.
  public static let level = 0.0
  /// Below this a reader is warned.
  static let low = 1.0
  /// Planes that are looked at, at the most.
  static let planes = 12
  /// By how much another contrast's prediction must be nearer to a scan before it is taken for that, in dB.
  static let likeness = 3.0
  /// By how much two scans' names must fit better the other way round before they are taken for exchanged, in dB. Of 29
  /// real people, named as they are, none was taken so; of T1 and FLAIR exchanged most were, but not of elderly people with no
  /// other contrast.
  static let exchange = 2.0
  /// Where no contrast is predicted worse than this, in dB, names are not tried the other way round.
  static let suspicion = 2.0

  /// Why the model should not be used unasked; nil where nothing speaks against it.
  public var doubt: String? {
    func instead(_ misfit: Misfit) -> String {
      "the given scans predict each other at "
        + String(format: "%.1f dB in place of %.1f", misfit.reliability, reliability)
    }
    if let mirror, mirror.reliability > exchange?.reliability ?? -.infinity {
      let names = mirror.modalities.map(\.title).joined(separator: " and ")
      let what =
        mirror.modalities.count > 1 ? "look mirrored to each other" : "looks mirrored against the others"
      return "\(names) \(what), left to right: turned over, \(instead(mirror))"
    }
    if let exchange {
      let names = exchange.modalities.map(\.title).joined(separator: " and ")
      return "the scans given as \(names) look exchanged: named the other way round, \(instead(exchange))"
    }
    return reliability >= Verification.level
      ? nil
      : "the model is unreliable for this patient: hidden in turn, the given scans were predicted at \(words), where 0 dB is a "
        + "constant image; are they of one person, and is each named for what it shows?"
  }

  /// `reliability 3.2 dB (FLAIR 2.1, T1 4.3)`
  public var words: String {
    let each = hidden.map { "\($0.modality.title) " + String(format: "%.1f", $0.decibels) }
    return String(format: "%.1f dB", reliability) + " (\(each.joined(separator: ", ")))"
  }

  /// What is said where there is nothing to predict a scan from.
  static let ofOneScan =
    "one scan alone cannot be verified: nothing tells whether it is named for what it shows, or how far the model can be relied on"

  /// What a reader should be warned of, one sentence each.
  public var warnings: [String] {
    let likenesses = hidden.compactMap { one in
      one.looksLike.map {
        "the scan given as \(one.modality.title) looks like \($0.title): is each scan named for what it shows?"
      }
    }
    let bad = hidden.filter { $0.decibels < Verification.level }.map(\.modality)
    guard doubt == nil, !bad.isEmpty || reliability < Verification.low else { return likenesses }
    let what =
      bad.isEmpty
      ? "the given scans hardly predict each other"
      : "\(bad.titles) would be worse predicted from the others than by a constant image"
    return likenesses + ["\(what) (\(words)): what is made may be as far off"]
  }
}

extension PatientPass {
  /// Hides each of the given images in turn, and tries their names the other way round and each of them turned over where one is
  /// predicted badly; nothing where there are fewer than two.
  /// - Parameters:
  ///   - limits: of each image what its foreground lies above.
  ///   - window: in which the images are seen.
  ///   - outline: of the images.
  ///   - gaps: what of them was not acquired, on which nothing is verified.
  ///   - areRegistered: whether they came onto one grid by the motion that was found between them.
  ///   - progress: passes through the network, done and in all, of each hidden image and of each trial anew; what it throws
  ///     ends it.
  ///   - begins: is told which, in words.
  func verify(
    _ images: [Volume?], limits: [Float?], of window: PatientWindow, within outline: HeadOutline,
    without gaps: ScanGaps? = nil,
    registered areRegistered: Bool = false, batchSize: Int, progress: (Int, Int) throws -> Void,
    begins: (String) throws -> Void
  ) throws -> Verification? {
    guard let grid = images.lazy.compactMap({ $0?.grid }).first else { return nil }
    let brain = outline.brain(on: grid)
    let all = try hideEach(images, limits, brain: brain, without: gaps, batchSize: batchSize) {
      hidden, _, done, total in
      if done == 0 { try begins("verifying \(hidden.title)") } else { try progress(done, total) }
    }
    guard var found = all else { return nil }
    guard found.hidden.contains(where: { $0.decibels < Verification.suspicion }) else { return found }
    let sources = card.scenario.sources
    let given = sources.indices.filter { images[$0] != nil }
    /// What the scans are said to be otherwise, if they fit much better so, and better than a constant image.
    func misfit(
      _ images: [Volume?], _ limits: [Float?], _ gaps: ScanGaps?, _ modalities: [Modality],
      over best: Verification.Misfit?
    ) throws -> Verification.Misfit? {
      let other = try hideEach(images, limits, brain: brain, without: gaps, batchSize: batchSize) {
        _, before, done, total in
        if done > 0 { try progress(before * total + done, given.count * total) }
      }
      let least = best?.reliability ?? max(Verification.level, found.reliability + Verification.exchange)
      guard let other, other.reliability > least else { return best }
      return Verification.Misfit(modalities: modalities, reliability: other.reliability)
    }
    for (place, first) in given.enumerated() {
      for second in given[(place + 1)...] {
        var (exchanged, otherLimits) = (images, limits)
        exchanged.swapAt(first, second)
        otherLimits.swapAt(first, second)
        try begins("trying \(sources[first].title) and \(sources[second].title) exchanged")
        found.exchange = try misfit(
          exchanged, otherLimits, gaps?.exchanging(first, second), [sources[first], sources[second]],
          over: found.exchange)
      }
    }
    // Of two it is all the same which is turned over.
    let turned = given.count == 2 ? [given[1]] : given
    for source in turned {
      var mirrored = images
      mirrored[source] = images[source].map(window.mirrored)
      if areRegistered, let turned = mirrored[source],
        let fixed = given.first(where: { $0 != source }).flatMap({ images[$0] }),
        let motion = try? RigidRegistration(of: turned, to: fixed).motion
      {
        // It was brought to where it seemed to lie, and would have been turned over too.
        mirrored[source] = turned.brought(to: turned.grid, by: motion)
      }
      try begins("trying \(sources[source].title) mirrored")
      found.mirror = try misfit(
        mirrored, limits, gaps, given.count == 2 ? given.map { sources[$0] } : [sources[source]],
        over: found.mirror)
    }
    return found
  }

  /// - Parameter progress: which is hidden, how many were before, and passes through the network, done and in all; none are done
  ///   where it begins.
  private func hideEach(
    _ images: [Volume?], _ limits: [Float?], brain: [Bool], without gaps: ScanGaps? = nil, batchSize: Int,
    progress: (_ hidden: Modality, _ before: Int, _ done: Int, _ total: Int) throws -> Void
  ) throws -> Verification? {
    let sources = card.scenario.sources
    let given = sources.indices.filter { images[$0] != nil }
    guard given.count > 1, let size = images[given[0]]?.dimensions else { return nil }
    let area = size.x * size.y
    func isForeground(_ voxel: Int) -> Bool {
      brain[voxel]
        && given.contains { (images[$0]?.voxels[voxel] ?? 0) > (limits[$0] ?? ForegroundScale.seen) }
    }
    let counts = (0..<size.z).map { plane in
      (plane * area..<(plane + 1) * area).count(where: isForeground)
    }
    // The ends of a head hold little, and often nothing that was acquired well.
    let enough = (counts.max() ?? 0) / 3
    let filled = counts.indices.filter { counts[$0] > enough }
    let number = min(Verification.planes, filled.count)
    guard number > 0 else { return nil }
    let planes = (0..<number).map { filled[(2 * $0 + 1) * filled.count / (2 * number)] }
    let all = planes.flatMap { $0 * area..<($0 + 1) * area }.filter(isForeground)
    let seen = withoutRims(all, of: given.compactMap { images[$0] }, planes)
    var hidden: [Verification.Hidden] = []
    for (before, index) in given.enumerated() {
      let gap = gaps?.bySource[index]?.voxels
      let voxels = gap.map { gap in seen.filter { !gap[$0] } } ?? seen
      func scaled(_ volume: Volume) -> [Float]? {
        let values = voxels.map { volume.voxels[$0] }
        return ForegroundScale.of(values).map { scale in values.map { $0 / Float(scale) } }
      }
      let mask = [Bool](repeating: true, count: voxels.count)
      guard let truth = images[index].flatMap(scaled) else { continue }
      try progress(sources[index], before, 0, 0)
      var rest = images
      rest[index] = nil
      var pass = self.pass(over: rest, making: Array(sources.indices))
      try pass.run(predictor, batchSize: batchSize, planes: planes) {
        try progress(sources[index], before, $0, $1)
      }
      let fits = pass.takeOutputs().map { made in scaled(made).map { Agreement($0, truth, inside: mask) } }
      // What is empty where the scan is not is no better than a constant image, whatever it would be called.
      let own = fits[index] ?? Agreement([Float](repeating: 0, count: truth.count), truth, inside: mask)
      let best = sources.indices.filter { $0 != index }.max {
        (fits[$0]?.decibels ?? -.infinity) < (fits[$1]?.decibels ?? -.infinity)
      }
      let other = best.flatMap { fits[$0]?.decibels } ?? -.infinity
      let isOther = own.decibels < 0 && other > max(0, own.decibels + Verification.likeness)
      hidden.append(
        Verification.Hidden(
          modality: sources[index], decibels: max(own.decibels, -99),
          correlation: own.correlation.isFinite ? own.correlation : 0,
          looksLike: isOther ? best.map { sources[$0] } : nil))
    }
    return hidden.isEmpty ? nil : Verification(hidden: hidden)
  }

  /// Places without those at which some scan is 0 from there to the border of its plane, along the row or along the column: brains
  /// that were cut out by masks of their own differ by their rims, of which nothing can be predicted. Where that is most of all,
  /// it is no rim, and counts.
  private func withoutRims(_ places: [Int], of images: [Volume], _ planes: [Int]) -> [Int] {
    guard let size = images.first?.dimensions else { return places }
    var isOutside = [Bool](repeating: false, count: size.x * size.y * size.z)
    let lines = VoxelLine.all(of: size).filter {
      $0.axis < 2 && planes.contains($0.start / (size.x * size.y))
    }
    for image in images { image.markZeros(atEndsOf: lines, in: &isOutside) }
    let inside = places.filter { !isOutside[$0] }
    return 2 * inside.count > places.count ? inside : places
  }
}
