import Cohorts
import Experiments
import Foundation
import Imaging
import Runs
import Torch

/// A tiny run on a tiny cohort, trained once for all tests of a process; it goes when the process ends.
public enum Trained {
  private static let scratch: Result<Scratch, any Error> = Result {
    let scratch = try Scratch()
    let cohort = try makeCohort(scratch)
    _ = try Run.train(tinyExperiment(), on: cohort, into: scratch("run"))
    atexit { if case .success(let scratch) = Trained.scratch { scratch.remove() } }
    return scratch
  }

  public static func run() throws -> Run { try Run(opening: scratch.get()("run")) }
  public static func model() throws -> TrainedModel { try run().model(device: .cpu) }
  public static func cohort() throws -> PreparedCohort { try PreparedCohort(folder: scratch.get()("cohort")) }
  /// A scan of the cohort that was prepared.
  public static func path(_ subject: Int, _ modality: Modality) throws -> String {
    bidsPath(try scratch.get()("raw"), subject, modality)
  }
}

/// The same of subjects with tumours: a segmentation and a synthesis of PD, trained once for all tests of a process.
public enum TrainedOnTumours {
  private static let scratch: Result<Scratch, any Error> = Result {
    let scratch = try Scratch()
    let cohort = try makeCohort(scratch, tumours: true)
    var segmentation = tinySegmentation(iterations: 120)
    (segmentation.validateEvery, segmentation.checkpointEvery) = (20, 120)
    _ = try Run.train(segmentation, on: cohort, into: scratch("segmentation"))
    _ = try Run.train(tinyExperiment(), on: cohort, into: scratch("synthesis"))
    atexit { if case .success(let scratch) = TrainedOnTumours.scratch { scratch.remove() } }
    return scratch
  }

  public static func segmentation() throws -> Run { try Run(opening: scratch.get()("segmentation")) }
  public static func synthesis() throws -> Run { try Run(opening: scratch.get()("synthesis")) }
  public static func cohort() throws -> PreparedCohort { try PreparedCohort(folder: scratch.get()("cohort")) }
  /// A scan of the cohort that was prepared.
  public static func path(_ subject: Int, _ modality: Modality) throws -> String {
    bidsPath(try scratch.get()("raw"), subject, modality)
  }
}
