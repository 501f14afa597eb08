import ArgumentParser
import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Metrics
import Networks
import Reporting
import Runs
import Torch
import Training

/// The whole pipeline on a generated cohort: each step is the command of its own name, on files.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Make a cohort, complete people at once, train networks from scratch and from the model in the box, score all, write a report.",
    discussion: example("aginet demo"))

  @Option(name: .shortAndLong, help: "The folder for everything the demo makes.")
  var output = "demo"
  @Option(help: "Subjects of the generated cohort; from 18 on six of them test.")
  var subjects = 20
  @Option(help: "Largest shift between modalities, in mm.")
  var shift = 1.0
  @Option(help: "Edge of a voxel of the generated scans, in mm.")
  var voxel = PhantomOptions().voxelSize
  @Option(help: "Training steps of each network (default: 1000 of AGI-Net, 250 of the wider ResUnets).")
  var iterations: Int?
  @Option(help: "Channels of the first level, where the model in the box does not decide.")
  var width = 16
  @Option(help: "Slices a step.")
  var batch = 4
  @Option(help: "Seed of cohort and training.")
  var seed: UInt64 = 1
  @Flag(help: "Replace an earlier demo in the output folder.")
  var force = false
  @OptionGroup var compute: ComputeOptions

  private var raw: String { output + "/raw" }
  private var prepared: String { output + "/cohort" }
  static let scenario = Scenario(sources: [.t2, .pd], target: .t1)
  /// People who test, so that there can be a verdict.
  private static let tested = PairedComparison.fewest

  func run() throws {
    let device = try compute.apply()
    let box = try ModelInTheBox(device)
    let trainings = try self.trainings(box)
    try clear()
    let began = ContinuousClock.now

    Console.stage("1/7  A cohort of \(subjects) people, computed from an atlas (\(raw))")
    var phantom = PhantomOptions()
    (phantom.subjects, phantom.seed, phantom.shift, phantom.voxelSize) = (subjects, seed, shift, voxel)
    try writePhantom(phantom, to: raw, force: true)

    Console.stage("2/7  Checking and preparing the scans (\(prepared))")
    var preparation = Preparation()
    (preparation.seed, preparation.overwrite) = (seed, true)
    if let file = try splits() { preparation.splits = .file(file) }
    let cohort = try aginet.prepared(preparation, layout: "bids", folder: raw, output: prepared).cohort

    Console.stage("3/7  \(Demo.scenario) of the people who test, at once: the model that comes with aginet")
    let outside = try box.map { try completed($0, cohort) }
    if box == nil {
      Console.note("it is not installed (aginet models says more): the demo goes on without it")
    }

    Console.stage("4/7  Training, from random weights and, what has its network, from that model")
    Interruption.watch()
    let runs = try trainings.map { try train($0, cohort, device) }
    try Interruption.release()

    Console.stage("5/7  Scoring on the test split, beside a copy of a source and an intensity look-up")
    let progress = ProgressBar.named("slices")
    var options = Assessment.Options()
    (options.shown, options.outside) = (.typical, [outside].compactMap { $0 })
    let assessment = try Assessment(of: runs, on: cohort, options, device: device, progress: progress)
    for run in runs { try assessment.write(to: run.folder.evaluation(Split.test.rawValue)) }

    Console.stage("6/7  Synthesising one test patient's T1 from their T2 and PD files")
    let written = try synthesize(runs[0], cohort, device)

    Console.stage("7/7  Writing the report")
    var choice = Report.Options()
    choice.commands = ["aginet demo" + (CommandLine.arguments.dropFirst(2).map { " " + $0 }.joined())]
    let path = output + "/report.html"
    let report = try Report(
      runs, assessment: assessment, cohort: cohort, options: choice, device: device, progress: progress)
    try report.write(to: path)

    try Console.result(assessment.table.written(as: .markdown))
    for standing in report.standings {
      try Console.result(standing.sentence)
      for reason in standing.reasons { try Console.result("  - \(reason)") }
    }
    try Console.result("report:      \(path)\nsynthesised: \(written)")
    for file in outside?.written ?? [] { try Console.result("             \(file)") }
    Console.note("the demo took \(Int((ContinuousClock.now - began).seconds.rounded())) s")
  }

  /// Makes room, but never in a folder that holds anything but an earlier demo.
  private func clear() throws {
    let files = FileManager.default
    let inside = (try? files.contentsOfDirectory(atPath: output)) ?? []
    guard !inside.isEmpty else { return try RunFolder.make(output) }
    // A study of somebody's own may well lie in a folder named raw.
    let description = files.contents(atPath: raw + "/dataset_description.json") ?? Data()
    guard String(decoding: description, as: UTF8.self).contains("\"aginet phantom\"") else {
      throw Failure(.cannotWrite, "\(output): holds something other than a demo; choose another -o")
    }
    guard force else {
      throw Failure(
        .cannotWrite, "\(output): an earlier demo is here; replace it with --force, or choose another -o")
    }
  }

  /// Writes who trains, validates and tests, where there are enough that six may test: a seeded split would let too few for a
  /// verdict.
  private func splits() throws -> String? {
    let people = try BIDSCohort(folder: raw).subjects.map(\.id)
    guard people.count >= 3 * Demo.tested else { return nil }
    var random = RandomSource(seed: seed, stream: 0x64_656d_6f)
    let drawn = random.permutation(people.count).map { people[$0] }
    let held = Demo.tested + 2
    let splits = Splits(
      train: drawn.dropFirst(held).sorted(), validation: drawn[Demo.tested..<held].sorted(),
      test: drawn.prefix(Demo.tested).sorted())
    let file = output + "/splits.json"
    try AtomicFile.write(splits.json() + "\n", to: file)
    return file
  }

  // MARK: - The model in the box

  private func completed(_ box: ModelInTheBox, _ cohort: PreparedCohort) throws -> OutsideModel {
    var options = OutsideModel.Options()
    options.batchSize = batch
    var bar = ProgressBar(box.name, unit: "people")
    let outside = try OutsideModel(
      box.model, named: box.name, on: cohort, from: BIDSCohort(folder: raw), for: Demo.scenario,
      into: "\(output)/derivatives/\(box.name)", options
    ) { bar.show($0, of: $1) }
    Console.note(
      "\(box.name) made the T1 of \(outside.written.count.people) in \(String(format: "%.0f", outside.seconds)) s, without any training"
    )
    return outside
  }

  // MARK: - Training

  /// Something to train, and where.
  private struct Training {
    var folder: String
    var experiment: Experiment
    var start: ModelStart?
  }

  /// AGI-Net as the paper has it, and ResUnet: the network of the model in the box, from random weights and from its own.
  private func trainings(_ box: ModelInTheBox?) throws -> [Training] {
    var (agiNet, resunet) = (GeneratorSettings(), GeneratorSettings())
    (agiNet.name, agiNet.width, resunet.name, resunet.width) = ("agi-net", width, "resunet", width)
    let first = Training(folder: agiNet.name, experiment: try experiment(agiNet, steps: 1000))
    guard let box else {
      return [first, Training(folder: resunet.name, experiment: try experiment(resunet, steps: 1000))]
    }
    resunet = box.start.trained.network
    let scratch = try experiment(resunet, steps: 250)
    var tuned = scratch
    (tuned.from, tuned.learningRate) = (box.start.sha256, 5e-4)
    let name = resunet.name == agiNet.name ? "\(resunet.name)-\(resunet.width)" : resunet.name
    return [
      first, Training(folder: name, experiment: scratch),
      Training(folder: "\(name)-from-\(box.name)", experiment: tuned, start: box.start),
    ]
  }

  private func experiment(_ network: GeneratorSettings, steps: Int) throws -> Experiment {
    var experiment = Experiment()
    (experiment.network, experiment.scenario, experiment.seed) = (network, Demo.scenario, seed)
    (experiment.iterations, experiment.batchSize) = (iterations ?? steps, batch)
    // A few minutes of training want larger steps than the paper's 120,000 iterations.
    (experiment.learningRate, experiment.schedule) = (1e-3, .linear)
    (experiment.validateEvery, experiment.validationSlices) = (max(1, experiment.iterations / 8), 32)
    experiment.checkpointEvery = max(1, experiment.iterations / 4)
    try experiment.check()
    return experiment
  }

  private func train(_ training: Training, _ cohort: PreparedCohort, _ device: Device) throws -> Run {
    var setting = Run.Setting()
    (setting.device, setting.overwrites, setting.start) = (device, true, training.start)
    // The discriminator as thin as the generator.
    let experiment = training.experiment.fitted(to: cohort.manifest.extent)
    var display = TrainingDisplay(experiment)
    return try Run.train(
      experiment, on: cohort, into: "\(output)/\(training.folder)", setting,
      shouldStop: { Interruption.requested }, observe: { display.show($0) })
  }

  /// As a hospital would: from files to a file, as a BIDS derivative.
  private func synthesize(_ run: Run, _ cohort: PreparedCohort, _ device: Device) throws -> String {
    guard let subject = cohort.subjects(in: .test).first?.id else {
      throw Failure(.inconsistent, "\(prepared): the test split is empty")
    }
    let source = try BIDSCohort(folder: raw)
    guard let patient = source.subjects.first(where: { $0.id == subject }) else {
      throw Failure(.inconsistent, "\(raw): \(subject) is not there any more")
    }
    let folder = "\(output)/derivatives/aginet/\(subject)/anat"
    try RunFolder.make(folder)
    var job = PatientSynthesis(
      model: try run.model(device: device), output: "\(folder)/\(subject)_desc-synth_T1w.nii.gz")
    job.replaces = true
    job.intensity = .reference
    var bar = ProgressBar("synthesising", unit: "slices")
    _ = try job.run(Demo.scenario.sources.map { ($0, try patient.path(of: $0)) }) { bar.show($0, of: $1) }
    return job.output
  }
}

/// The newest model that comes with the program: as what makes images, and as the start of a training.
private struct ModelInTheBox {
  let name: String
  let model: TrainedModel
  let start: ModelStart

  /// Nil where the program was installed without it.
  /// - Throws: what `ShippedModel.find` throws of a file that is another.
  init?(_ device: Device) throws {
    guard let name = ShippedModel.all.first?.name else { return nil }
    do {
      let file = try ShippedModel.find(named: name)
      (model, start) = (try TrainedModel(file: file, device: device), try ModelStart(file: file))
    } catch let failure as Failure where failure.kind == .notFound {
      return nil
    }
    self.name = name
  }
}
