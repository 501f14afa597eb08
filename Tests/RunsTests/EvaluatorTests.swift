import Cohorts
import Experiments
import Failures
import Foundation
import Imaging
import Inference
import Methods
import Metrics
import PipelineSupport
import Runs
import Testing
import Torch

private let scenario = Scenario(sources: [.t1, .t2], target: .pd)

@Suite struct EvaluatorTests {
  private let scratch: Scratch
  private let cohort: PreparedCohort

  init() throws {
    scratch = try Scratch()
    cohort = try makeCohort(scratch)
  }

  private func evaluator() throws -> Evaluator { try Evaluator(cohort, scenario: scenario) }

  @Test func aPerfectPredictionIsInfinitelyGood() throws {
    let scores = try evaluator().scores(named: "perfect", in: .test) { $0.target(.pd) }
    #expect(scores.slices.map(\.slice) == [1, 2, 3, 4, 5])
    #expect(scores.slices.allSatisfy { $0.subject == "sub-05" })
    #expect(scores.slices.allSatisfy { $0.values[.psnr] == .infinity && $0.values[.mae] == 0 })
    #expect(scores.slices.allSatisfy { abs(($0.values[.ssim] ?? 0) - 1) < 1e-9 })
    // A table and its JSON hold it without choking.
    let data = try JSONEncoder().encode(scores.summary)
    #expect(!data.isEmpty)
    #expect(Table("t", comparing: [scores]).written(as: .markdown).contains("perfect"))
  }

  @Test func theScoresAreThoseOfTheSlices() throws {
    let scores = try evaluator().scores(named: "half", in: .validation) { batch in
      batch.target(.pd).map { $0 / 2 }
    }
    for slice in scores.slices {
      let target = try cohort.slice(
        .pd, at: SampleReference(subject: slice.subject, slice: slice.slice))
      let mae = target.reduce(0.0) { $0 + Double($1) / 2 } / Double(target.count)
      #expect(abs((slice.values[.mae] ?? .nan) - mae) < 1e-7)
    }
  }

  @Test(arguments: [1, 2, 3, 7])
  func theBatchSizeChangesNothing(size: Int) throws {
    var evaluator = try evaluator()
    let expected = try evaluator.scores(named: "copy", in: .train) { batch in
      (0..<batch.count).flatMap { batch.image(scenario.sources[1], of: $0) }
    }
    evaluator.batchSize = size
    let scores = try evaluator.scores(named: "copy", in: .train) { batch in
      (0..<batch.count).flatMap { batch.image(scenario.sources[1], of: $0) }
    }
    #expect(scores == expected)
  }

  @Test func theBaselinesStandBeside() throws {
    let baselines = try evaluator().scores(of: Baselines(for: scenario, on: cohort), in: .test)
    #expect(baselines.count == 2)
    // The phantom's PD is a power of its texture, nearer to T2's than to T1's.
    #expect(baselines[0].name == "Copy of T2" && baselines[1].name == "Intensity look-up")
    func mean(_ scores: Scores) -> Double {
      scores.slices.compactMap { $0.values[.mae] }.reduce(0, +) / Double(scores.slices.count)
    }
    // One contrast here is a function of the other, which is what a look-up finds and a copy does not.
    #expect(mean(baselines[1]) < 0.5 * mean(baselines[0]))
  }

  /// Whatever batches part: the last slice of a subject has no next, nor has one whose next is not scored.
  @Test(arguments: [1, 2, 100]) func theStepToTheNextSliceIsScored(batchSize: Int) throws {
    var evaluator = try evaluator()
    evaluator.batchSize = batchSize
    let half = { (batch: SampleBatch) in batch.target(.pd).map { $0 / 2 } }
    let slices = try evaluator.scores(named: "half", in: .train, predict: half).slices
    #expect(Set(slices.map(\.subject)).count > 1)
    for (now, next) in zip(slices, slices.dropFirst()) {
      guard now.subject == next.subject else {
        #expect(now.values[.throughPlane] == nil)
        continue
      }
      let images = try [now, next].map {
        try cohort.slice(.pd, at: SampleReference(subject: $0.subject, slice: $0.slice))
      }
      let step = evaluator.scorer.throughPlane(
        images[0].map { $0 / 2 }, images[0], next: (images[1].map { $0 / 2 }, images[1]))
      #expect(step > 0 && now.values[.throughPlane] == step)
    }
    #expect(slices.last?.values[.throughPlane] == nil)
    evaluator.sliceLimit = 3
    let some = try evaluator.scores(named: "half", in: .test, predict: half).slices
    #expect(
      some.map(\.slice) == [1, 2, 4] && some.map { $0.values[.throughPlane] != nil } == [true, false, false])
  }

  @Test func predictionsThatAreNoNumbersStop() throws {
    let failure = try failure {
      _ = try evaluator().scores(named: "broken", in: .test) { $0.target(.pd).map { _ in .nan } }
    }
    #expect(failure.kind == .numerical)
  }

  @Test func aModalityTheCohortLacksIsNamed() throws {
    let failure = try failure {
      _ = try Evaluator(cohort, scenario: Scenario(sources: [.t1], target: .flair))
    }
    #expect(failure.kind == .inconsistent && failure.message.contains("FLAIR"))
  }

  @Test func progressCountsSlices() throws {
    var evaluator = try evaluator()
    var shown: [Int] = []
    evaluator.batchSize = 2
    evaluator.progress = { done, total in
      #expect(total == 5)
      shown.append(done)
    }
    _ = try evaluator.scores(named: "perfect", in: .test) { $0.target(.pd) }
    #expect(shown == [2, 4, 5])
  }

  @Test func aMethodIsScoredAsItsPredictionsAre() throws {
    let method = try MethodCatalog.build(tinyExperiment(), device: .cpu)
    let evaluator = try evaluator()
    let predictor = Predictor(method, for: scenario, device: .cpu)
    let direct = try evaluator.scores(named: "m", in: .test, by: predictor.callAsFunction(_:passed:))
    let again = try evaluator.scores(named: "m", in: .test) { try predictor($0) }
    #expect(direct == again)
  }
}
