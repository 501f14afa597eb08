import Cohorts
import Foundation
import Imaging

/// What a process measured of a cohort of some size, in seconds; what was not asked for is empty.
struct SubjectFigures: Codable {
  var startBytes = 0, peakBytes = 0
  /// Making the store, once.
  var preparing: [Double] = []
  /// Opening it; a stream's first batch from the beginning and where a run goes on after a thousand epochs; all batches of an epoch.
  var opening: [Double] = [], first: [Double] = [], resumed: [Double] = [], epoch: [Double] = []

  static let batchSize = 4

  /// Prepares the scans in `folder`.
  init(preparing folder: String) throws {
    startBytes = peakMemory() ?? 0
    preparing = [try timed { try GeneratedScans.prepare(folder) }]
    peakBytes = peakMemory() ?? 0
  }

  /// Reads the store in `folder`.
  init(reading folder: String, repeats: Int) throws {
    startBytes = peakMemory() ?? 0
    // Once untimed, so that the files are in memory.
    _ = try GeneratedScans.store(in: folder)
    for _ in 0..<repeats {
      var opened: PreparedCohort?
      opening.append(try timed { opened = try GeneratedScans.store(in: folder) })
      guard let cohort = opened else { continue }
      /// One that makes its batches when they are asked for.
      func stream(at iteration: Int = 0) throws -> SampleStream {
        try SampleStream(
          cohort, scenario: Scenario(sources: [.t1, .t2], target: .pd), batchSize: Self.batchSize, seed: 1,
          startingAt: iteration, threads: 0)
      }
      first.append(try timed { _ = try stream().next() })
      let whole = try stream()
      let batches = max(1, whole.sampleCount / Self.batchSize)
      epoch.append(try timed { for _ in 0..<batches { _ = try whole.next() } })
      resumed.append(try timed { _ = try stream(at: 1000 * batches).next() })
    }
    peakBytes = peakMemory() ?? 0
  }
}

/// A run's handling of its data against the number of subjects: small ones, so that what grows with their number shows.
struct SubjectCurve {
  var counts: [Int]
  var repeats: Int

  /// Of each scan; a multiple of 8 a side.
  static let dimensions = SIMD3(64, 64, 8)

  /// What is told of each number of subjects.
  private struct Quantity {
    var title: String
    var value: (Point) -> Double?
    /// Bytes; else it is seconds.
    var isMemory = false
  }

  private struct Point {
    var preparing: SubjectFigures?, reading: SubjectFigures?
  }

  private let quantities = [
    Quantity(title: "preparing") { $0.preparing.flatMap { Timing($0.preparing)?.median } },
    Quantity(title: "opening") { $0.reading.flatMap { Timing($0.opening)?.median } },
    Quantity(title: "first batch") { $0.reading.flatMap { Timing($0.first)?.median } },
    Quantity(title: "first batch, resumed") { $0.reading.flatMap { Timing($0.resumed)?.median } },
    Quantity(title: "an epoch") { $0.reading.flatMap { Timing($0.epoch)?.median } },
    Quantity(
      title: "memory, preparing",
      value: { $0.preparing.map { Double($0.peakBytes - $0.startBytes) } }, isMemory: true),
    Quantity(
      title: "memory, reading",
      value: { $0.reading.map { Double($0.peakBytes - $0.startBytes) } }, isMemory: true),
  ]

  init(counts: [Int], repeats: Int) { (self.counts, self.repeats) = (counts, repeats) }

  /// The curve, and its rows of the exponents' table.
  func run() -> (Section, exponents: [[String]]) {
    let points = counts.map(point)
    let base = counts.firstIndex(of: Curve.subjects.base) ?? 0
    var rows: [[String]] = []
    var exponents: [[String]] = []
    for quantity in quantities {
      let values = points.map(quantity.value)
      let growth = Growth(zip(counts, values).map { (Double($0), $1) }, base: base)
      for (index, count) in counts.enumerated() {
        let text = values[index].map { quantity.isMemory ? Int($0).megabytes : Timing([$0])?.plain ?? "" }
        rows.append([quantity.title, "\(count)", text ?? "failed", growth.relativeTexts[index]])
      }
      var row = Growth.row("\(quantity.title), against subjects", times: growth, memories: nil)
      if quantity.isMemory { row = [row[0], "", row[1], row[3].isEmpty ? "" : "memory"] }
      exponents.append(row)
    }
    let (x, y, z) = (Self.dimensions.x, Self.dimensions.y, Self.dimensions.z)
    let section = Section(
      title: "Growth against subjects",
      method:
        "Subjects with three scans of \(x) x \(y) x \(z) voxels, from the file cache: making the store (once); opening "
        + "it, checksums included; a new stream's first batch of \(SubjectFigures.batchSize) slices, also of a run that "
        + "goes on after 1000 epochs; all batches of an epoch, on one thread; and the most memory of the process that "
        + "prepares and of that which reads, without what they held before. \"Each\" is for a subject, relative to "
        + "\(Curve.subjects.base) subjects; a first batch has the same work whatever their number.",
      header: ["what", "subjects", "value", "each"], rows: rows)
    return (section, exponents)
  }

  private func point(_ count: Int) -> Point {
    note("growth: \(count) subjects")
    do {
      return try GeneratedScans.inTemporaryFolder { folder in
        try GeneratedScans.scans(in: folder, subjects: count, dimensions: Self.dimensions)
        let arguments = ["measure-subjects", "--repeats", "\(repeats)", folder]
        let preparing: SubjectFigures? = Process.figuresOfOwn(arguments + ["--prepares"])
        guard preparing != nil else { return Point() }
        let reading: SubjectFigures? = Process.figuresOfOwn(arguments)
        let figures = Point(preparing: preparing, reading: reading)
        let texts = quantities.map { quantity in
          let value = quantity.value(figures)
          return value.map { quantity.isMemory ? Int($0).megabytes : Timing([$0])?.plain ?? "" } ?? "failed"
        }
        note("  " + zip(quantities, texts).map { "\($0.title) \($1)" }.joined(separator: ", "))
        return figures
      }
    } catch {
      note("growth: \(count) subjects: \(error)")
      return Point()
    }
  }
}
