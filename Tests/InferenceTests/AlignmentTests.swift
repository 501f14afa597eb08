import Failures
import Foundation
import Imaging
import Inference
import PipelineSupport
import Testing

/// Scans on several grids are brought onto one before a model sees them.
@Suite struct AlignmentTests {
  private let order: [Modality] = [.t1, .t2, .flair]

  /// The same head on a finer grid that lies a little elsewhere.
  private func elsewhere(_ modality: Modality) -> (name: String, volume: Volume) {
    let own = scan(modality, subject: 1)
    let grid = own.grid.resized(columns: 42, rows: 45, planes: 12)
    return ("\(modality.rawValue).nii.gz", own.resampled(to: grid))
  }

  private func patient() -> [Modality: (name: String, volume: Volume)] {
    var patient = InferenceTests.patient()
    patient[.flair] = elsewhere(.flair)
    return patient
  }

  @Test func withoutARuleNothingIsDone() throws {
    var volumes = patient()
    #expect(try ScanAlignment().align(&volumes, in: order).isEmpty)
    #expect((volumes[.flair]?.volume.voxels == patient()[.flair]?.volume.voxels) == true)
  }

  @Test func byTheirHeadersScansComeOntoTheFirstsGrid() throws {
    var volumes = patient()
    let placements = try ScanAlignment(.headers).align(&volumes, in: order)
    #expect(placements.map(\.modality) == [.t2, .flair] && placements.allSatisfy { $0.reference == .t1 })
    // T2 lies there already and is the very same.
    #expect(placements.map(\.isResampled) == [false, true] && placements.allSatisfy { $0.moved == 0 })
    #expect((volumes[.t2]?.volume.voxels == patient()[.t2]?.volume.voxels) == true)
    let (own, brought) = (scan(.flair, subject: 1), try #require(volumes[.flair]?.volume))
    #expect(brought.grid == own.grid)
    // Rough texture is smoothed on the way there and back, and stays in its place.
    for (before, after) in zip(centre(own), centre(brought)) { #expect(abs(before - after) < 0.25) }
    #expect(placements[1].note == "FLAIR was resampled onto the grid of T1")
  }

  /// Of mass, in mm.
  private func centre(_ volume: Volume) -> [Double] {
    var (sum, total) = (SIMD3<Double>.zero, 0.0)
    let size = volume.dimensions
    for (index, value) in volume.voxels.enumerated() {
      let place = SIMD3(index % size.x, index / size.x % size.y, index / (size.x * size.y))
      sum += volume.affine(SIMD3<Double>(place)) * Double(value)
      total += Double(value)
    }
    return (0..<3).map { sum[$0] / total }
  }

  @Test func theGridMayBeAnothers() throws {
    var volumes = patient()
    let placements = try ScanAlignment(.headers, onto: .flair).align(&volumes, in: order)
    #expect(placements.map(\.modality) == [.t1, .t2] && placements.allSatisfy { $0.reference == .flair })
    #expect(volumes.values.allSatisfy { $0.volume.dimensions == [42, 45, 12] })
    // Of one who lacks that scan it is the first's.
    #expect(ScanAlignment(.headers, onto: .pd).reference(of: [.t2, .flair]) == .t2)
  }

  /// What lies on one grid needs no bringing; axes in another order are turned, and no voxel is made anew.
  @Test func onOneGridNothingIsResampled() throws {
    var alike = InferenceTests.patient()
    #expect(try ScanAlignment(.headers).align(&alike, in: [.t1, .t2]).isEmpty)
    var volumes = InferenceTests.patient()
    let turned = scan(.t2, subject: 1).reoriented(to: try #require(Orientation("PIR")))
    volumes[.t2]?.volume = turned
    let asItIs = try synthesizer(Known.channel(1))(volumes).volume
    let placements = try ScanAlignment(.headers).align(&volumes, in: [.t1, .t2])
    #expect(placements.map(\.isResampled) == [false])
    let t2 = try #require(volumes[.t2]?.volume)
    #expect(t2.grid == scan(.t1, subject: 1).grid && t2.voxels == scan(.t2, subject: 1).voxels)
    let made = try synthesizer(Known.channel(1))(volumes).volume
    #expect(made.grid == t2.grid && made.voxels == asItIs.voxels)
  }

  /// T1 in another unit, so that there is no doubt where it lies.
  private var likeT1: Volume {
    var volume = headScan(.t1, subject: 4)
    volume.voxels = volume.voxels.map { 0.3 * $0 }
    return volume
  }

  @Test func theHeadsMotionIsFoundAndUndone() throws {
    let truth = RigidMotion(rotation: [0.08, -0.05, 0.1], translation: [9, -6, 7])
    var moved = headScan(.t2, subject: 4)
    moved.affine = truth.affine * moved.affine
    var volumes: [Modality: (name: String, volume: Volume)] = [
      .t1: ("t1.nii.gz", headScan(.t1, subject: 4)), .t2: ("t2.nii.gz", moved),
      .flair: ("flair.nii.gz", likeT1),
    ]
    var said: [String] = []
    let placements = try ScanAlignment(.registration).align(&volumes, in: order) { said.append($0) }
    #expect(said == ["registering T2", "registering FLAIR"])
    #expect(placements.map(\.isResampled) == [true, false])
    #expect((volumes[.flair]?.volume.voxels == likeT1.voxels) == true)
    let error = truth.affine.inverse * placements[0].motion.affine
    for place in [SIMD3<Double>(40, 40, 40), [-40, 30, -20], [0, -50, 20]] {
      let apart = error(place) - place
      #expect((apart * apart).sum().squareRoot() < 1.5)
    }
    #expect(placements[0].note.hasPrefix("T2 was moved by up to "))
    #expect(placements[1].note.hasSuffix(" of T1 and was left as it is"))
    // What stands beside the result tells it all.
    let again = try JSONDecoder().decode(
      [ScanPlacement].self, from: JSONEncoder().encode(placements))
    #expect(again == placements)
  }

  /// A label map goes with the scan that it was drawn on, where that can be told and where it matters.
  @Test func aLabelMapGoesWithItsScan() throws {
    let truth = RigidMotion(rotation: [0.08, -0.05, 0.1], translation: [9, -6, 7])
    var moved = headScan(.t2, subject: 4)
    moved.affine = truth.affine * moved.affine
    let fixed = headScan(.t1, subject: 4)
    var volumes: [Modality: (name: String, volume: Volume)] = [
      .t1: ("t1.nii.gz", fixed), .t2: ("t2.nii.gz", moved), .flair: ("flair.nii.gz", likeT1),
    ]
    let placements = try ScanAlignment(.registration).align(&volumes, in: order)
    let block = Volume(
      grid: moved.grid, voxels: moved.voxels.indices.map { $0 / 28 % 30 < 15 ? 1 : 0 })
    let brought = try placements.bring(block, to: fixed.grid) { $0 == .t2 ? moved.grid : fixed.grid }
    let share = zip(brought.voxels, block.voxels).count { $0 == $1 }
    #expect(share > brought.voxels.count * 85 / 100, "\(share) of \(brought.voxels.count)")
    #expect(throws: Failure.self) {
      try placements.bring(block, to: fixed.grid) { _ in moved.grid }
    }
    #expect(throws: Failure.self) {
      try placements.bring(block.resized(columns: 14, rows: 15), to: fixed.grid) { _ in fixed.grid }
    }
    // Where nothing was moved, its header tells where it lies.
    var (still, alike) = (volumes, Volume(grid: fixed.grid, voxels: moved.voxels))
    alike.voxels = alike.voxels.map { 0.3 * $0 }
    still[.t2] = ("t2.nii.gz", alike)
    let none = try ScanAlignment(.headers).align(&still, in: order)
    #expect(try none.bring(block, to: fixed.grid) { _ in nil }.voxels.count == fixed.voxels.count)
  }

  /// On one grid by their headers, and not in one place: whoever asks for nothing is told.
  @Test(arguments: [0.0, 14]) func whoLiesElsewhereThanTheHeaderSaysIsTold(shift: Double) throws {
    let t2 = headScan(.t2, subject: 4)
    let moved = t2.brought(to: t2.grid, by: RigidMotion(translation: [shift, 0, 0]))
    func notes(_ change: (inout Synthesizer) -> Void = { _ in }) throws -> [String] {
      var synthesizer = synthesizer(Known.channel(0))
      change(&synthesizer)
      let patient: Patient = [
        .t1: ("t1.nii.gz", headScan(.t1, subject: 4)), .t2: ("t2.nii.gz", moved),
      ]
      return try synthesizer(patient).notes.filter { $0.hasPrefix("T2 seems to lie up to") }
    }
    let found = try notes()
    #expect(found.count == (shift == 0 ? 0 : 1))
    let told = found.first.flatMap { Double($0.dropFirst("T2 seems to lie up to ".count).prefix(4)) }
    if let told { #expect(abs(told - shift) < 2) }
    #expect(try notes { $0.looksForMotion = false }.isEmpty && notes { $0.verifies = false }.isEmpty)
  }

  @Test func whatShowsAnotherPlaceIsRefused() throws {
    var volumes = patient()
    volumes[.flair]?.volume.affine = Affine([-1, 0, 0, 300], [0, -1, 0, 15], [0, 0, 3, -9])
    #expect {
      try ScanAlignment(.headers).align(&volumes, in: order)
    } throws: { error in
      guard let failure = error as? Failure else { return false }
      return failure.kind == .inconsistent
        && failure.message.hasPrefix("flair.nii.gz shows 0 % of the head that t1.nii.gz shows")
    }
    var broken = patient()
    broken[.flair]?.volume.voxels[7] = .nan
    #expect { try ScanAlignment(.registration).align(&broken, in: order) } throws: {
      ($0 as? Failure)?.kind == .malformed
    }
  }
}
