import ArgumentParser
import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Networks
import Runs
import Training

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a volume, a model file, a prepared cohort, a run folder or a network is.",
    discussion: example("aginet info run/model.safetensors", "aginet info --network agi-net --width 16"))

  @Argument(help: "A NIfTI file, a model.safetensors, a prepared cohort or a run folder.")
  var path: String?
  @OptionGroup(title: "Instead of a file: what the images of a framework or generator cost")
  var options: ExperimentOptions
  @Option(help: "Rows and columns of a slice.")
  var size = 256
  @Flag(
    help:
      "Of a framework or generator: say what memory and time an image and a training step take, by one each.")
  var estimate = false
  @Flag(help: "With --estimate: print it as JSON.")
  var json = false

  func validate() throws {
    let isNetwork = options.method != nil || options.network != nil
    guard (path != nil) != isNetwork else {
      throw ValidationError("Name a file or folder, or else a --method or --network.")
    }
  }

  func run() throws {
    guard path == nil || !estimate else {
      throw Failure(.usage, "--estimate goes with --method or --network")
    }
    guard estimate || !json else { throw Failure(.usage, "--json goes with --estimate") }
    if let path { return try Console.result(describe(path)) }
    try check("size", size, 1...4096)
    let experiment = try Experiment(settings: options.written())
    // First, while the process has held little.
    let needs = estimate ? try Needs(of: experiment, onSlices: Extent(size, size)) : nil
    if let needs, json { return try Console.result(needs.json(pretty: true)) }
    try Console.result(cost(of: experiment) + (needs?.rows ?? []))
  }

  /// What an image and a training step take.
  private struct Needs: Codable {
    var image: Estimate, trainingStep: Estimate

    init(of experiment: Experiment, onSlices slice: Extent) throws {
      image = try Run.estimate(imageOf: experiment, onSlices: slice)
      trainingStep = try Run.estimate(experiment, onSlices: slice)
    }

    var rows: [(String, String)] {
      func words(_ estimate: Estimate) -> String {
        let memory = estimate.memory.map { Estimate.gibibytes(Double($0)) } ?? "memory not told"
        return "\(memory), \(String(format: "%.3g s", estimate.batchSeconds))"
      }
      let batch = "\(trainingStep.batchSize) \(trainingStep.samples)"
      return [("an image", words(image)), ("a training step", words(trainingStep) + " for \(batch)")]
    }
  }

  private func describe(_ path: String) throws -> [(String, String)] {
    guard let isFolder = RunFolder.isFolder(path) else {
      throw Failure(.notFound, "\(path): no such file or folder")
    }
    if isFolder {
      if FileManager.default.fileExists(atPath: path + "/" + CohortManifest.fileName) {
        return try cohort(path)
      }
      let run = RunFolder(path)
      guard FileManager.default.fileExists(atPath: run.experiment) else {
        throw Failure(
          .notFound,
          "\(path): is neither a prepared cohort (no \(CohortManifest.fileName)) nor a run folder (no \(Path.name(run.experiment)))"
        )
      }
      return try modelRows(try Run(opening: path).modelFile)
    }
    return if [".safetensors", ".pth", ".pt", ".ckpt", ".bin"].contains(where: path.hasSuffix) {
      // Files of other programs are refused as models, not as images.
      try modelRows(path)
    } else {
      try volume(path)
    }
  }

  private func cost(of experiment: Experiment) throws -> [(String, String)] {
    let cost = try Cost(of: experiment, onSlices: Extent(size, size))
    let extent = experiment.extent(ofSlices: Extent(size, size))
    let operations =
      String(format: "%.3f G for a ", Double(cost.multiplyAdds) / 1e9)
      + "\(extent.dimensions == 2 ? "slice" : "patch") of \(extent)"
    return [
      ("network", "\(experiment.title), width \(experiment.network.width), \(experiment.scenario)"),
      ("parameters", cost.parameters.formatted()),
      ("multiply-adds", operations + (cost.evaluations > 1 ? ", times \(cost.evaluations) evaluations" : "")),
    ]
  }

  private func volume(_ path: String) throws -> [(String, String)] {
    let header = try NIfTI.readHeader(path: path)
    let (spacing, size) = (header.grid.affine.spacing, header.grid.dimensions)
    return [
      ("volume", "\(size.x) x \(size.y) x \(size.z) voxels, NIfTI-\(header.version.rawValue)"),
      ("voxel size", String(format: "%.4g x %.4g x %.4g mm", spacing.x, spacing.y, spacing.z)),
      ("orientation", "\(Orientation(of: header.grid.affine))"),
      ("type", "\(header.datatype)" + (header.isBigEndian ? ", big-endian" : "")),
      ("codes", "qform \(header.qformCode), sform \(header.sformCode), units \(header.units)"),
      ("description", header.description),
    ]
  }

  private func cohort(_ path: String) throws -> [(String, String)] {
    let cohort = try PreparedCohort(folder: path)
    let manifest = cohort.manifest
    func list(_ words: [String]) -> String { words.isEmpty ? "none" : words.joined(separator: "; ") }
    let splits = Split.allCases.map { split in
      let subjects = cohort.subjects(in: split)
      return
        "\(split.rawValue) \(subjects.count) subjects, \(subjects.reduce(0) { $0 + $1.slices.count }) slices"
    }
    return [
      ("prepared cohort", "\(manifest.name) (\(manifest.layout))"),
      ("modalities", manifest.modalities.titles),
      ("slices", "\(manifest.extent), rule \(manifest.sliceRule)"),
      ("splits", splits.joined(separator: "; ")), ("split by", manifest.splits),
      ("intensities", manifest.intensity),
      ("checksums", cohort.hasChecksums ? "yes" : "none (written by an earlier version)"),
      ("notes", list(manifest.notes ?? [])),
      ("left out", list(manifest.leftOut.map { "\($0.id): \($0.reason)" })),
    ]
  }
}
