import Cohorts
import Imaging
import Metrics
import PipelineSupport
import Reporting
import Runs
import Testing

@Suite struct NoticeTests {
  private let scratch: Scratch
  private let cohort: PreparedCohort
  init() throws {
    scratch = try Scratch()
    cohort = try makeCohort(scratch)
  }

  /// What computed the scans decides; where an earlier store does not say, the folder's name.
  @Test(arguments: [
    ("raw", [Phantom.generator] as [String]?, true), ("phantom-study", [], false), ("raw", [], false),
    ("raw", nil, false), ("Phantom-24", nil, true),
  ])
  func theAtlasIsNamedWhereItIsUsed(name: String, generatedBy: [String]?, isNamed: Bool) {
    var manifest = cohort.manifest
    (manifest.name, manifest.generatedBy) = (name, generatedBy)
    #expect(Notice.known(for: manifest) == (isNamed ? [Notice.atlas] : []))
  }

  /// Pictures show the baseline that is named, copy or look-up.
  @Test func theBaselineOfThePicturesIsTheOneNamed() throws {
    let evaluator = try Evaluator(cohort, scenario: Scenario(sources: [.t1, .t2], target: .pd))
    let batch = try cohort.batches(in: .test, scenario: evaluator.scenario, batchSize: 2)[0]
    for (place, source) in evaluator.scenario.sources.enumerated() {
      let name = Evaluator.copyName(of: source)
      let copy = try Report.baseline(name, evaluator)
      #expect(copy.map(\.name) == [name])
      #expect(
        try copy[0].predict(batch)
          == (0..<2).flatMap { batch.images($0, of: evaluator.scenario).sources[place] })
    }
    let lookup = try evaluator.fittedBaselines().lookup
    let named = try Report.baseline(Evaluator.lookupName, evaluator)
    #expect(
      try named[0].predict(batch)
        == (0..<2).flatMap { lookup(batch.images($0, of: evaluator.scenario).sources) })
    #expect(try Report.baseline(nil, evaluator).isEmpty)
  }
}
