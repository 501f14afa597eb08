import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Metrics
import PipelineSupport
import Runs
import Testing

/// People whose heads moved between their scans, as whole cohorts are taken.
@Suite struct AlignmentRunTests {
  private let scratch: Scratch
  private let truth = RigidMotion(rotation: [0.07, -0.05, 0.09], translation: [9, -7, 6])

  init() throws {
    scratch = try Scratch()
    for subject in 1...5 {
      try writeScan(headScan(.t1, subject: subject), bidsPath(scratch("raw"), subject, .t1))
      // PD in another unit, still; T2 moved, with the map that was drawn on it, on a grid of its own.
      var pd = headScan(.t1, subject: subject)
      pd.voxels = pd.voxels.map { 2 * $0 }
      try writeScan(pd, bidsPath(scratch("raw"), subject, .pd))
      var t2 = headScan(.t2, subject: subject)
      var lesion = t2
      lesion.voxels = t2.voxels.indices.map { isInLesion($0, t2.dimensions) ? 1 : 0 }
      t2.affine = truth.affine * t2.affine
      lesion.affine = t2.affine
      try writeScan(t2, bidsPath(scratch("raw"), subject, .t2))
      try writeScan(lesion, labelPath(scratch("raw"), subject))
    }
  }

  /// A block off the middle.
  private func isInLesion(_ index: Int, _ size: SIMD3<Int>) -> Bool {
    let place = SIMD3(index % size.x, index / size.x % size.y, index / (size.x * size.y))
    return (8..<13).contains(place.x) && (10..<15).contains(place.y) && (9..<14).contains(place.z)
  }

  /// Of a cohort with and without registration: how much of the block the stored labels have where it was.
  private func overlap(_ cohort: PreparedCohort) throws -> Double {
    let size = headScan(.t1, subject: 1).dimensions
    let subject = try #require(cohort.manifest.subjects.first)
    var (both, either) = (0, 0)
    for slice in 0..<size.z where subject.slices.contains(slice) {
      let reference = SampleReference(subject: subject.id, slice: slice)
      let labels = try #require(try cohort.labels(at: reference))
      let extent = cohort.manifest.extent
      for y in 0..<size.y {
        for x in 0..<size.x {
          let stored = labels[(y + subject.offset[0]) * extent.columns + x + subject.offset[1]] > 0
          let expected = isInLesion(x + size.x * (y + size.y * slice), size)
          both += stored && expected ? 1 : 0
          either += stored || expected ? 1 : 0
        }
      }
    }
    return Double(both) / Double(either)
  }

  @Test func preparationUndoesTheMotion() throws {
    #expect { try prepared(scratch) } throws: { error in
      (error as? Failure)?.message.contains("--register") == false
        && (error as? Failure)?.message.contains("registers, or by the scanner's coordinates resamples")
          == true
    }
    let byHeaders = try prepared(scratch) { ($0.alignment.rule, $0.overwrite) = (.headers, true) }
    let registered = try prepared(scratch) { ($0.alignment.rule, $0.overwrite) = (.registration, true) }
    let (before, after) = (try overlap(byHeaders), try overlap(registered))
    #expect(before < 0.5 && after > 0.8, "\(before), \(after)")
    let manifest = registered.manifest
    #expect(manifest.subjects.allSatisfy { $0.scans.map(\.resampled) == [false, true, false] })
    let notes = try #require(manifest.notes)
    let note = try #require(notes.first { $0.hasPrefix("T2 is registered to T1: it was ") })
    #expect(note.hasSuffix("5 of 5 were resampled"))
    #expect(
      notes.contains {
        $0.hasPrefix("PD is registered to T1") && $0.hasSuffix("0 of 5 were resampled")
      })
  }

  /// Measured where the scans are brought together, on what the lesions' map marks there.
  @Test func peopleAreAssessedWhereTheirScansMeet() throws {
    let cohort = try CohortLayout.named("bids").open(scratch("raw"))
    func assessed(_ alignment: ScanAlignment) throws -> PeopleAssessment {
      var options = PeopleAssessment.Options()
      options.tasks = [try PersonTask("t1>t2")]
      (options.limit, options.alignment) = (1, alignment)
      return try PeopleAssessment(of: [], on: [cohort], options)
    }
    let refused = try assessed(ScanAlignment())
    #expect(refused.rows.isEmpty && refused.failures.count == 1)
    func ceiling(_ assessment: PeopleAssessment) throws -> (decibels: Double, millilitres: Double) {
      let row = try #require(assessment.rows.first { $0.method == "Ceiling: own look-up" })
      return (try #require(row.values[.brain]), try #require(row.millilitres))
    }
    let (apart, together) = (
      try ceiling(assessed(ScanAlignment(.headers))), try ceiling(assessed(ScanAlignment(.registration)))
    )
    #expect(together.decibels > apart.decibels + 3, "\(apart), \(together)")
    // 5 x 5 x 5 voxels of 6 mm.
    #expect(abs(together.millilitres - 27) < 3)
  }
}
