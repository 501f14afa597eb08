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
      "Make a cohort, train AGI-Net and ResUnet on it, score them, synthesise a patient, write a report.",
    discussion: example("aginet demo"))

  @Option(name: .shortAndLong, help: "The folder for everything the demo makes.")
  var output = "demo"
  @Option(help: "Subjects of the generated cohort.")
  var subjects = 16
  @Option(help: "Largest shift between modalities, in mm.")
  var shift = 1.0
  @Option(help: "Training steps of each network.")
  var iterations = 1000
  @Option(help: "Channels of the first level.")
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
  private static let scenario = Scenario(sources: [.t2, .pd], target: .t1)

  func run() throws {
    let device = try compute.apply()
    let experiments = try ["agi-net", "resunet"].map(experiment)
    try clear()
    let began = ContinuousClock.now

    Console.stage("1/6  A cohort of \(subjects) people, computed from an atlas (\(raw))")
    var phantom = PhantomOptions()
    (phantom.subjects, phantom.seed, phantom.shift) = (subjects, seed, shift)
    try writePhantom(phantom, to: raw, force: true)

    Console.stage("2/6  Checking and preparing the scans (\(prepared))")
    var preparation = Preparation()
    (preparation.seed, preparation.overwrite) = (seed, true)
    let cohort = try aginet.prepared(preparation, layout: "bids", folder: raw, output: prepared).cohort

    Console.stage("3/6  Training, \(iterations) steps each: \(Demo.scenario)")
    Interruption.watch()
    let runs = try experiments.map { try train($0, cohort, device) }
    try Interruption.release()

    Console.stage("4/6  Scoring on the test split, beside a copy of a source and an intensity look-up")
    let progress = ProgressBar.named("slices")
    var options = Assessment.Options()
    options.shown = .typical
    let assessment = try Assessment(of: runs, on: cohort, options, device: device, progress: progress)
    for run in runs { try assessment.write(to: run.folder.evaluation(Split.test.rawValue)) }

    Console.stage("5/6  Synthesising one test patient's T1 from their T2 and PD files")
    let written = try synthesize(runs[0], cohort, device)

    Console.stage("6/6  Writing the report")
    var choice = Report.Options()
    choice.commands = ["aginet demo" + (CommandLine.arguments.dropFirst(2).map { " " + $0 }.joined())]
    let path = output + "/report.html"
    try Report(
      runs, assessment: assessment, cohort: cohort, options: choice, device: device, progress: progress
    )
    .write(to: path)

    try Console.result(assessment.table.written(as: .markdown))
    for sentence in assessment.verdict(networks: runs.count) { try Console.result(sentence) }
    try Console.result("report:      \(path)\nsynthesised: \(written)")
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

  private func experiment(_ network: String) throws -> Experiment {
    var experiment = Experiment()
    (experiment.network.name, experiment.scenario, experiment.seed) = (network, Demo.scenario, seed)
    (experiment.iterations, experiment.network.width, experiment.batchSize) = (iterations, width, batch)
    // A few minutes of training want larger steps than the paper's 120,000 iterations.
    (experiment.learningRate, experiment.schedule) = (1e-3, .linear)
    (experiment.validateEvery, experiment.validationSlices) = (max(1, iterations / 8), 32)
    experiment.checkpointEvery = max(1, iterations / 4)
    try experiment.check()
    return experiment
  }

  private func train(_ experiment: Experiment, _ cohort: PreparedCohort, _ device: Device) throws -> Run {
    var setting = Run.Setting()
    (setting.device, setting.overwrites) = (device, true)
    // The discriminator as thin as the generator.
    let experiment = experiment.fitted(to: cohort.manifest.extent)
    var display = TrainingDisplay(experiment)
    let folder = "\(output)/\(experiment.network.name)"
    return try Run.train(
      experiment, on: cohort, into: folder, setting, shouldStop: { Interruption.requested },
      observe: { display.show($0) })
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
