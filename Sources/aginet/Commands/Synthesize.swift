import ArgumentParser
import Experiments
import Failures
import Foundation
import Imaging
import Inference
import Methods
import Runs

struct Synthesize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compute the missing modality of one patient, on the patient's own grid.",
    discussion: example(
      "aginet synthesize --model run/model.safetensors \\",
      "    --t1 a.nii.gz --t2 b.nii.gz -o pd.nii.gz"))

  @Option(help: "A model file that 'aginet train' wrote (model.safetensors).")
  var model: String
  @Option(help: "T1-weighted volume (NIfTI).")
  var t1: String?
  @Option(help: "T2-weighted volume.")
  var t2: String?
  @Option(help: "PD-weighted volume.")
  var pd: String?
  @Option(help: "FLAIR volume.")
  var flair: String?
  @Option(
    name: [.long, .customLong("t1c"), .customLong("t1ce")], help: "T1-weighted volume after gadolinium.")
  var t1gd: String?
  @Option(name: .shortAndLong, help: "The volume to write: .nii or .nii.gz; a .json sidecar goes beside it.")
  var output: String
  @Option(help: "unit: [0, 1]; reference: the training cohort's median scale of the target undone.")
  var intensity = Synthesizer.Intensity.unit
  @Option(help: "Slices, or patches of a model of volumes, through the network at a time.")
  var batch = 2
  @Option(help: "Most voxels a volume may have.")
  var maxVoxels = NIfTI.defaultVoxelLimit
  @Flag(help: "Replace existing outputs.")
  var force = false
  @Flag(
    help: "Say what memory and time it will take, by a single batch, and write nothing; with --json as JSON.")
  var estimate = false
  @Flag(help: "Print the sidecar.")
  var json = false
  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try check("batch", batch, Bounds.batch)
    guard (1...1_000_000_000_000).contains(maxVoxels) else {
      throw Failure(.usage, "--max-voxels \(maxVoxels): must be from 1 to 1e12")
    }
    let given = [(Modality.t1, t1), (.t2, t2), (.pd, pd), (.flair, flair), (.t1gd, t1gd)]
    let files = given.compactMap { modality, path in path.map { (modality: modality, path: $0) } }
    guard !files.isEmpty else {
      throw Failure(.usage, "name the patient's volumes, such as --t1 a.nii.gz --t2 b.nii.gz")
    }
    let device = try compute.apply()
    let model = try TrainedModel(file: model, device: device)
    try model.method.change(drawing.change)
    var job = PatientSynthesis(model: model, output: output)
    (job.intensity, job.batchSize, job.replaces, job.voxelLimit) = (intensity, batch, force, maxVoxels)
    if estimate { return try job.estimate(files).print(asJSON: json, on: device) }
    let samples = model.card.region.samples
    var bar = ProgressBar(
      "synthesising", unit: model.method.sampling == nil ? samples : "steps of \(samples)")
    let sidecar = try job.run(files) { bar.show($0, of: $1) }
    for note in sidecar.notes { Console.note("note: \(note)") }
    Console.note(
      String(
        format: "network output brought to [0, 1]: %.3f %% of voxels from below, %.3f %% from above",
        100 * sidecar.clippedBelow, 100 * sidecar.clippedAbove))
    Console.note(sidecar.warning)
    try Console.result(json ? sidecar.json : output)
  }
}

extension Synthesizer.Intensity: ExpressibleByArgument {}
