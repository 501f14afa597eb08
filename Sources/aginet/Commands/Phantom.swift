import ArgumentParser
import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging

struct PhantomCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "phantom",
    abstract: "Compute a cohort by MR physics from an anatomical atlas, as a BIDS folder of NIfTI files.",
    discussion: example(
      "aginet phantom -o raw --subjects 24 --shift 1.0",
      "aginet phantom --random --anatomies anatomies --sheet sheet.png",
      "aginet phantom --anatomies anatomies --pack packed"))

  @Option(name: .shortAndLong, help: "The BIDS folder to write.")
  var output: String?
  @Flag(
    help: "Show what heads are computed for training instead: what is given, and beside it what is asked for."
  )
  var random = false
  @Option(help: "With --random or --pack: the folder of label maps that heads are drawn from.")
  var anatomies: String?
  @Option(
    help:
      "With --anatomies: write what heads are drawn from, cropped and as tissues, to this new folder, which takes its place and is smaller and read sooner."
  )
  var pack: String?
  @Option(help: "With --random: the PNG picture to write.")
  var sheet: String?
  @Option(help: "How many subjects.")
  var subjects = PhantomOptions().subjects
  @Option(help: "The same seed and options give the same bytes.")
  var seed = PhantomOptions().seed
  @Option(help: "Largest translation of each scan against the T1 scan, in mm.")
  var shift = PhantomOptions().shift
  @Option(help: "Edge of a voxel, in mm.")
  var voxel = PhantomOptions().voxelSize
  @Option(help: "Noise, as a share of grey matter's signal.")
  var noise = PhantomOptions().noise
  @Option(help: "Strength of the bias field.")
  var bias = PhantomOptions().bias
  @Option(help: "1.5 or 3 (tesla).")
  var field = 3.0
  @Option(help: "Share of subjects with a glioma.")
  var tumours = PhantomOptions().tumours
  @Option(help: "Share of subjects with white-matter lesions.")
  var plaques = PhantomOptions().plaques
  @Option(help: "Threads (default: all cores); they do not change the result.")
  var threads: Int?
  @Flag(help: "Replace what is in the output folder.")
  var force = false
  @OptionGroup var common: CommonOptions

  func run() throws {
    if let threads { try check("threads", threads, Bounds.threads) }
    if let pack { return try write(pack) }
    if random { return try writeSheet() }
    guard anatomies == nil, sheet == nil else {
      throw Failure(.usage, "--anatomies and --sheet show computed heads: add --random, or --pack FOLDER")
    }
    guard let output else { throw Failure(.usage, "--output is missing: the BIDS folder to write") }
    var options = PhantomOptions()
    (options.subjects, options.seed, options.shift, options.voxelSize) = (subjects, seed, shift, voxel)
    (options.noise, options.bias, options.fieldStrength) = (noise, bias, field)
    (options.tumours, options.plaques) = (tumours, plaques)
    try writePhantom(options, to: output, force: force, threads: threads)
    try Console.result(output)
  }

  /// The anatomies as they are used.
  private func write(_ pack: String) throws {
    guard let anatomies, !random, sheet == nil, output == nil else {
      throw Failure(.usage, "--pack needs --anatomies FOLDER, and no --random, --sheet and --output")
    }
    guard !Path.isInside(pack, anatomies) else {
      throw Failure(
        .refused,
        "\(pack): is in the folder of anatomies, an input, which is never written to; choose another --pack")
    }
    let heads = try Anatomies(folder: anatomies, threads: threads ?? Parallel.coreCount)
    try heads.write(to: pack)
    // What was written is what is read.
    guard try Anatomies(folder: pack, threads: threads ?? Parallel.coreCount).digest == heads.digest else {
      throw Failure(.unexpected, "\(pack): is not read back as \(anatomies); remove it")
    }
    try Console.result(pack)
  }

  /// Eight heads as they are drawn for training.
  private func writeSheet() throws {
    guard let anatomies, let sheet, output == nil else {
      throw Failure(.usage, "--random needs --anatomies FOLDER and --sheet FILE.png, and no --output")
    }
    let file = try AtomicFile(sheet, replacing: force)
    let sampler = try PhysicsSampler(
      Anatomies(folder: anatomies, threads: threads ?? Parallel.coreCount), PhysicsOptions(),
      modalities: [.t1, .t2, .pd, .flair, .t1gd], extent: Extent(128, 128), batchSize: 8, seed: seed)
    try file.append(PhysicsSheet(sampler).png())
    try file.commit()
    let names = sampler.modalities.titles
    Console.note("a row a head; columns: \(names) as they are given, then the same as they are asked for")
    try Console.result(sheet)
  }
}

/// Computes a phantom cohort with a progress bar.
func writePhantom(_ options: PhantomOptions, to folder: String, force: Bool, threads: Int? = nil) throws {
  let phantom = try Phantom(atlas: Installation.atlas(), options: options)
  let bar = SharedBar(ProgressBar("computing", unit: "subjects"))
  try phantom.write(to: folder, force: force, threads: threads ?? Parallel.coreCount) { done, total in
    bar.show(done, of: total)
  }
}
