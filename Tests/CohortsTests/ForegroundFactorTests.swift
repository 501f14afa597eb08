import Cohorts
import Failures
import Foundation
import Imaging
import Testing

/// A prepared cohort's images on the scale of their foreground.
@Suite struct ForegroundFactorTests {
  private let scratch: Scratch
  private let store: PreparedCohort
  private let modalities: [Modality] = [.t1, .t2, .flair]

  init() throws {
    scratch = try Scratch()
    store = try makeStore(scratch)
  }

  private func contents(_ rule: IntensityRule) throws -> SampleContents {
    try SampleContents(Scenario(completing: modalities), rule: rule)
  }

  private func scale(_ modality: Modality, of subject: CohortManifest.Subject) throws -> Double {
    try #require(try store.scale(of: modality, of: subject, by: .foreground))
  }

  /// Nothing of these scans is cut off, so that all is as if the files themselves had been scaled.
  @Test func imagesAreAsTheScansThemselvesScaled() throws {
    for subject in store.manifest.subjects {
      for modality in modalities {
        let path = bidsPath("\(scratch.path)/raw", Int(subject.id.suffix(2)) ?? 0, modality)
        let raw = try NIfTI.read(path: path).volume.voxels
        let wanted = try IntensityRule.foreground.scale(of: raw).upper
        let found = try scale(modality, of: subject)
        #expect(abs(found / wanted - 1) < 1e-4, "\(subject.id) \(modality): \(found), not \(wanted)")
      }
    }
  }

  @Test func everySliceOfAVolumeHasItsFactor() throws {
    let (stored, seen) = (
      try store.batches(in: .train, contents(.percentile), batchSize: 4).all(),
      try store.batches(in: .train, contents(.foreground), batchSize: 3).all()
    )
    func images(_ batches: [SampleBatch], _ modality: Modality) -> [(subject: String, image: [Float])] {
      batches.flatMap { batch in
        let (images, size) = (batch.target(modality), batch.extent.count)
        return batch.references.enumerated().map {
          ($0.element.subject, Array(images[$0.offset * size..<($0.offset + 1) * size]))
        }
      }
    }
    for modality in modalities {
      for (before, after) in zip(images(stored, modality), images(seen, modality)) {
        let subject = try #require(store.manifest.subjects.first { $0.id == before.subject })
        let upper = try #require(subject.scale(of: modality))
        let factor = Float(upper / (try scale(modality, of: subject)))
        #expect(after.subject == before.subject && factor > 0.3 && factor < 3)
        let largest = zip(before.image, after.image).map { abs($0 * factor - $1) }.max() ?? .infinity
        #expect(largest < 1e-5, "\(largest)")
      }
    }
  }

  @Test func aStreamIsThatOfTheStoreScaled() throws {
    func batch(_ rule: IntensityRule) throws -> SampleBatch {
      try SampleStream(store, contents(rule), batchSize: 4, seed: 1).next().batch
    }
    let (stored, seen) = (try batch(.percentile), try batch(.foreground))
    #expect(stored.references == seen.references && stored != seen)
    #expect(try batch(.foreground) == seen)
    // Where there is nothing, nothing is made.
    #expect(zip(stored.target(.t1), seen.target(.t1)).allSatisfy { ($0 == 0) == ($1 == 0) })
  }

  /// What a whole cohort lacks, its subjects lack.
  @Test func aContrastThatNobodyHasIsMissing() throws {
    let wide = try SampleContents(Scenario(completing: modalities + [.pd]), rule: .foreground)
    let batch = try store.batches(in: .train, wide, batchSize: 3)[0]
    #expect(batch.present.allSatisfy { $0 == Set(modalities) })
    #expect(batch.target(.pd).allSatisfy { $0 == 0 })
    #expect(try store.scale(of: .pd, of: store.manifest.subjects[0], by: .foreground) == nil)
    #expect(try failure { try store.check(Scenario(completing: modalities + [.pd])) }.kind == .inconsistent)
  }
}
