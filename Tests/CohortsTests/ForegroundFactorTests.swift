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

  /// Lesions above the 99.5th percentile, three times as bright in one scan and ten times in another.
  private func makeBright() throws -> (raw: [Modality: Volume], folder: String) {
    let root = "\(scratch.path)/bright"
    try makeBIDS(root, subjects: 2)
    var raw: [Modality: Volume] = [:]
    for (modality, factor) in [(Modality.t1, Float(1)), (.t2, 3), (.flair, 10)] {
      var volume = scan(UInt64(factor))
      for voxel in [330, 331, 450] { volume.voxels[voxel] = 100 * factor }
      try writeScan(volume, bidsPath(root, 1, modality))
      raw[modality] = volume
    }
    var preparation = Preparation()
    preparation.splits = .file(
      try scratch.write(#"{"train": ["sub-01"], "validation": ["sub-02"], "test": []}"#, to: "two.json"))
    (preparation.sliceRule, preparation.size) = (.range(0...5), Extent(12, 10))
    let folder = "\(scratch.path)/bright-store"
    _ = try preparation.run(BIDSCohort(folder: root), layout: "bids", into: folder, program: "test")
    return (raw, folder)
  }

  /// What the percentile's rule cuts off the foreground's sees, up to four times the percentile.
  @Test func whatIsBrightIsKept() throws {
    let (raw, folder) = try makeBright()
    let store = try PreparedCohort(folder: folder)
    for (rule, modality) in [IntensityRule.percentile, .foreground].flatMap({ rule in
      modalities.map { (rule, $0) }
    }) {
      let volume = try #require(raw[modality])
      let wanted = try rule.scale(of: volume.voxels).normalise(volume.voxels)
      let upper = try #require(store.manifest.subjects[0].scale(of: modality))
      let most = 4 * upper / (try rule.scale(of: volume.voxels).upper)
      let found = try store.batches(in: .train, contents(rule), batchSize: 6)[0].target(modality)
      let largest = zip(found, wanted).map { abs($0 - min($1, Float(most))) }.max() ?? .infinity
      #expect(largest < 2e-3, "\(rule) \(modality): \(largest)")
      #expect(found.count == wanted.count && (rule == .foreground || found.max() == 1))
    }
    let bright = try store.batches(in: .train, contents(.foreground), batchSize: 6)[0].target(.t2)
    let scale = try IntensityRule.foreground.scale(of: try #require(raw[.t2]).voxels).upper
    #expect(abs(bright[330] - Float(300 / scale)) < 1e-3 && !store.manifest.cutsAboveScale)
  }

  /// Stores of version 2 had no room above a scan's scale, and are read as before.
  @Test func aStoreWithoutRoomIsReadAsBefore() throws {
    let (_, folder) = try makeBright()
    let store = try PreparedCohort(folder: folder)
    let before = try store.batches(in: .train, contents(.percentile), batchSize: 6)[0]
    for subject in store.manifest.subjects {
      let path = "\(folder)/subjects/\(subject.id).slices"
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let words = stride(from: 0, to: bytes.count, by: 2).flatMap { place -> [UInt8] in
        let value = Float(UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8) / 16384
        let word = UInt16((min(value, 1) * 65535).rounded())
        return [UInt8(word & 255), UInt8(word >> 8)]
      }
      try Data(words).write(to: URL(fileURLWithPath: path))
    }
    let manifest = "\(folder)/cohort.json"
    let text = try String(contentsOfFile: manifest, encoding: .utf8)
    let lines = text.split(separator: "\n").filter { !$0.contains("\"slicesChecksum\"") }
    try lines.joined(separator: "\n").replacingOccurrences(of: "\"version\" : 3", with: "\"version\" : 2")
      .write(
        toFile: manifest, atomically: true, encoding: .utf8)

    let former = try PreparedCohort(folder: folder)
    #expect(former.manifest.cutsAboveScale)
    let (after, seen) = (
      try former.batches(in: .train, contents(.percentile), batchSize: 6)[0],
      try former.batches(in: .train, contents(.foreground), batchSize: 6)[0]
    )
    for modality in modalities {
      let pairs = zip(before.target(modality), after.target(modality))
      #expect(pairs.allSatisfy { abs($0 - $1) < 1e-5 })
      // As bright as what lay at the percentile, and no more.
      let subject = former.manifest.subjects[0]
      let upper = try #require(subject.scale(of: modality))
      let own = try #require(try former.scale(of: modality, of: subject, by: .foreground))
      #expect(abs((seen.target(modality).max() ?? 0) - Float(upper / own)) < 1e-4)
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
