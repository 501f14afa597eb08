import ArgumentParser
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Methods
import Runs

struct Synthesize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compute the missing modality of one patient, on the patient's own grid.",
    discussion: example(
      "aginet synthesize --t1 a.nii.gz --t2 b.nii.gz \\",
      "    --target flair -o flair.nii.gz          # by the model in the box",
      "aginet synthesize --model run/model.safetensors \\",
      "    --t1 a.nii.gz --t2 b.nii.gz -o pd.nii.gz"))

  @OptionGroup var patient: PatientOptions
  @Option(
    help:
      "Of a model that makes whatever is missing: the contrasts to make, e.g. flair or t2,flair; all that are not given, if left out. Several go into the folder that -o names, a new one with a slash at its end."
  )
  var target: String?
  @Option(
    parsing: .upToNextOption,
    help:
      "unit: as the network sees images; reference: the training cohort's median scale of the target undone; like FILE: the scale of another scan of the target's contrast."
  )
  var intensity = ["unit"]
  @Flag(
    inversion: .prefixedNo,
    help:
      "Of a model that makes whatever is missing: hide each given scan in turn, and refuse a patient for whom it is predicted worse than by a constant image (--force goes on)."
  )
  var verify = true
  @Flag(
    help:
      "Replace existing outputs, and go on where the model may not serve the patient, which is refused otherwise (exit code 11); the sidecar's Overruled says why."
  )
  var force = false
  @OptionGroup var alignment: AlignmentOptions
  @OptionGroup var sight: SightOptions
  @OptionGroup var drawing: DrawingOptions
  @OptionGroup var exactness: PrecisionOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let files = try patient.checked()
    let targets = try target.map(modalities)
    let alignment = try alignment.checked(files.map(\.modality))
    let intensity = try scale()
    let device = try compute.apply()
    try exactness.apply(on: device)
    let model = try TrainedModel(file: patient.modelFile(), device: device)
    // Before it is asked how it draws: another command serves a segmentation.
    _ = try model.synthesizer
    try model.method.change(drawing.change)
    var job = PatientSynthesis(model: model, output: patient.written)
    (job.targets, job.intensity, job.batchSize) = (targets, intensity, patient.batch)
    (job.replaces, job.voxelLimit) = (force, patient.maxVoxels)
    (job.verifies, job.acceptsDoubts, job.isAxialAlone) = (verify, force, sight.axialOnly)
    (job.biasField, job.alignment) = (sight.biasField, alignment)
    if patient.estimate { return try job.estimate(files).print(asJSON: patient.json, on: device) }
    let samples = model.card.region.samples
    let unit = model.method.sampling == nil ? samples : "steps of \(samples)"
    var bar = ProgressBar("synthesising", unit: unit)
    let sidecars = try job.runAll(
      files, progress: { bar.show($0, of: $1) }, verifying: { bar.show($0, of: $1) },
      begins: { bar.begin($0) })
    let first = sidecars[0]
    for note in first.tellingNotes { Console.note("note: \(note)") }
    if let hidden = first.verification {
      Console.note("hidden in turn, the given scans were predicted at \(Verification(hidden: hidden).words)")
    }
    if first.isClipped {
      func share(_ value: Double) -> String { String(format: "%.1f %%", 100 * value) }
      Console.note(
        "network output brought to [0, \(String(format: "%g", model.card.intensityRule.ceiling))]: "
          + "\(share(first.clippedBelow)) of \(model.card.isOfHeads ? "the head's " : "")voxels from below, "
          + "\(share(first.clippedAbove)) from above")
    }
    Console.note(first.warning)
    if patient.json {
      try Console.result(sidecars.count == 1 ? first.json : sidecars.json(pretty: true))
    } else {
      for sidecar in sidecars { try Console.result(sidecar.file ?? patient.written) }
    }
  }

  /// What `--intensity` says.
  private func scale() throws -> Synthesizer.Intensity {
    switch (intensity.first, intensity.count) {
    case ("unit", 1): return .unit
    case ("reference", 1): return .reference
    case ("like", 2): return try .like(file: intensity[1], limit: patient.maxVoxels)
    default:
      throw Failure(
        .usage,
        "--intensity \(intensity.joined(separator: " ")): write unit, reference, or like and a scan of the target's contrast"
      )
    }
  }
}
