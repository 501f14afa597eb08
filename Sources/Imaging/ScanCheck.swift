import Failures

/// What a careful person would want to hear of a scan before a network sees it: what its header says that no head has,
/// or intensities that contradict themselves.
///
/// Nothing here changes a voxel. What no network should see at all is refused; the rest are findings, each one line.
public struct ScanCheck: Sendable {
  /// One thing to be said of one file.
  public struct Finding: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
      // Of names.
      case named
      // Of the header.
      case computed, unplaced, placements, sform, qform, units, voxelSize, fieldOfView, spacings, scaling
      // Of the voxels.
      case shaded, interleaved, negative, background, noisyAir, saturated, fewValues, labels
      // Of two scans of one patient.
      case sameScan, apart, exchanged
    }

    public let kind: Kind
    /// The file.
    public let name: String
    /// The file's name and what is so, without a full stop.
    public let text: String

    /// Whether it speaks for the file being no scan that a model of heads can take.
    package var isDoubt: Bool { [.noisyAir, .labels].contains(kind) }

    init(_ kind: Kind, _ name: String, _ words: String) {
      (self.kind, self.name, text) = (kind, name, "\(name): \(words)")
    }
  }

  /// The file, as findings name it.
  public let name: String
  /// Findings of the voxels.
  public private(set) var findings: [Finding] = []
  let sample: VoxelSample

  /// Looks at the voxels: a few passes and a sample of 2^17 of them, sorted.
  ///
  /// - Parameter path: the file, for refusals; findings have its last part.
  /// - Throws: `malformed` for NaN or infinite voxels, voxels all alike (`Volume.check(name:)`), and where a fifth or more
  ///   of what stands out from the background lies below 0 (z-scores, -1 to 1): half of the head would be cut off.
  public init(_ volume: Volume, path: String, name: String) throws {
    try volume.check(name: path)
    self.name = name
    sample = VoxelSample(volume)
    let negative = sample.negativeShareOfContrast
    if negative >= 0.2 {
      if sample.lowest < -500 {
        throw malformed(
          "\(path): goes down to \(short(sample.lowest)), and \(percent(negative)) of what stands out from its background lies"
            + " below 0, as in a CT, for which no model here is; an MR scan would have to be given before it was normalised"
        )
      }
      throw malformed(
        "\(path): \(percent(negative)) of what stands out from its background lies below 0, as in z-scores or a scale"
          + " of -1 to 1, and would be lost; give the scan before it was normalised, or add a constant that brings the"
          + " background to 0")
    }
    findings = intensityFindings(volume)
  }

  /// That air had one value, and was put to 0 (`Volume.clearConstantAir`).
  package static func finding(ofConstantAir value: Float, name: String) -> Finding {
    Finding(.background, name, "its air has one value, \(short(value)), and was put to 0")
  }

  /// That a coil made parts of it brighter than others, and that this was taken out (`BiasField`).
  package static func finding(ofShading range: Double, name: String) -> Finding {
    Finding(
      .shaded, name,
      "is shaded by its coil, by a factor of \(short(Float(range))) from its darkest parts to its brightest; that was taken out"
        + " before the model saw it, and what is made is without it (\(Term.biasField("keep")) leaves it in)")
  }

  /// That slices were brighter and darker by turns, and that this was taken out (`Volume.interleaving`).
  package static func finding(of interleaving: Interleaving, name: String) -> Finding {
    Finding(
      .interleaved, name,
      "every other slice is brighter than those beside it, by \(percent(interleaving.ratio - 1)); that was taken out before the model"
        + " saw it")
  }

  /// That it is a label map, told before anything is put right in it; nil where it is none.
  package static func finding(ofLabelsIn volume: Volume, name: String) -> Finding? {
    let sample = VoxelSample(volume)
    return sample.distinct > 16 && sample.isPiecewiseConstant ? finding(ofLabels: name) : nil
  }

  private static func finding(ofLabels name: String) -> Finding {
    Finding(.labels, name, "holds regions of one whole number each, as a label map does; is it a scan?")
  }

  private func intensityFindings(_ volume: Volume) -> [Finding] {
    var found: [Finding] = []
    func say(_ kind: Finding.Kind, _ words: String) { found.append(Finding(kind, name, words)) }
    let upper = sample.upper
    guard upper > 0 else { return [] }
    // What is below 0 by no more than rounding changes nothing.
    let limit = -upper / 1000
    let below = sample.lowest < limit ? volume.voxels.share { $0 < limit } : 0
    if below > 0.01 {
      let constant =
        sample.lowestShare > below / 2 ? ", most of them a background of \(short(sample.lowest))" : ""
      say(.negative, "\(percent(below)) of its voxels lie below 0 and become 0\(constant)")
    }
    let corners = volume.cornerMedian
    if volume.hasNoisyAir {
      say(
        .noisyAir,
        "its air is noise over the whole range of intensities, as in the uniform image (UNI) of an MP2RAGE; give the one whose air"
          + " was made dark")
    } else if corners > 0.2 * upper {
      say(
        .background,
        "its background is not 0 but about \(short(corners)), where \(short(upper)) becomes 1; subtract it,"
          + " or expect worse")
    }
    if sample.distinct <= 16 {
      say(
        .fewValues,
        "holds no more than \(sample.distinct) different values, as a mask or a label map does; is it a scan?"
      )
    } else if sample.isPiecewiseConstant {
      found.append(ScanCheck.finding(ofLabels: name))
    } else if sample.highestShare > 0.02 {
      say(
        .saturated,
        "\(percent(sample.highestShare)) of its voxels have the largest value, \(short(sample.highest)): it was cut"
          + " off there")
    }
    return found
  }

  /// What two scans of one patient, in the same order of voxels, betray together.
  ///
  /// - Parameter sharesGrid: whether voxels of one index lie at one place.
  public func findings(with other: ScanCheck, sharesGrid: Bool = true) -> [Finding] {
    guard sample.dimensions == other.sample.dimensions else { return [] }
    if sample.isSame(as: other.sample) {
      return [Finding(.sameScan, other.name, "is the same scan as \(name), voxel by voxel")]
    }
    guard sharesGrid, let overlap = sample.overlap(with: other.sample), overlap < 0.2 else { return [] }
    return [
      Finding(
        .apart, other.name,
        "does not show the head where \(name) does, though their headers say so: register them, or see whether one is"
          + " shifted or turned")
    ]
  }

  /// Whether a scan that is said to be of after contrast medium is of before it: vessels, membranes and mucosa are brighter in
  /// the other.
  ///
  /// Of 26 real people, stripped and with skull, at least 2.6 times as much of the head was
  /// brighter by half in the later scan (4 to 16 %) as in the earlier.
  /// - Parameter before: said to be of before it, with voxels of one index at one place.
  public func exchanged(with before: ScanCheck) -> Finding? {
    guard sample.dimensions == before.sample.dimensions, let shares = sample.brighter(than: before.sample),
      shares.there > 0.015, shares.there > 2 * shares.here
    else { return nil }
    return Finding(
      .exchanged, name,
      "looks as before contrast medium and \(before.name) as after it: \(percent(shares.there)) of the head is brighter by half"
        + " or more in that, \(percent(shares.here)) in this; see whether they are exchanged")
  }

  /// Findings of many scans as a person reads them: a kind that more than three have is said once.
  public static func lines(_ findings: [Finding]) -> [String] {
    Finding.Kind.allCases.flatMap { kind -> [String] in
      let same = findings.filter { $0.kind == kind }
      guard same.count > 3 else { return same.map(\.text) }
      let others = same.dropFirst().prefix(4).map(\.name)
      let rest = same.count - 1 - others.count
      return [
        "\(same[0].text); likewise \(same.count - 1) others: \(others.joined(separator: ", "))"
          + (rest > 0 ? " and \(rest) more" : "")
      ]
    }
  }
}

func percent(_ share: Double) -> String {
  let value = share * 100
  return value < 10 ? "\((value * 10).rounded() / 10) %" : "\(Int(value.rounded())) %"
}

/// A number with no more places than help.
func short(_ value: Float) -> String {
  switch value.magnitude {
  case 0.01..<100: "\((value * 1000).rounded() / 1000)"
  case 100..<1e9: "\(Int(value.rounded()))"
  default: "\(value)"
  }
}

extension [Float] {
  fileprivate func share(_ isCounted: (Float) -> Bool) -> Double {
    var count = 0
    for value in self { count &+= isCounted(value) ? 1 : 0 }
    return Double(count) / Double(Swift.max(1, self.count))
  }
}
