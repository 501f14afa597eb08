import ArgumentParser
import Experiments
import Failures
import Imaging

/// A patient's volumes and what is made of them: flags of every command that computes something of one patient.
struct PatientOptions: ParsableArguments {
  @Option(
    help:
      "A model file that 'aginet train' wrote (model.safetensors), its run folder, or the name of a model that came with the program (default: the newest of those, which makes contrasts and segments nothing)."
  )
  var model: String?
  @Option(parsing: .singleValue, help: "T1-weighted volume (NIfTI).")
  var t1: [String] = []
  @Option(parsing: .singleValue, help: "T2-weighted volume.")
  var t2: [String] = []
  @Option(parsing: .singleValue, help: "PD-weighted volume.")
  var pd: [String] = []
  @Option(parsing: .singleValue, help: "FLAIR volume.")
  var flair: [String] = []
  @Option(
    name: [.long, .customLong("t1c"), .customLong("t1ce")], parsing: .singleValue,
    help: "T1-weighted volume after gadolinium.")
  var t1gd: [String] = []
  @Option(
    name: .shortAndLong,
    help: "The volume to write: .nii or .nii.gz; a .json sidecar goes beside it. An estimate needs none.")
  var output: String?
  @Option(help: "Slices, or patches of a model of volumes, through the network at a time.")
  var batch = 2
  @Option(help: "Most voxels a volume may have.")
  var maxVoxels = NIfTI.defaultVoxelLimit
  @Flag(
    help: "Say what memory and time it will take, by a single batch, and write nothing; with --json as JSON.")
  var estimate = false
  @Flag(help: "Print the sidecar; of several images a list of theirs.")
  var json = false

  /// The volume to write; of an estimate it may be nothing.
  var written: String { output ?? "" }

  /// The model file that is meant.
  func modelFile() throws -> String { try ShippedModel.file(model) }

  /// The volumes that were named.
  /// - Throws: `.usage` for numbers out of bounds, and where no volume is named or none is to be written.
  func checked() throws -> [(modality: Modality, path: String)] {
    try check("batch", batch, Bounds.batch)
    guard estimate || output != nil else {
      throw Failure(.usage, "-o: name the volume to write, such as -o out.nii.gz")
    }
    try check("max-voxels", maxVoxels, Bounds.voxels)
    let given = [(Modality.t1, t1), (.t2, t2), (.pd, pd), (.flair, flair), (.t1gd, t1gd)]
    for (modality, paths) in given where paths.count > 1 {
      let files = paths.joined(separator: " and ")
      throw Failure(
        .usage, "\(Term.scan(modality.rawValue)) is given twice: \(files); name one scan of each contrast")
    }
    let files = given.flatMap { modality, paths in paths.map { (modality: modality, path: $0) } }
    guard !files.isEmpty else {
      throw Failure(.usage, "name the patient's volumes, such as --t1 a.nii.gz --t2 b.nii.gz")
    }
    return files
  }
}
