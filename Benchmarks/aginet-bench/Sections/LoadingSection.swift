import Cohorts
import Foundation
import Imaging

/// How fast the prepared store hands slices over, against what training takes.
struct LoadingSection {
  /// Seconds of AGI-Net's training step at a size, where it was measured.
  var stepSeconds: [Size: Double]
  var batches: Int

  func run() throws -> Section {
    note("data loading")
    let (batchSize, side) = (16, 256)
    let seconds = try GeneratedScans.inTemporaryFolder { folder in
      try GeneratedScans.scans(in: folder, subjects: 2, dimensions: [side, side, 40])
      try GeneratedScans.prepare(folder)
      return try throughput(GeneratedScans.store(in: folder), batchSize: batchSize)
    }
    let perSlice = seconds.median / Double(batchSize * batches)
    var section = Section(
      title: "Data loading",
      method:
        "One loader thread, batches of \(batchSize) slices of \(side) x \(side), two sources and a target, from "
        + "a prepared store in the file cache; the share is of our AGI-Net's training step by L1, a slice.",
      header: ["", "value"],
      rows: [["slices a second", String(format: "%.0f", 1 / perSlice)]])
    for (size, step) in stepSeconds.sorted(by: { $0.value < $1.value }) {
      let share = perSlice * Double(size.side * size.side) / Double(side * side) * Double(size.batch) / step
      let text = String(format: "%.2f %%", share * 100)
      section.rows.append(["share of a step, \(size)", text])
      section.goals.append(
        Goal("data loading, share of a step, \(size)", share, limit: 0.02, text: (text, "< 2 %")))
    }
    return section
  }

  private func throughput(_ cohort: PreparedCohort, batchSize: Int) throws -> Timing {
    let stream = try SampleStream(
      cohort, scenario: Scenario(sources: [.t1, .t2], target: .pd), batchSize: batchSize, seed: 1)
    let contender = try warmed { for _ in 0..<batches { _ = try stream.next() } }
    let timings = try alternating([contender], repeats: 5)
    stream.stop()
    guard let timing = timings[0] else { throw CancellationError() }
    return timing
  }
}
