import Cohorts
import Experiments
import Failures
import Foundation
import Imaging
import Metrics
import PipelineSupport
import Runs
import Testing
import Torch

/// A model that was not trained on a cohort, beside runs that were.
@Suite(.serialized) struct OutsideModelTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private let scenario = Scenario(sources: [.t1, .t2], target: .pd)

  /// Of whatever is missing, trained for a moment.
  private func model(on cohort: PreparedCohort) throws -> TrainedModel {
    var experiment = tinyExperiment(method: "unified", network: "resunet", iterations: 12)
    experiment.scenario = Scenario(completing: [.t1, .t2, .pd])
    return try Run.train(experiment, on: cohort, into: scratch("unified")).model(device: .cpu)
  }

  private func outside(
    _ cohort: PreparedCohort, fitted: Int = 4, progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws -> OutsideModel {
    var options = OutsideModel.Options()
    options.fitted = fitted
    return try OutsideModel(
      model(on: cohort), named: "boxed", on: cohort, from: BIDSCohort(folder: scratch("raw")), for: scenario,
      into: scratch("made"), options, progress: progress)
  }

  @Test func itIsScaledByPeopleWhoTrainAndScoredOnThoseWhoTest() throws {
    let cohort = try makeCohort(scratch)
    var progress: [Int] = []
    let outside = try outside(cohort, fitted: 2) { done, total in progress.append(10 * done + total) }
    #expect(progress == [13, 23, 33] && outside.fittedOn == ["sub-01", "sub-02"])
    #expect(outside.written.count == 1 && outside.seconds > 0)

    // The files' voxels themselves, in LPS order as they were written, padded from 28 x 30 to 32 x 32.
    func made(_ subject: Int) throws -> Volume {
      let name = "sub-0\(subject)/anat/sub-0\(subject)_space-individual_desc-synthetic_PDw.nii.gz"
      return try NIfTI.read(path: scratch("made/\(name)")).volume
    }
    var (product, square) = (0.0, 0.0)
    for subject in [1, 2] {
      let (made, truth) = (try made(subject), scan(.pd, subject: subject))
      let scale = try #require(cohort.manifest.subjects[subject - 1].scale(of: .pd))
      for slice in 1..<6 {
        for (value, wanted) in zip(made.slice(slice), truth.slice(slice)) {
          product += Double(value) * min(Double(wanted) / scale, 1)
          square += Double(value) * Double(value)
        }
      }
    }
    #expect(abs(outside.factor / (product / square) - 1) < 1e-3)
    let batch = try cohort.batches(in: .test, SampleContents(scenario, labels: false), batchSize: 5)[0]
    let rows = outside.rows
    #expect(rows.map(\.name) == ["boxed", "boxed, curve fitted"])
    let values = rows[0].predict(batch)
    let image = try made(5)
    for (index, slice) in (1..<6).enumerated() {
      let plane = image.slice(slice)
      for (row, column) in [(1, 2), (16, 16), (30, 29), (12, 20)] {
        let expected = plane[(row - 1) * 28 + column - 2] * Float(outside.factor)
        #expect(abs(values[(index * 32 + row) * 32 + column] - expected) < 1e-6)
      }
      #expect(values[index * 1024] == 0 && values[index * 1024 + 1023] == 0)
    }
    // A curve of truths stays among them.
    #expect(rows[1].predict(batch).allSatisfy { (0...1).contains($0) })
  }

  @Test func itStandsBetweenRunsAndBaselines() throws {
    let cohort = try makeCohort(scratch)
    var options = Assessment.Options()
    (options.outside, options.shown) = ([try outside(cohort)], .typical)
    let run = try Run.train(tinyExperiment(iterations: 1), on: cohort, into: scratch("run"))
    let assessment = try Assessment(of: [run], on: cohort, options, device: .cpu)
    #expect(
      assessment.models.map(\.name) == [
        "AGI-Net (pix2pix)", "boxed", "boxed, curve fitted", "Copy of T2", "Intensity look-up",
      ])
    #expect(assessment.networks == 3)
    #expect(assessment.shown.prediction(of: "sub-05", slice: 3, by: "boxed") != nil)
    let plain = try Assessment(of: [run], on: cohort, device: .cpu)
    #expect(plain.models == [0, 3, 4].map { assessment.models[$0] } && plain.networks == 1)
  }

  @Test func peopleMustStillBeThere() throws {
    let cohort = try makeCohort(scratch)
    try FileManager.default.removeItem(atPath: scratch("raw/sub-05"))
    let failure = try failure { _ = try outside(cohort) }
    #expect(failure.kind == .inconsistent && failure.message.contains("sub-05 is not there"), "\(failure)")
  }

  // MARK: - Volumes as slices

  /// A scan's own file gives the cohort's slices, padded, cropped and turned.
  @Test(arguments: [nil, Extent(24, 40), Extent(40, 16)]) func aVolumeIsCutAsTheCohortIs(size: Extent?) throws
  {
    let cohort = try makeCohort(scratch) { $0.size = size }
    let subject = try #require(cohort.subjects(in: .test).first)
    let scale = Float(try #require(subject.scale(of: .t2)))
    for orientation in [
      Orientation.lps, Orientation(of: Affine([0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 3, 0])),
    ] {
      let volume = scan(.t2, subject: 5).reoriented(to: orientation)
      let slices = try cohort.manifest.slices(of: volume, name: "t2", for: subject)
      #expect(slices.keys.sorted() == subject.slices)
      for (slice, image) in slices {
        let stored = try cohort.slice(.t2, at: SampleReference(subject: subject.id, slice: slice))
        #expect(image.count == stored.count && stored.contains { $0 > 0 })
        #expect(zip(image, stored).allSatisfy { abs(min($0 / scale, 1) - $1) < 1e-4 })
      }
    }
  }

  @Test func aVolumeOnAnotherGridIsRefused() throws {
    let cohort = try makeCohort(scratch)
    let failure = try failure {
      _ = try cohort.manifest.slices(
        of: scan(.t2, subject: 5, size: [28, 30, 5]), name: "other.nii", for: cohort.subjects(in: .test)[0])
    }
    #expect(failure.kind == .inconsistent)
    #expect(
      failure.message.contains("other.nii: has 28 x 30 x 5 voxels") && failure.message.contains("28 x 30 x 6")
    )
    // As many voxels, of another size.
    var wide = scan(.t2, subject: 5)
    wide.affine = Affine(spacing: wide.affine.spacing * 1.1)
    let other = try PipelineSupport.failure {
      _ = try cohort.manifest.slices(of: wide, name: "wide.nii", for: cohort.subjects(in: .test)[0])
    }
    #expect(other.kind == .inconsistent && other.message.contains("mm"), "\(other.message)")
  }
}
