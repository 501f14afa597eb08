import Foundation
import Imaging
import PipelineSupport

/// A cohort prepared and a tiny model trained by the program itself, once for all tests of this target; the folder
/// goes when the process ends.
enum Trained {
  private static let scratch: Result<Scratch, any Error> = Result {
    let scratch = try Scratch()
    atexit { if case .success(let scratch) = Trained.scratch { scratch.remove() } }
    try makeBIDS(scratch("raw"))
    try scratch.write(splits, to: "splits.json")
    let aginet = try Command(in: scratch.path)
    let prepared = try aginet(
      "prepare", "bids", "raw", "-o", "cohort", "--splits", "splits.json", "--slices", "all")
    let trained = try aginet(tinyTraining(12) + ["--data", "cohort", "-o", "run"])
    guard prepared.code == 0, trained.code == 0 else {
      throw Unprepared(messages: prepared.messages + trained.messages)
    }
    return scratch
  }

  struct Unprepared: Error { var messages: String }

  static func path(_ name: String) throws -> String { try scratch.get()(name) }
  /// A copy of the run as training left it, for tests that score or change one: the run itself is for reading, by all.
  static func copyRun(to folder: String) throws {
    let (files, run) = (FileManager.default, try path("run"))
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in try files.contentsOfDirectory(atPath: run)
    where !name.hasPrefix(".") && !["evaluation", "report.html"].contains(name) {
      try files.copyItem(atPath: run + "/" + name, toPath: folder + "/" + name)
    }
  }

  static var cohort: String { get throws { try path("cohort") } }
  static var model: String { get throws { try path("run/model.safetensors") } }
  /// A scan of the subject held out for testing.
  static func scan(_ modality: Modality) throws -> String { bidsPath(try path("raw"), 5, modality) }
}

/// The same of patients with tumours: a cohort, a segmentation `seg` and a synthesis `run`.
enum TrainedOnTumours {
  private static let scratch: Result<Scratch, any Error> = Result {
    let scratch = try Scratch()
    atexit { if case .success(let scratch) = TrainedOnTumours.scratch { scratch.remove() } }
    try makeTumours(scratch("raw"))
    try scratch.write(splits, to: "splits.json")
    let aginet = try Command(in: scratch.path)
    let made = try [
      ["prepare", "bids", "raw", "-o", "cohort", "--splits", "splits.json", "--slices", "all"],
      tinyTraining(2) + ["--data", "cohort", "-o", "run"],
      tinySegmentation(20) + ["--data", "cohort", "-o", "seg"],
    ].map { try aginet($0) }
    guard made.allSatisfy({ $0.code == 0 }) else {
      throw Trained.Unprepared(messages: made.map(\.messages).joined())
    }
    return scratch
  }

  static func path(_ name: String) throws -> String { try scratch.get()(name) }
  /// A scan of the subject held out for testing.
  static func scan(_ modality: Modality) throws -> String { bidsPath(try path("raw"), 5, modality) }
}

/// A training of a segmentation that takes a moment; data and output are missing.
func tinySegmentation(_ iterations: Int) -> [String] {
  [
    "train", "--method", "segmentation", "--sources", "t1,t2", "--width", "4", "--batch", "2", "--rate",
    "3e-3",
    "--iterations", "\(iterations)", "--threads", "1", "--set", "validateEvery=10", "--set",
    "checkpointEvery=10",
  ]
}

/// A training command that takes a moment; data and output are missing.
func tinyTraining(_ iterations: Int, checkpointEvery: Int = 2) -> [String] {
  [
    "train", "--sources", "t1,t2", "--target", "pd", "--width", "4", "--groups", "4", "--batch", "2",
    "--iterations", "\(iterations)", "--threads", "1", "--set", "pix2pix.discriminatorWidth=4", "--set",
    "validateEvery=3", "--set", "checkpointEvery=\(checkpointEvery)",
  ]
}

/// Waits until `condition` holds, or so long that something must be broken.
func waits(upTo milliseconds: Int = 60_000, for condition: () -> Bool) -> Bool {
  for _ in 0..<milliseconds {
    if condition() { return true }
    usleep(1000)
  }
  return false
}
