import Experiments
import Failures
import Files
import Foundation
import Torch
import Training

extension Experiment {
  /// What this experiment would have to be to go on with a run of `before`; equal to it where it may.
  ///
  /// A run may be made longer, and looked at more or less often; all else would be another run. (A schedule that ends
  /// with the run would have been another one from its middle on.)
  func continuing(_ before: Experiment) -> Experiment {
    var same = before
    if self.schedule == .constant { same.iterations = self.iterations }
    (same.validateEvery, same.validationSlices) = (self.validateEvery, self.validationSlices)
    same.checkpointEvery = self.checkpointEvery
    return same
  }

  /// What keeps it from going on with a run of `before`, as `learningRate 0.1 instead of 0.0001`; nil where nothing does.
  func hindrance(to before: Experiment) throws -> String? { try changes(from: continuing(before)) }

  /// What differs, in one line; nil where nothing does.
  package func changes(from other: Experiment) throws -> String? {
    self == other ? nil : try differences(from: other).joined(separator: ", ")
  }
}

extension RunFolder {
  /// The last iteration that the log tells of; 0 where there is none.
  package var loggedIteration: Int {
    guard let data = FileManager.default.contents(atPath: log) else { return 0 }
    let rows = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
    // A spreadsheet that saved it may have put other marks between numbers, and quotes about them.
    return rows.last.flatMap { Int($0.drop { $0 == "\"" }.prefix { $0.isNumber }) } ?? 0
  }
}

extension Run {
  /// The experiment that a run folder's checkpoint was made by: what a resumed run goes on with.
  ///
  /// `experiment.json` is for people, and people change it. Where it disagrees with the checkpoint, neither is believed;
  /// where it is gone, the checkpoint's own counts. Checkpoints of aginet 0.1.0 carry it too.
  /// - Parameter verifying: whether the checkpoint's checksum is compared, which reads all of it.
  /// - Throws: `.notFound` where there is neither, `.inconsistent` where they disagree, naming what differs and what to do.
  public static func resumable(in path: String, verifying: Bool = true) throws -> Experiment {
    let folder = RunFolder(path)
    let stands = FileManager.default.fileExists(atPath: folder.experiment)
    guard stands || folder.hasCheckpoint else {
      throw Failure(
        .notFound, "\(path): nothing to resume (no experiment.json); train without \(Term.resumes)")
    }
    guard folder.hasCheckpoint else { return try Run(opening: path).experiment }
    let file = try Safetensors(contentsOf: folder.last, verifying: verifying)
    guard file.metadata[TrainedModel.experimentKey] != nil else { return try Run(opening: path).experiment }
    let trained = try TrainedModel.experiment(of: file)
    guard stands else { return trained }
    let remedy = "delete it to go on as before, or train anew with \(Term.overwrites)"
    let written: Experiment
    do { written = try Run(opening: path).experiment } catch let failure as Failure {
      throw Failure(.inconsistent, "\(failure.message); \(remedy)")
    }
    if let changes = try written.hindrance(to: trained) {
      throw Failure(
        .inconsistent,
        "\(folder.experiment): was changed since the checkpoint was made (\(changes)); \(remedy)")
    }
    return written
  }

  /// How exactly the run in a folder was trained (`LibTorch.precision`) until its last checkpoint.
  /// - Throws: `.notFound` or `.invalidModel` for a checkpoint that cannot be read; `.invalidModel` where it names a precision
  ///   that is not known.
  public static func precision(in path: String) throws -> Precision {
    let folder = RunFolder(path)
    guard folder.hasCheckpoint else { return .float32 }
    let file = try Safetensors(contentsOf: folder.last, verifying: false)
    guard let written = file.metadata[precisionKey] else { return .float32 }
    guard let precision = Precision(rawValue: written) else {
      throw Failure(
        .invalidModel,
        "\(folder.last): was trained in the precision '\(written)', which this aginet does not know; use a newer one"
      )
    }
    return precision
  }

  private static var precisionKey: String { "aginet.precision" }

  /// How exactly steps are computed now: a CPU has no TF32.
  private static func currentPrecision(on device: Device) -> Precision {
    device == .cpu && LibTorch.precision == .tf32 ? .float32 : LibTorch.precision
  }

  /// What a checkpoint says of it; nothing where that is in full.
  static func precision(on device: Device) -> [String: String] {
    let precision = currentPrecision(on: device)
    return precision == .float32 ? [:] : [precisionKey: precision.rawValue]
  }

  /// Says where a run goes on in another precision than it was trained in: it is then neither the one run nor the other.
  static func noteOtherPrecision(
    in folder: RunFolder, on device: Device, _ observe: (TrainingEvent) throws -> Void
  ) throws {
    let (before, now) = (try precision(in: folder.path), currentPrecision(on: device))
    guard before != now else { return }
    try observe(.note("\(folder.path): was trained in \(before.title), and goes on in \(now.title)"))
  }

  /// Makes sure that what is in a folder may be continued.
  static func refuseAnother(_ experiment: Experiment, in folder: RunFolder) throws {
    // Compared when the run was looked for, and again when the tensors are read.
    if let changes = try experiment.hindrance(to: resumable(in: folder.path, verifying: false)) {
      throw Failure(
        .inconsistent,
        "\(folder.path): was started with other settings (\(changes)); resume without naming them, or train anew"
      )
    }
  }
}
