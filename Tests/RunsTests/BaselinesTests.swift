import Cohorts
import Imaging
import PipelineSupport
import Runs
import Testing

@Suite struct BaselinesTests {
  private let scenario = Scenario(sources: [.t1, .t2], target: .pd)

  /// What is pictured is what is named: without a training split, a copy of each source.
  @Test func aCopyIsTheSourceItNames() throws {
    let scratch = try Scratch()
    let tests = try scratch.write(
      #"{"test": ["sub-01", "sub-02", "sub-03", "sub-04", "sub-05"]}"#, to: "tests.json")
    let cohort = try makeCohort(scratch) { $0.splits = .file(tests) }
    let batch = try cohort.batches(in: .test, scenario: scenario, batchSize: 2)[0]
    let copies = try Baselines(for: scenario, on: cohort).all
    #expect(copies.map(\.name) == ["Copy of T1", "Copy of T2"])
    for (place, copy) in copies.enumerated() {
      #expect(copy.predict(batch) == (0..<2).flatMap { batch.image(scenario.sources[place], of: $0) })
    }
  }
}
