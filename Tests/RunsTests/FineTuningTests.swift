import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Layers
import Methods
import Networks
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// Training that goes on from a model of computed heads on people's scans.
@Suite(.serialized) struct FineTuningTests {
  private let scratch: Scratch
  private let anatomies: Anatomies

  init() throws {
    scratch = try Scratch()
    anatomies = try makeAnatomies(scratch)
  }

  /// A model of all contrasts, of which the cohort has T1, T2 and PD.
  private func start(_ change: (inout Experiment) -> Void = { _ in }) throws -> ModelStart {
    var experiment = tinyExperiment(method: Unified.name, network: "resunet", iterations: 4)
    experiment.scenario = Scenario(completing: Modality.allCases)
    experiment.physics.extent = Extent(32, 40)
    change(&experiment)
    let run = try Run.train(experiment, on: .anatomies(anatomies), into: scratch("physics"))
    return try ModelStart(file: run.folder.model)
  }

  private func experiment(_ start: ModelStart) -> Experiment {
    var experiment = start.experiment
    (experiment.learningRate, experiment.physics.share) = (1e-3, 0.5)
    (experiment.iterations, experiment.validateEvery, experiment.checkpointEvery) = (8, 3, 2)
    return experiment
  }

  private func setting(_ start: ModelStart?) -> Run.Setting {
    var setting = Run.Setting()
    (setting.start, setting.resumes) = (start, start == nil)
    return setting
  }

  private func weights(_ file: String, _ name: String = "head.weight") throws -> [Float] {
    let model = try TrainedModel(file: file, device: .cpu)
    return try #require(model.method.generator.parameters[name]).values(Float.self)
  }

  @Test func scansAndHeadsAreMixedAndResumeExactly() throws {
    let start = try start()
    let data = TrainingData.mixed(try Trained.cohort(), anatomies)
    let experiment = experiment(start)
    var (notes, gain): ([String], [(weights: String, file: String, score: Score)]) = ([], [])
    let whole = try Run.train(
      experiment, on: data, into: scratch("whole"), setting(start),
      observe: { event in
        if case .note(let note) = event { notes.append(note) }
        if case .compared(let rows) = event { gain = rows }
      })
    #expect(notes.contains { $0.contains("has no FLAIR, T1Gd") && $0.contains("computed heads alone") })
    var steps = 0
    let stopped = try failure {
      _ = try Run.train(
        experiment, on: data, into: scratch("parts"), setting(start),
        shouldStop: { steps == 5 ? .interrupted : nil },
        observe: { if case .step(let iteration, _, _, _) = $0 { steps = iteration } })
    }
    #expect(stopped.kind == .interrupted && stopped.message.contains("saved"), "\(stopped)")
    let parts = try Run.train(experiment, on: data, into: scratch("parts"), setting(nil))
    for path in [\RunFolder.last, \.log, \.model, \.start, \.mean, \.gain] {
      #expect(contents(of: whole.folder[keyPath: path]) != nil)
      #expect(contents(of: whole.folder[keyPath: path]) == contents(of: parts.folder[keyPath: path]))
    }
    try expectGain(gain, of: whole)
  }

  /// Several processes have shares of scans and of heads alike, judge together, and one of them writes.
  @Test func ranksShareOutScansAndHeads() throws {
    let start = try start()
    let (experiment, anatomies, folder, file) = (experiment(start), anatomies, scratch.path, start.file)
    let whole = try Run.train(
      experiment, on: .mixed(Trained.cohort(), anatomies), into: scratch("whole"), setting(start))
    let models = try inRanks(2) { group in
      var setting = Run.Setting()
      setting.start = try ModelStart(file: file)
      return try Run.train(
        experiment, on: .mixed(Trained.cohort(), anatomies), into: "\(folder)/shared", setting, group: group
      ).folder.model
    }
    #expect(Set(models).count == 1)
    let shared = try Run(opening: scratch("shared"))
    for path in [\RunFolder.model, \.start, \.mean] {
      let (one, two) = (
        try weights(whole.folder[keyPath: path]), try weights(shared.folder[keyPath: path])
      )
      #expect(zip(one, two).allSatisfy { abs($0 - $1) < 1e-4 })
      let scores = try [whole, shared].map {
        try #require(TrainedModel(file: $0.folder[keyPath: path], device: .cpu).card.score).value
      }
      #expect(abs(scores[0] - scores[1]) < 0.01, "\(scores)")
    }
    #expect(try weights(whole.folder.start) != weights(whole.folder.model))
  }

  /// Of the start, the best since and their mean, each a model that says so itself.
  private func expectGain(_ gain: [(weights: String, file: String, score: Score)], of run: Run) throws {
    #expect(gain.map(\.weights) == ["start", "fine-tuned", "mean of both"])
    // Not the brain's figure, which is decibels over a constant image too.
    #expect(
      gain.allSatisfy {
        $0.score.words == "\($0.score.figure) over a constant image"
          && $0.score.scope?.contains("face and neck") == true
      })
    #expect(gain.map(\.file) == [run.folder.start, run.folder.model, run.folder.mean])
    for row in gain {
      let card = try TrainedModel(file: row.file, device: .cpu).card
      #expect(card.score == row.score && row.score.name == "over_mean" && row.score.value.isFinite)
    }
    let table = String(decoding: contents(of: run.folder.gain) ?? Data(), as: UTF8.self)
    #expect(
      table.split(whereSeparator: \.isNewline).count == 4 && table.contains("\(gain[2].score.value)"),
      "\(table)")
    let (first, best, mean) = try (weights(gain[0].file), weights(gain[1].file), weights(gain[2].file))
    #expect(first != best)
    #expect(zip(zip(first, best), mean).allSatisfy { abs(($0.0 + $0.1) / 2 - $1) < 1e-6 })
    // The start is what validation saw first of all.
    let log = String(decoding: contents(of: run.folder.log) ?? Data(), as: UTF8.self)
    #expect(log.split(whereSeparator: \.isNewline)[1] == "0,,,,\(gain[0].score.value)", "\(log)")
  }

  /// The scale goes with the model: what was trained on stays what a patient's images become, and a mean is possible.
  @Test func theModelsScaleTravels() throws {
    let (start, cohort) = (try start(), try Trained.cohort())
    #expect(start.experiment[Unified.self].intensity == .foreground)
    let run = try Run.train(experiment(start), on: cohort, into: scratch("run"), setting(start))
    let (tuned, first) = (try run.model(device: .cpu), try TrainedModel(file: start.file, device: .cpu))
    #expect(tuned.card.rule == .foreground && tuned.card.scenario == first.card.scenario)
    #expect(tuned.card.intensity.hasPrefix(first.card.intensity))
    #expect(Set(tuned.card.scales.keys) == [.t1, .t2, .pd])
    // What stands for 1 of a training scan, by the file itself.
    let uppers = try (1...3).map { subject in
      try IntensityRule.foreground.scale(of: NIfTI.read(path: Trained.path(subject, .t1)).volume.voxels).upper
    }.sorted()
    #expect(abs(try #require(tuned.card.scales[.t1]) / uppers[1] - 1) < 0.02)
    try tuned.average(with: first, share: 0.5, to: scratch("mean.safetensors"))
    // Without heads beside it, what nobody has is not learned.
    let refused = try failure {
      var plain = experiment(start)
      plain.from = ""
      _ = try Run.train(plain, on: cohort, into: scratch("plain"))
    }
    #expect(refused.kind == .inconsistent && refused.message.contains("FLAIR"), "\(refused)")
  }

  /// What never saw other planes is taught none by a cohort's axial slices, and none that are computed are put among them.
  @Test func whoKnowsAxialPlanesAloneStaysSo() throws {
    let start = try start { $0.physics.options.anatomy.otherPlanes = 0 }
    #expect(start.card?.planes == nil && start.experiment.physics.options.anatomy.otherPlanes == 0)
    let run = try Run.train(
      experiment(start), on: .mixed(Trained.cohort(), anatomies), into: scratch("run"), setting(start))
    #expect(try run.model(device: .cpu).card.planes == nil)
  }

  /// The planes that it knows heads in travel too, but for what thick slices taught, which show nothing of other planes.
  @Test(arguments: [2.0, 5]) func whatThickSlicesTaughtIsSeenInAxialPlanesAlone(spacing: Double) throws {
    let start = try start()
    for subject in 1...5 {
      for modality in [Modality.t1, .t2, .pd] {
        var volume = scan(modality, subject: subject)
        volume = Volume(
          dimensions: volume.dimensions, affine: Affine(spacing: [2, 2, spacing]), voxels: volume.voxels)
        try writeScan(volume, bidsPath(scratch("raw"), subject, modality))
      }
    }
    let cohort = try prepared(scratch)
    let run = try Run.train(
      experiment(start), on: .mixed(cohort, anatomies), into: scratch("run"), setting(start))
    let card = try run.model(device: .cpu).card
    #expect(start.card?.planes == HeadPlane.allCases && card.spacing == [2, 2, spacing])
    #expect(card.planes == (spacing == 5 ? nil : HeadPlane.allCases))
  }

  @Test func whatCannotBeMixedIsRefused() throws {
    let data = TrainingData.mixed(try Trained.cohort(), anatomies)
    func refusal(_ experiment: Experiment) throws -> Failure {
      try failure { _ = try Run.train(experiment, on: data, into: scratch("run")) }
    }
    var one = tinyExperiment(method: "pix2pix", network: "resunet")
    one.physics.extent = Extent(32, 40)
    let oneContrast = try refusal(one)
    #expect(oneContrast.kind == .usage && oneContrast.message.contains("method unified"), "\(oneContrast)")
    var any = tinyExperiment(method: Unified.name, network: "resunet")
    any.physics.extent = Extent(32, 40)
    let scale = try refusal(any)
    #expect(scale.kind == .usage && scale.message.contains("unified.intensity"), "\(scale)")
    #expect(try failure { _ = try Experiment(settings: ["physics.share=1.5"]) }.kind == .usage)
    #expect(!FileManager.default.fileExists(atPath: scratch("run")))
  }

  /// A run that is resumed on something else says what it was trained on.
  @Test func otherDataIsNamedForWhatItIs() throws {
    var experiment = tinyExperiment(method: Unified.name, network: "resunet", iterations: 2)
    experiment[Unified.self].intensity = .foreground
    experiment.physics.extent = Extent(32, 40)
    let cohort = try Trained.cohort()
    let all: [(name: String, data: TrainingData)] = [
      ("scans", .cohort(cohort)), ("heads", .anatomies(anatomies)), ("both", .mixed(cohort, anatomies)),
    ]
    for (name, data) in all { _ = try Run.train(experiment, on: data, into: scratch(name)) }
    let words = [
      "scans": "trained on a prepared cohort, not on",
      "heads": "trained on heads computed of anatomies, not on",
      "both": "trained on a prepared cohort and heads computed of anatomies, not on",
    ]
    for (name, _) in all {
      for (other, data) in all where other != name {
        let failure = try failure {
          _ = try Run.train(experiment, on: data, into: scratch(name), setting(nil))
        }
        #expect(failure.kind == .inconsistent && failure.message.contains(words[name] ?? "?"), "\(failure)")
      }
    }
  }

  // MARK: - Resuming what is shipped

  /// A schedule that ends with the run, an average of all weights so far and gradients that are clipped, at a width of use.
  @Test(arguments: ["agi-net", "resunet"])
  func scheduleAverageAndClippingResumeExactly(network: String) throws {
    var experiment = Experiment()
    (experiment.method, experiment.network.name, experiment.network.width) = (Unified.name, network, 16)
    experiment.scenario = Scenario(completing: [.t1, .t2, .pd])
    (experiment.schedule, experiment.learningRate, experiment.batchSize) = (.cosine, 6e-4, 4)
    // Below the norms that there are, so that every step is clipped.
    experiment[Unified.self].clip = 0.05
    (experiment.iterations, experiment.validateEvery, experiment.checkpointEvery) = (12, 5, 4)
    let cohort = try Trained.cohort()
    let whole = try Run.train(experiment, on: cohort, into: scratch("whole"))
    for stop in [4, 7] {
      var steps = 0
      let name = "parts-\(stop)"
      _ = try failure {
        _ = try Run.train(
          experiment, on: cohort, into: scratch(name), Run.Setting(),
          shouldStop: { steps == stop ? .interrupted : nil },
          observe: { if case .step(let iteration, _, _, _) = $0 { steps = iteration } })
      }
      let parts = try Run.train(experiment, on: cohort, into: scratch(name), setting(nil))
      for path in [\RunFolder.last, \.log, \.model] {
        #expect(contents(of: whole.folder[keyPath: path]) == contents(of: parts.folder[keyPath: path]))
      }
    }
  }

  /// What a GPU multiplied with fewer bits is not gone on with in silence.
  @Test(arguments: [Precision.tf32, .bf16]) func anotherPrecisionIsSaid(_ precision: Precision) throws {
    let (experiment, cohort) = (tinyExperiment(iterations: 2), try Trained.cohort())
    let run = try Run.train(experiment, on: cohort, into: scratch("run"))
    #expect(try Run.precision(in: run.folder.path) == .float32)
    let file = try Safetensors(contentsOf: run.folder.last)
    let tensors = try file.entries.map { entry in
      Safetensors.Tensor(entry.name, try #require(try file.tensor(entry.name)))
    }
    var metadata = file.metadata
    metadata["aginet.precision"] = precision.rawValue
    try Safetensors.write(tensors, metadata: metadata, to: run.folder.last)
    #expect(try Run.precision(in: run.folder.path) == precision)
    var notes: [String] = []
    var longer = experiment
    longer.iterations = 3
    _ = try Run.train(
      longer, on: cohort, into: scratch("run"), setting(nil),
      observe: { if case .note(let note) = $0 { notes.append(note) } })
    #expect(
      notes.contains { $0.contains("trained in \(precision.title), and goes on in float32") }, "\(notes)")
    #expect(try Run.precision(in: run.folder.path) == .float32)
  }
}
