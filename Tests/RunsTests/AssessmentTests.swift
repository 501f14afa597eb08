import Cohorts
import Experiments
import Failures
import Foundation
import Imaging
import Inference
import Metrics
import PipelineSupport
import Runs
import Testing
import Torch
import Training

@Suite struct AssessmentTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @Test func theTableHasTheModelAndTheBaselines() throws {
    let assessment = try Assessment(of: [Trained.run()], on: Trained.cohort(), device: .cpu)
    #expect(assessment.models.map(\.name) == ["AGI-Net (pix2pix)", "Copy of T2", "Intensity look-up"])
    try assessment.write(to: scratch("test"))
    #expect(
      scratch.files(in: "test") == [
        "slices.csv", "subjects.csv", "summary.json", "table.csv", "table.json", "table.md", "table.tex",
      ])
    let slices = String(decoding: contents(of: scratch("test/slices.csv")) ?? Data(), as: UTF8.self)
    // A header and five slices of three models.
    #expect(slices.split(whereSeparator: \.isNewline).count == 16)
    for name in ["summary.json", "table.json"] {
      let data = try #require(contents(of: scratch("test/" + name)))
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: data) }
    }
  }

  /// Pictures need no second pass: what was scored is kept, for the subjects that are shown and no others.
  @Test func whatWasScoredIsKept() throws {
    let (run, cohort) = (try Trained.run(), try Trained.cohort())
    var options = Assessment.Options()
    (options.shown, options.batchSize) = (.typical, 5)
    let assessment = try Assessment(of: [run], on: cohort, options, device: .cpu)
    #expect(assessment.shown.subjects.map(\.subject.id) == ["sub-05"])
    let batch = try cohort.batches(in: .test, scenario: assessment.scenario, batchSize: 5)[0]
    let network = try run.model(device: .cpu).predictor(batch)
    let expected = [network] + assessment.baselines.all.map { $0.predict(batch) }
    for (scores, values) in zip(assessment.models, expected) {
      let kept = (1...5).compactMap { assessment.shown.prediction(of: "sub-05", slice: $0, by: scores.name) }
      #expect(kept.count == 5 && kept.flatMap { $0 } == values, "\(scores.name)")
    }
    options.shown = nil
    let unasked = try Assessment(of: [run], on: cohort, options, device: .cpu)
    #expect(unasked.shown.subjects.isEmpty && unasked.models == assessment.models)
    options.shown = .named(["sub-01"])
    let failure = try failure { _ = try Assessment(of: [run], on: cohort, options, device: .cpu) }
    #expect(failure.kind == .usage && failure.message.contains("sub-05"))
  }

  /// A run may be asked another scenario than it was trained for, of as many sources.
  @Test func anotherScenarioCanBeAsked() throws {
    let (run, cohort) = (try Trained.run(), try Trained.cohort())
    var options = Assessment.Options()
    options.scenario = Scenario(sources: [.t2, .t1], target: .pd)
    let turned = try Assessment(of: [run], on: cohort, options, device: .cpu)
    let asTrained = try Assessment(of: [run], on: cohort, device: .cpu)
    #expect(turned.scenario == options.scenario && asTrained.scenario == run.experiment.scenario)
    #expect(turned.models[0].slices != asTrained.models[0].slices)
    #expect(turned.models[1] == asTrained.models[1])
    options.scenario = Scenario(sources: [.t2], target: .pd)
    #expect(
      try failure { _ = try Assessment(of: [run], on: cohort, options, device: .cpu) }.kind == .inconsistent)
  }

  @Test func runsOfOneKindAreToldApart() throws {
    let run = try Trained.run()
    try FileManager.default.copyItem(atPath: run.folder.path, toPath: scratch("second"))
    let runs = [run, try Run(opening: scratch("second"))]
    let names = try Assessment(of: runs, on: Trained.cohort(), device: .cpu).models.map(\.name)
    #expect(names.prefix(2) == ["AGI-Net (pix2pix) [run]", "AGI-Net (pix2pix) [second]"])
  }

  @Test func oneTableHasOneScenario() throws {
    var other = tinyExperiment(iterations: 1)
    other.scenario = Scenario(sources: [.pd, .t2], target: .t1)
    let second = try Run.train(other, on: Trained.cohort(), into: scratch("second"))
    let failure = try failure {
      _ = try Assessment(of: [Trained.run(), second], on: Trained.cohort(), device: .cpu)
    }
    #expect(failure.kind == .inconsistent)
    #expect(failure.message.contains("(T1, T2) -> PD") && failure.message.contains("(PD, T2) -> T1"))
  }

  @Test func aRunWithoutAModelIsNamed() throws {
    try FileManager.default.createDirectory(atPath: scratch("early"), withIntermediateDirectories: true)
    try scratch.write(tinyExperiment().json, to: "early/experiment.json")
    let failure = try failure {
      _ = try Assessment(of: [Run(opening: scratch("early"))], on: Trained.cohort(), device: .cpu)
    }
    #expect(failure.kind == .notFound && failure.message.contains("no model yet"))
  }

  @Test func aFolderThatIsNoRun() throws {
    #expect(try failure { _ = try Run(opening: scratch.path) }.kind == .notFound)
    try scratch.write("{}", to: "experiment.json")
    #expect(try failure { _ = try Run(opening: scratch.path) }.kind == .invalidModel)
  }
}
