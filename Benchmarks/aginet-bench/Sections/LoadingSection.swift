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
      try throughput(prepared(folder, side: side), batchSize: batchSize)
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

  private func prepared(_ folder: String, side: Int) throws -> PreparedCohort {
    let modalities: [(Modality, String)] = [(.t1, "T1w"), (.t2, "T2w"), (.pd, "PDw")]
    for subject in ["01", "02"] {
      let anat = "\(folder)/bids/sub-\(subject)/anat"
      try FileManager.default.createDirectory(atPath: anat, withIntermediateDirectories: true)
      for (index, modality) in modalities.enumerated() {
        let volume = GeneratedScans.volume([side, side, 40], seed: UInt64(index + 1))
        try NIfTI.write(volume, as: .int16, to: "\(anat)/sub-\(subject)_\(modality.1).nii")
      }
    }
    let splits = "\(folder)/splits.json"
    try Data(#"{"train": ["sub-01", "sub-02"]}"#.utf8).write(to: URL(fileURLWithPath: splits))
    var preparation = Preparation()
    preparation.modalities = modalities.map(\.0)
    preparation.splits = .file(splits)
    _ = try preparation.run(
      BIDSCohort(folder: "\(folder)/bids"), layout: "bids", into: "\(folder)/store", program: "aginet-bench")
    return try PreparedCohort(folder: "\(folder)/store")
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
