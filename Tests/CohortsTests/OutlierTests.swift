import Cohorts
import Failures
import Foundation
import Imaging
import ScanSupport
import Testing

/// One subject unlike its cohort is named; a cohort that varies is not.
@Suite struct OutlierTests {
  private let scratch: Scratch
  private var raw: String { scratch.path + "/raw" }

  init() throws { scratch = try Scratch() }

  /// A head whose contrasts differ as T1, T2 and FLAIR do: fluid is dark, bright and dark.
  private func head(
    _ seed: UInt64, _ modality: Modality, _ dimensions: SIMD3<Int> = [20, 24, 8], spacing: Double = 1,
    scale: Double = 500
  ) -> Volume {
    var random = RandomSource(seed: seed, stream: UInt64(Modality.allCases.firstIndex(of: modality) ?? 0))
    var anatomy = RandomSource(seed: seed)
    let (fluid, grey) = (0.12 + 0.1 * anatomy.uniform(), 0.4 + 0.1 * anatomy.uniform())
    let levels: [Double] =
      switch modality {
      case .t1: [0.2, 0.6, 0.9]
      case .t2: [0.95, 0.5, 0.35]
      default: [0.1, 0.8, 0.65]
      }
    let voxels = (0..<dimensions.x * dimensions.y * dimensions.z).map { index -> Float in
      let tissue = anatomy.uniform()
      let isInside = index % dimensions.x > 1
      let level = tissue < fluid ? levels[0] : tissue < fluid + grey ? levels[1] : levels[2]
      return isInside ? Float(scale * (level + 0.06 * (random.uniform() - 0.5))) : 0
    }
    let affine = Affine([-spacing, 0, 0, 5], [0, -spacing, 0, 6], [0, 0, spacing, -3])
    return Volume(dimensions: dimensions, affine: affine, voxels: voxels)
  }

  private func make(
    _ subjects: Int = 8, _ volume: (_ number: Int, _ modality: Modality) -> Volume
  ) throws -> [String] {
    for number in 1...subjects {
      for modality in [Modality.t1, .t2, .flair] {
        try writeScan(volume(number, modality), bidsPath(raw, number, modality))
      }
    }
    return try Preparation().run(
      BIDSCohort(folder: raw), layout: "bids", into: scratch.path + "/store", program: "1"
    ).notes
  }

  private func seed(_ number: Int) -> UInt64 { UInt64(number) }

  private func odd(_ notes: [String]) -> [String] { notes.filter { $0.contains("unlike its cohort") } }

  @Test func aUniformCohortSaysNothing() throws {
    #expect(odd(try make { head(seed($0), $1) }).isEmpty)
  }

  @Test func anotherGrid() throws {
    let notes = odd(try make { $0 == 3 ? head(seed($0), $1, [22, 24, 8]) : head(seed($0), $1) })
    #expect(notes.count == 1 && notes[0].hasPrefix("sub-03") && notes[0].contains("22x24x8"), "\(notes)")
  }

  @Test func anotherVoxelSize() throws {
    let notes = odd(try make { $0 == 3 ? head(seed($0), $1, spacing: 1.1) : head(seed($0), $1) })
    #expect(notes.count == 1 && notes[0].contains("1.1x1.1x1.1 mm"), "\(notes)")
  }

  @Test func otherAxes() throws {
    let notes = odd(try make { $0 == 3 ? head(seed($0), $1).reoriented(to: .ras) : head(seed($0), $1) })
    #expect(notes.count == 1 && notes[0].contains("axes RAS") && notes[0].contains("LPS"), "\(notes)")
  }

  /// Voxels in metres or a header that was lost: where sizes vary, only what is far off tells.
  @Test func anotherFieldOfView() throws {
    let notes = odd(
      try make { number, modality in
        head(
          seed(number), modality, [20 + number, 24, 8], spacing: number == 3 ? 6 : 1 + 0.05 * Double(number))
      })
    #expect(
      notes.count == 1 && notes[0].hasPrefix("sub-03")
        && notes[0].contains("field of view of 138 mm right to left"),
      "\(notes)")
  }

  @Test(arguments: [100.0, 0.01, 20])
  func anotherScaleOfIntensity(factor: Double) throws {
    let notes = odd(
      try make { head(seed($0), $1, scale: $0 == 5 && $1 == .t2 ? 500 * factor : 400 + 20 * Double($0)) })
    #expect(
      notes.count == 1 && notes[0].hasPrefix("sub-05") && notes[0].contains("its T2 goes up to"), "\(notes)")
  }

  @Test func exchangedModalities() throws {
    let notes = odd(
      try make { number, modality in
        let shown: Modality =
          number == 4 ? (modality == .t1 ? .t2 : modality == .t2 ? .t1 : modality) : modality
        return head(seed(number), shown)
      })
    #expect(notes.count == 1 && notes[0].hasPrefix("sub-04") && notes[0].contains("exchanged"), "\(notes)")
  }

  /// Scanners, sizes, scales and axes that vary from subject to subject are no reason to say anything.
  @Test func noFalseAlarmOnVariedCohorts() throws {
    let cohorts = Soak.count(6, soak: 25)
    for round in 0..<cohorts {
      try? FileManager.default.removeItem(atPath: raw)
      try? FileManager.default.removeItem(atPath: scratch.path + "/store")
      var random = RandomSource(seed: UInt64(1000 + round))
      // Three scanners with voxels, scales and axes of their own, and people of their own sizes.
      let scanners = (0..<3).map { _ in (0.8 + 0.6 * random.uniform(), 100 * pow(10, 1.2 * random.uniform()))
      }
      let extra = (0..<8).map { _ in Int(6 * random.uniform()) }
      let notes = try make { number, modality in
        let (spacing, scale) = scanners[number % 3]
        return head(
          UInt64(100 * round + number), modality, [18 + extra[number - 1], 24, 8 + number % 2],
          spacing: spacing,
          scale: scale
        ).reoriented(to: number % 3 == 0 ? .ras : .lps)
      }
      #expect(odd(notes).isEmpty, "\(notes)")
    }
    Soak.report("\(8 * cohorts) subjects of \(cohorts) varied cohorts, none called unlike the others")
  }

  @Test func aFewSubjectsHaveNoOthers() throws {
    #expect(odd(try make(5) { head(seed($0), $1, scale: $0 == 5 ? 5e5 : 500) }).isEmpty)
  }
}
