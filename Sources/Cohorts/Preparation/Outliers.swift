import Foundation
import Imaging

/// Subjects that are unlike the rest of their cohort: what one wrong file looks like among many right ones.
///
/// A subject is named only where nearly all others agree: a cohort of many scanners says nothing.
struct Outliers {
  /// Fewer subjects than this have no "others" to be unlike.
  static let fewest = 6

  private let subjects: [CohortManifest.Subject]
  /// By subject and modality (in the manifest's order), the shape of the stored intensities.
  private let shapes: [[IntensityShape]]

  /// - Parameter modalities: of the cohort; subjects who lack one are compared with nobody.
  init(_ subjects: [CohortManifest.Subject], shapes: [[IntensityShape]], of modalities: [Modality]) {
    let complete = subjects.indices.filter { subjects[$0].lacking(modalities).isEmpty }
    (self.subjects, self.shapes) = (complete.map { subjects[$0] }, complete.map { shapes[$0] })
  }

  /// One line a subject.
  var notes: [String] {
    guard subjects.count >= Self.fewest else { return [] }
    let found = grids + scales + swaps
    return subjects.indices.compactMap { index in
      let own = found.filter { $0.subject == index }.map(\.what)
      return own.isEmpty
        ? nil : "\(subjects[index].id) is unlike its cohort: \(own.joined(separator: "; "))"
    }
  }

  private typealias Finding = (subject: Int, what: String)

  /// As many as may differ from all others and still be the exception.
  private var most: Int { max(1, subjects.count / 10) }

  // MARK: - Where voxels lie

  private var grids: [Finding] {
    func sides(_ values: [some Any]) -> String { values.map { "\($0)" }.joined(separator: "x") }
    let exact =
      odd({ $0.dimensions }, text: { "\(sides($0)) voxels" })
      // To a hundredth of a millimetre: headers hold rounded numbers.
      + odd(
        { $0.spacing.map { Int(($0 * 100).rounded()) } },
        text: { "voxels of \(sides($0.map { String(format: "%g", Double($0) / 100) })) mm" })
      + odd({ $0.orientation }, text: { "axes \($0)" })
    return exact + fields.filter { field in !exact.contains { $0.subject == field.subject } }
  }

  /// Where nearly all subjects agree exactly: the others.
  private func odd<Value: Hashable>(
    _ what: (CohortManifest.Subject) -> Value, text: (Value) -> String
  ) -> [Finding] {
    let groups = Dictionary(grouping: subjects, by: what)
    guard let (usual, members) = groups.max(by: { $0.value.count < $1.value.count }),
      members.count < subjects.count, members.count >= subjects.count - most
    else { return [] }
    return subjects.indices.filter { what(subjects[$0]) != usual }.map {
      ($0, "\(text(what(subjects[$0]))), where \(members.count) others have \(text(usual))")
    }
  }

  /// Fields of view far from the others', where sizes vary too much for an exact comparison.
  private var fields: [Finding] {
    func side(_ subject: CohortManifest.Subject, _ axis: Int) -> Double {
      Double(subject.dimensions[axis]) * subject.spacing[axis]
    }
    let names = ["right to left", "front to back", "foot to head"]
    return names.indices.flatMap { axis in
      far(subjects.map { side($0, axis) }, factor: 1.6).map { index, usual in
        let (own, others) = (
          side(subjects[index], axis).rounded(.toNearestOrEven), usual.rounded(.toNearestOrEven)
        )
        return (
          index, "a field of view of \(Int(own)) mm \(names[axis]), where others have some \(Int(others))"
        )
      }
    }
  }

  // MARK: - Intensities

  private var scales: [Finding] {
    guard let first = subjects.first else { return [] }
    return first.scans.indices.flatMap { channel in
      far(subjects.map { $0.scans[channel].scale }, factor: 10).map { index, usual in
        let scan = subjects[index].scans[channel]
        func short(_ value: Double) -> String { String(format: "%.3g", value) }
        let own = "its \(scan.modality.title) goes up to \(short(scan.scale))"
        return (index, "\(own), where others go to some \(short(usual))")
      }
    }
  }

  /// The values `factor` times or more above or below the median, and three times as far (in powers) as any other.
  private func far(_ values: [Double], factor: Double) -> [(index: Int, usual: Double)] {
    let logs = values.map { log($0) }
    let sorted = logs.sorted()
    let median = sorted[sorted.count / 2]
    let away = logs.map { abs($0 - median) }
    let odd = away.indices.filter { away[$0] >= log(factor) }
    guard !odd.isEmpty, odd.count <= most else { return [] }
    let spread = away.indices.filter { !odd.contains($0) }.map { away[$0] }.max() ?? 0
    return odd.filter { away[$0] >= 3 * spread }.map { ($0, exp(median)) }
  }

  // MARK: - Modalities

  /// Two files of a subject that each look like everybody's other one.
  private var swaps: [Finding] {
    guard let first = subjects.first, shapes.allSatisfy({ $0.count == first.scans.count }) else { return [] }
    let usual = first.scans.indices.map { channel in UsualShape(shapes.map { $0[channel] }) }
    // How far a scan of a subject lies from what is usual of a channel, less so many times how far the others do.
    func excess(_ index: Int, _ own: Int, from channel: Int, over factor: Double) -> Double {
      let (distance, others) = usual[channel].distance(of: shapes[index][own], besides: index)
      return distance - factor * max(others, 0.01)
    }
    let odd = first.scans.indices.map { channel in
      subjects.indices.map { excess($0, channel, from: channel, over: 2) > 0 }
    }
    func isSwapped(_ index: Int, _ a: Int, _ b: Int) -> Bool {
      odd[a][index] && odd[b][index] && excess(index, a, from: b, over: 1.5) < 0
        && excess(index, b, from: a, over: 1.5) < 0
    }
    var findings: [Finding] = []
    for a in first.scans.indices {
      for b in first.scans.indices where a < b {
        let found = subjects.indices.filter { isSwapped($0, a, b) }
        guard found.count <= most else { continue }
        let (one, other) = (first.scans[a].modality.title, first.scans[b].modality.title)
        let words = "its \(one) looks like everybody's \(other) and its \(other) like their \(one)"
        findings += found.map { ($0, "\(words); are the files exchanged?") }
      }
    }
    return findings
  }
}

/// What is usual of one modality, of all subjects but one: sorted once for all of them.
private struct UsualShape {
  private let shapes: [IntensityShape]
  /// By quantile, from low to high.
  private let sorted: [[Double]]

  /// - Parameter shapes: by subject; two at least.
  init(_ shapes: [IntensityShape]) {
    self.shapes = shapes
    sorted = shapes[0].quantiles.indices.map { place in shapes.map { $0.quantiles[place] }.sorted() }
  }

  /// How far a shape lies from the others' median, and how far nine in ten of them do at the most.
  func distance(of shape: IntensityShape, besides left: Int) -> (own: Double, others: Double) {
    let middle = (shapes.count - 1) / 2
    let median = IntensityShape(
      quantiles: zip(sorted, shapes[left].quantiles).map { values, own in
        // Without the one that is left out, what lies above it moves down by one.
        values[own <= values[middle] ? middle + 1 : middle]
      })
    let away = shapes.indices.filter { $0 != left }.map { shapes[$0].distance(to: median) }.sorted()
    return (shape.distance(to: median), away[away.count * 9 / 10])
  }
}

/// A scan's intensities whatever their scale: quantiles of what is not 0, 1 being the 99.5th percentile of the volume.
struct IntensityShape: Sendable, Equatable {
  /// 10th, 25th, 50th, 75th and 90th percentile.
  var quantiles: [Double]

  /// The largest difference of two quantiles.
  func distance(to other: IntensityShape) -> Double {
    zip(quantiles, other.quantiles).map { abs($0 - $1) }.max() ?? 0
  }
}

extension IntensityShape {
  /// - Parameter counts: of the voxels that are not 0, in 256 steps from 0 to 1.
  init(counts: [Int]) {
    let total = Double(counts.reduce(0, +))
    quantiles = [0.1, 0.25, 0.5, 0.75, 0.9].map { share in
      var (before, bin) = (0, 0)
      while bin < 255 && Double(before + counts[bin]) < share * total {
        before += counts[bin]
        bin += 1
      }
      let within = counts[bin] == 0 ? 0.5 : (share * total - Double(before)) / Double(counts[bin])
      return (Double(bin) + within) / 256
    }
  }
}
