import ArgumentParser
import Experiments
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

  @OptionGroup var patient: PatientOptions
  @Option(help: "unit: [0, 1]; reference: the training cohort's median scale of the target undone.")
  var intensity = Synthesizer.Intensity.unit
  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let files = try patient.checked()
    let device = try compute.apply()
    let model = try TrainedModel(file: patient.model, device: device)
    // Before it is asked how it draws: another command serves a segmentation.
    _ = try model.synthesizer
    try model.method.change(drawing.change)
    var job = PatientSynthesis(model: model, output: patient.written)
    (job.intensity, job.batchSize) = (intensity, patient.batch)
    (job.replaces, job.voxelLimit) = (patient.force, patient.maxVoxels)
    if patient.estimate { return try job.estimate(files).print(asJSON: patient.json, on: device) }
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
    try Console.result(patient.json ? sidecar.json : patient.written)
  }
}

extension Synthesizer.Intensity: ExpressibleByArgument {}
