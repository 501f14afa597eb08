import ArgumentParser
import Experiments
import Foundation
import Imaging
import Inference
import Runs

struct Segment: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the regions of one patient's volumes, as a label map on the patient's own grid.",
    discussion: example(
      "aginet segment --model seg/model.safetensors --t1 a.nii.gz --t2 b.nii.gz \\",
      "    --flair c.nii.gz --t1gd d.nii.gz -o seg.nii.gz"))

  @OptionGroup var patient: PatientOptions
  @Flag(help: "Replace existing outputs.")
  var force = false
  @OptionGroup var alignment: AlignmentOptions
  @OptionGroup var exactness: PrecisionOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let files = try patient.checked()
    let alignment = try alignment.checked(files.map(\.modality))
    let device = try compute.apply()
    try exactness.apply(on: device)
    let model = try TrainedModel(file: patient.modelFile(), device: device)
    var job = PatientSegmentation(model: model, output: patient.written)
    (job.batchSize, job.replaces, job.voxelLimit) = (patient.batch, force, patient.maxVoxels)
    job.alignment = alignment
    if patient.estimate { return try job.estimate(files).print(asJSON: patient.json, on: device) }
    var bar = ProgressBar("segmenting", unit: model.card.region.samples)
    let sidecar = try job.run(files, progress: { bar.show($0, of: $1) }, begins: { bar.begin($0) })
    for note in sidecar.notes { Console.note("note: \(note)") }
    for region in sidecar.regions {
      let labels = region.labels.map { "\($0)" }.joined(separator: ", ")
      Console.note("\(region.name) (labels \(labels)): " + String(format: "%.2f ml", region.millilitres))
    }
    Console.note(sidecar.warning)
    try Console.result(patient.json ? sidecar.json : patient.written)
  }
}
