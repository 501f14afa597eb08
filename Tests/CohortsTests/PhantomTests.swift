import Cohorts
import Failures
import Foundation
import Imaging
import Testing

@Suite struct PhantomTests {
  @Test func theSameBitsWhateverTheThreads() throws {
    let phantom = try ballPhantom()
    let one = phantom.subject(1, threads: 1)
    let two = phantom.subject(1, threads: 2)
    for modality in Modality.allCases { #expect(one.voxels(modality) == two.voxels(modality)) }
    #expect(one.labels?.voxels == two.labels?.voxels)
    #expect(one.voxels(.t2) != phantom.subject(2).voxels(.t2))
    #expect(try ballPhantom { $0.seed = 2 }.subject(1).voxels(.t2) != one.voxels(.t2))
  }

  @Test func subjectsDoNotDependOnHowManyThereAre() throws {
    let few = try ballPhantom().subject(1)
    let more = try ballPhantom { $0.subjects = 9 }.subject(1)
    #expect(few.voxels(.pd) == more.voxels(.pd) && few.lesion == more.lesion)
  }

  @Test func shiftMovesTheAnatomy() throws {
    func subject(_ shift: Double) throws -> PhantomSubject {
      try ballPhantom {
        $0.shift = shift
        $0.noise = 0
        $0.bias = 0
        $0.tumours = 0
        $0.plaques = 0
      }.subject(0)
    }
    let still = try subject(0)
    let moved = try subject(2)
    // To first order a shifted scan is the still one less the shift times its gradient; away from the mask's edge a
    // least-squares fit gives the shift back.
    func fitted(_ still: Volume, _ moved: Volume) -> SIMD3<Double> {
      let n = still.dimensions
      let steps = [1, n.x, n.x * n.y]
      var matrix = [SIMD3<Double>](repeating: .zero, count: 3)
      var right = SIMD3<Double>.zero
      for k in 2..<(n.z - 2) {
        for j in 2..<(n.y - 2) {
          for i in 2..<(n.x - 2) {
            let at = i + n.x * (j + n.y * k)
            let isInside = steps.allSatisfy { still.voxels[at - 2 * $0] > 0 && still.voxels[at + 2 * $0] > 0 }
            guard isInside else { continue }
            // The mean of both gradients is that half-way, which leaves an error of third order.
            let gradient = SIMD3<Double>(
              steps.map {
                Double(
                  still.voxels[at + $0] - still.voxels[at - $0] + moved.voxels[at + $0]
                    - moved.voxels[at - $0])
                  / (4 * still.affine.spacing.x)
              })
            for row in 0..<3 { matrix[row] += gradient[row] * gradient }
            right -= gradient * Double(moved.voxels[at] - still.voxels[at])
          }
        }
      }
      let (a, b, c) = (matrix[0], matrix[1], matrix[2])
      func determinant(_ a: SIMD3<Double>, _ b: SIMD3<Double>, _ c: SIMD3<Double>) -> Double {
        a.x * (b.y * c.z - b.z * c.y) - a.y * (b.x * c.z - b.z * c.x) + a.z * (b.x * c.y - b.y * c.x)
      }
      let whole = determinant(a, b, c)
      return [
        determinant(right, b, c) / whole, determinant(a, right, c) / whole, determinant(a, b, right) / whole,
      ]
    }
    for (a, b) in zip(still.scans, moved.scans) {
      let error = fitted(a.volume, b.volume) - b.shift
      #expect((error * error).sum().squareRoot() < 0.5, "\(a.modality.title): off by \(error) mm")
      #expect(a.shift == .zero)
    }
    #expect(moved.scans[0].shift == .zero)
    #expect(moved.scans[1].shift != .zero)
    // Two echoes of one acquisition.
    let (t2, pd) = (moved.scans.first { $0.modality == .t2 }, moved.scans.first { $0.modality == .pd })
    #expect(t2?.shift == pd?.shift)
  }

  @Test func noiseIsRician() throws {
    // Where there is no signal the magnitude's mean is sqrt(pi/2) deviations: a FLAIR scan's fluid comes close.
    func subject(_ noise: Double) throws -> PhantomSubject {
      try ballPhantom {
        $0.noise = noise
        $0.shift = 0
        $0.tumours = 0
        $0.plaques = 0
      }.subject(0)
    }
    let clean = try subject(0).voxels(.flair)
    let noisy = try subject(0.2).voxels(.flair)
    let strong = clean.indices.filter { clean[$0] > 300 }
    let deviation = (strong.reduce(0.0) { $0 + pow(Double(noisy[$1] - clean[$1]), 2) } / Double(strong.count))
      .squareRoot()
    let dark = clean.indices.filter { clean[$0] > 0 && Double(clean[$0]) < 0.2 * deviation }
    #expect(dark.count > 100)
    let mean = dark.reduce(0.0) { $0 + Double(noisy[$1]) } / Double(dark.count)
    #expect(abs(mean / deviation - (Double.pi / 2).squareRoot()) < 0.08)
  }

  @Test func lesionsAreSharedOut() throws {
    let phantom = try ballPhantom {
      $0.subjects = 12
      $0.voxelSize = 8
    }
    let kinds = (0..<12).map { phantom.subject($0).lesion }
    #expect(kinds.filter { $0 == .tumour }.count == 6)
    #expect(kinds.filter { $0 == .plaques }.count == 3)
    let tumour = phantom.subject(try #require(kinds.firstIndex(of: .tumour)))
    #expect(tumour.labels != nil)
    #expect(phantom.subject(try #require(kinds.firstIndex(of: .none))).labels == nil)
  }

  @Test func aCohortReadsAsBIDS() throws {
    let scratch = try Scratch()
    let phantom = try ballPhantom { $0.voxelSize = 8 }
    var steps: [Int] = []
    try phantom.write(to: "\(scratch.path)/raw", threads: 2) { done, _ in steps.append(done) }
    #expect(steps == [1, 2, 3, 4])
    let cohort = try BIDSCohort(folder: "\(scratch.path)/raw")
    #expect(cohort.subjects.map(\.id) == ["sub-001", "sub-002", "sub-003", "sub-004"])
    for (index, subject) in cohort.subjects.enumerated() {
      #expect(subject.modalities == Modality.allCases)
      let made = phantom.subject(index)
      for modality in Modality.allCases {
        let file = try NIfTI.read(path: try subject.path(of: modality))
        #expect(file.volume.voxels == made.voxels(modality))
        #expect(file.header.datatype == .int16 && file.volume.grid == phantom.grid)
      }
      #expect((subject.labels != nil) == (made.lesion != .none))
      let path = "\(scratch.path)/raw/\(subject.id)/anat/\(subject.id)_T2w.json"
      let sidecar = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
      let shift = try #require((sidecar as? [String: Any])?["PhantomShift"] as? [Double])
      let truth = made.scans[Modality.allCases.firstIndex(of: .t2) ?? 0].shift
      #expect((0..<3).allSatisfy { abs(shift[$0] - truth[$0]) < 1e-6 })
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["raw"])
  }

  @Test func foldersAreNotOverwritten() throws {
    let scratch = try Scratch()
    let phantom = try ballPhantom {
      $0.voxelSize = 8
      $0.subjects = 1
    }
    let raw = "\(scratch.path)/raw"
    try phantom.write(to: raw)
    #expect(throws: Failure.self) { try phantom.write(to: raw) }
    try phantom.write(to: raw, force: true)
    _ = try scratch.write("mine", to: "notes.txt")
    let failure = #expect(throws: Failure.self) { try phantom.write(to: scratch.path, force: true) }
    #expect(failure?.kind == .cannotWrite)
    #expect(FileManager.default.fileExists(atPath: "\(scratch.path)/notes.txt"))
    struct Stop: Error {}
    #expect(throws: Stop.self) { try phantom.write(to: "\(scratch.path)/other") { _, _ in throw Stop() } }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["notes.txt", "raw"])
  }

  @Test func badOptionsAndAtlasAreRefused() throws {
    let scratch = try Scratch()
    var failure = #expect(throws: Failure.self) { try Phantom(atlas: scratch.path) }
    #expect(failure?.kind == .notFound && failure?.message.contains("\(Term.setup)") == true)
    for name in ["t1", "gm", "wm"] {
      _ = try scratch.write("x", to: "mni_icbm152_\(name)_tal_nlin_sym_09a_converted.nii.gz")
    }
    failure = #expect(throws: Failure.self) { try Phantom(atlas: scratch.path) }
    #expect(failure?.kind == .malformed)
    let bad: [(inout PhantomOptions) -> Void] = [
      { $0.subjects = 0 }, { $0.shift = -1 }, { $0.voxelSize = .nan }, { $0.tumours = 0.9 },
      { $0.fieldStrength = 7 }, { $0.noise = 2 },
    ]
    for change in bad {
      failure = #expect(throws: Failure.self) { _ = try ballPhantom(change) }
      #expect(failure?.kind == .usage)
    }
  }

  @Test func oneContrastIsNotAFunctionOfAnother() throws {
    let phantom = try Phantom(atlas: atlasFolder)
    let subject = phantom.subject(0)
    let explained = lookUpExplains(subject.voxels(.t1), subject.voxels(.pd))
    #expect(explained > 0.1 && explained < 0.8, "a look-up explains \(explained)")
    let brain = subject.voxels(.t1).filter { $0 > 0 }.count
    #expect(brain > 150_000 && brain < 330_000)
  }
}
