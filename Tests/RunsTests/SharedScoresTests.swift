import Cohorts
import Imaging
import Metrics
import PipelineSupport
import Runs
import Testing
import Torch

private let scenario = Scenario(sources: [.t1, .t2], target: .pd)

/// Scores of subjects that several ranks share out.
@Suite(.serialized) struct SharedScoresTests {
  private let scratch: Scratch
  private let cohort: PreparedCohort

  init() throws {
    scratch = try Scratch()
    cohort = try makeCohort(scratch)
  }

  /// What is predicted hangs on the whole batch, as a network's rounding may.
  private static func scores(
    _ cohort: PreparedCohort, _ group: ProcessGroup?, batch: Int, slices: Int? = nil
  ) throws -> Scores {
    var evaluator = try Evaluator(cohort, scenario: scenario)
    (evaluator.batchSize, evaluator.sliceLimit, evaluator.group) = (batch, slices, group)
    return try evaluator.scores(named: "of the batch", in: .train) { batch in
      let factor = 1 / Float(batch.references.reduce(batch.count) { $0 + $1.slice })
      return batch.target(.pd).map { $0 * (1 - factor) }
    }
  }

  /// More ranks than subjects, and batches that hold several of them, included.
  @Test(arguments: [2, 5], [1, 4, 7])
  func slicesAreScoredInTheBatchesOfOne(ranks: Int, batch: Int) throws {
    let cohort = cohort
    let expected = try Self.scores(cohort, nil, batch: batch)
    #expect(Set(expected.slices.map(\.subject)).count == 3)
    #expect(expected.slices.contains { $0.values[.throughPlane] != nil })
    let found = try inRanks(ranks) { try Self.scores(cohort, $0, batch: batch) }
    #expect(found.allSatisfy { $0 == expected })
    let some = try Self.scores(cohort, nil, batch: batch, slices: 8)
    #expect(try inRanks(2) { try Self.scores(cohort, $0, batch: batch, slices: 8) } == [some, some])
  }

  /// No process predicts much more than its share: the first and the last batch may be another's too.
  @Test func everyProcessPredictsItsShare() throws {
    let cohort = cohort
    let counts = try inRanks(3) { group in
      var evaluator = try Evaluator(cohort, scenario: scenario)
      (evaluator.batchSize, evaluator.group) = (2, group)
      var count = 0
      _ = try evaluator.scores(
        named: "copy", in: .train, by: { batch, _ in batch.target(.t2) },
        keep: { batch, _ in count += batch.count }
      )
      return count
    }
    // Five slices each, in batches of two.
    #expect(counts.allSatisfy { (5...6).contains($0) } && counts.reduce(0, +) > 15, "\(counts)")
  }
}
