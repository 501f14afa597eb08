import Cohorts
import Experiments
import Failures
import Foundation
import Imaging
import Methods
import Networks
import PipelineSupport
import Reporting
import Runs
import Testing
import Torch
import Training

/// A whole report of a run of two iterations on a cohort of boxes.
@Suite(.serialized) struct ReportTests {
  private static let size: SIMD3<Int> = [16, 20, 6]

  private func makeRuns(in folder: String) throws -> (runs: [Run], cohort: PreparedCohort) {
    for number in 1...4 {
      let anat = "\(folder)/raw/sub-0\(number)/anat"
      try FileManager.default.createDirectory(atPath: anat, withIntermediateDirectories: true)
      for (index, suffix) in ["T1w", "T2w", "FLAIR"].enumerated() {
        var random = RandomSource(seed: UInt64(10 * number + index))
        let voxels = (0..<16 * 20 * 6).map { place in
          (3..<13).contains(place % 16) ? Float(1 + random.uniform() * 99) : 0
        }
        let volume = Volume(
          dimensions: ReportTests.size, affine: Affine([-1, 0, 0, 5], [0, -1, 0, 6], [0, 0, 2, -3]),
          voxels: voxels)
        try NIfTI.write(volume, to: "\(anat)/sub-0\(number)_\(suffix).nii.gz")
      }
    }
    let splits = #"{"train": ["sub-01", "sub-02"], "validation": ["sub-03"], "test": ["sub-04"]}"#
    try splits.write(toFile: "\(folder)/s.json", atomically: true, encoding: .utf8)
    var preparation = Preparation()
    preparation.splits = .file("\(folder)/s.json")
    _ = try preparation.run(
      BIDSCohort(folder: "\(folder)/raw"), layout: "bids", into: "\(folder)/store", program: "test <1>")
    let cohort = try PreparedCohort(folder: "\(folder)/store")
    let runs = try ["agi-net", "resunet"].map { network in
      var experiment = Experiment()
      experiment.network.name = network
      (experiment.network.width, experiment.iterations, experiment.batchSize) = (8, 2, 1)
      (experiment.validateEvery, experiment.pix2pix.weightAdversarial) = (1, 0)
      experiment.scenario = Scenario(sources: [.t1, .t2], target: .flair)
      return try Run.train(experiment, on: cohort, into: "\(folder)/<\(network)>")
    }
    return (runs, cohort)
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/report-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  @Test func itIsOneFileWithEverySection() throws {
    try withFolder { folder in
      let (runs, cohort) = try makeRuns(in: folder)
      var options = Assessment.Options()
      options.shown = .typical
      let assessment = try Assessment(of: runs, on: cohort, options, device: .cpu)
      let (report, operations) = try LibTorch.countingMultiplyAdds {
        try Report(runs, assessment: assessment, cohort: cohort)
      }
      // Nothing that was scored goes through a network again: only routing is watched, on every slice of the network that
      // has it, and on one batch of the one that turns out to have none.
      let costs = try runs.map {
        try Cost(of: $0.experiment, onSlices: cohort.manifest.extent).multiplyAdds
      }
      let slices = try cohort.slices(in: .test).count
      #expect(operations == slices * costs[0] + min(4, slices) * costs[1])
      try report.write(to: "\(folder)/new/report.html")
      let page = try String(contentsOfFile: "\(folder)/new/report.html", encoding: .utf8)

      for id in ["verdict", "scores", "pictures", "curves", "routing", "subjects", "runs"] {
        #expect(page.contains("id=\"\(id)\""), "section \(id)")
      }
      #expect(page.contains("SYNTHETIC image computed from T1, T2; not acquired."))
      #expect(page.contains("(T1, T2) -&gt; FLAIR"))
      #expect(page.contains("down1.block1.first") && page.contains("Nothing was learned"))
      #expect(page.contains("&lt;agi-net&gt;") && !page.contains("<agi-net>"))
      checkNothingExternal(page)
      checkBalance(page)
      // Sources, truth, two networks and the look-up, and three errors, in three planes and a detail.
      #expect(page.matches(of: #/<img /#).count == 4 * (3 + 3 + 3))
      #expect(page.matches(of: #/<img [^>]*alt="[^"]+"/#).count == 36)

      let json = "\(folder)/<agi-net>/evaluation/test/routing.json"
      let data = try #require(FileManager.default.contents(atPath: json))
      let summary = try JSONDecoder().decode(RoutingSummary.self, from: data)
      #expect(summary.modules.count == 10 && summary.modules.allSatisfy { $0.groups.count == 8 })
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/<resunet>/evaluation/test/routing.json"))

      options.shown = .named(["sub-01"])
      let failure = #expect(throws: Failure.self) {
        _ = try Assessment(of: runs, on: cohort, options, device: .cpu)
      }
      #expect(failure?.kind == .usage && failure?.message.contains("sub-04") == true)
    }
  }

  /// What was trained elsewhere has its pictures, facts and file, but no training.
  @Test func aModelOfOthersStandsBesideTheRuns() throws {
    try withFolder { folder in
      let (runs, cohort) = try makeRuns(in: folder)
      var experiment = tinyExperiment(method: "unified", network: "resunet", iterations: 4)
      experiment.scenario = Scenario(completing: [.t1, .t2, .flair])
      let other = try Run.train(experiment, on: cohort, into: "\(folder)/other")
      let outside = try OutsideModel(
        other.model(device: .cpu), named: "boxed", on: cohort, from: BIDSCohort(folder: "\(folder)/raw"),
        for: Scenario(sources: [.t1, .t2], target: .flair), into: "\(folder)/made")
      var options = Assessment.Options()
      (options.shown, options.outside) = (.typical, [outside])
      let assessment = try Assessment(of: runs, on: cohort, options, device: .cpu)
      let report = try Report(runs, assessment: assessment, cohort: cohort)
      let names = report.standings.map { $0.sentence.prefix { $0 != ":" } }
      #expect(
        names == ["AGI-Net (pix2pix)", "ResUnet (pix2pix)", "boxed", "boxed, curve fitted"], "\(names)")
      let page = try report.html
      checkBalance(page)
      // Sources, truth, two networks, the model and the look-up, and four errors, in three planes and a detail.
      #expect(page.matches(of: #/<img /#).count == 4 * (3 + 4 + 4))
      #expect(page.contains("boxed, curve fitted") && page.contains("nothing of this cohort"))
      #expect(page.contains(outside.sha256) && page.contains("over sub-01, sub-02 of the training split"))
      for standing in report.standings where !standing.reasons.isEmpty {
        #expect(page.contains("<li>\(standing.reasons[0].replacing(">", with: "&gt;"))</li>"))
      }
    }
  }

  @Test func wordsAreQuotedForTheShell() {
    #expect(Report.quoted("run/a-1.json") == "run/a-1.json")
    #expect(Report.quoted("it's; rm") == #"'it'\''s; rm'"#)
    #expect(Report.quoted("") == "''")
  }
}
