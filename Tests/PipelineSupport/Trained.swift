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

  private static let ofAnySubset: Result<String, any Error> = Result {
    let folder = try scratch.get()("any")
    var experiment = tinyExperiment(method: "unified", network: "agi-net", iterations: 2)
    experiment.scenario = Scenario(completing: [.t1, .t2, .pd])
    _ = try Run.train(experiment, on: cohort(), into: folder)
    return folder
  }
  /// A model that makes whatever is missing of T1, T2 and PD, of the same cohort.
  public static func anySubset() throws -> TrainedModel {
    try Run(opening: ofAnySubset.get()).model(device: .cpu)
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
