import Cohorts
import Failures
import Foundation
import Imaging
import Testing

/// Heads as they are drawn, from balls that stand for heads.
@Suite struct HeadSamplerTests {
  /// Read once for all.
  private static let shared = Result {
    let scratch = try Scratch()
    try writeAnatomies(scratch.path)
    return try Anatomies(folder: scratch.path)
  }
  private let anatomies: Anatomies

  init() throws { anatomies = try Self.shared.get() }

  private func slab(
    _ stream: Int, _ options: HeadOptions = HeadOptions(), rows: Int = 128, columns: Int = 128,
    planes: Int = 3, margin: Int = 6, planeSpacing: Double = 1
  ) -> HeadSlab {
    var random = RandomSource(seed: 11, stream: UInt64(stream))
    return HeadSampler(anatomies, options).slab(
      &random, rows: rows, columns: columns, planes: planes, margin: margin, planeSpacing: planeSpacing)
  }

  /// Mean index of a class along rows and columns of voxels; nil where it is not there.
  private func centre(_ slab: HeadSlab, _ tissue: TissueClass) -> (row: Double, column: Double)? {
    var (count, row, column) = (0.0, 0.0, 0.0)
    for (at, label) in slab.classes.enumerated() where label == tissue.rawValue {
      let voxel = at / 4
      count += 1
      row += Double(voxel / slab.extent.columns % slab.extent.rows)
      column += Double(voxel % slab.extent.columns)
    }
    return count > 50 ? (row / count, column / count) : nil
  }

  @Test func drawsAreAFunctionOfTheirSource() {
    let (first, again, other) = (slab(1), slab(1), slab(2))
    #expect(first.classes == again.classes && first.mask == again.mask && first.volumes == again.volumes)
    #expect(first.classes != other.classes)
    #expect(first.extent == Extent(3, 140, 140))
    #expect(first.classes.count == 3 * 140 * 140 * 4 && first.mask.count == 3 * 140 * 140)
  }

  @Test func sizesThatFourDoesNotDivide() {
    let odd = slab(3, rows: 37, columns: 51, planes: 2, margin: 2)
    #expect(odd.extent == Extent(2, 41, 55))
    #expect(odd.classes.count == 2 * 41 * 55 * 4)
  }

  /// Every other plane of a fine slab is a plane of one that is twice as coarse.
  @Test func planesLieAsFarApartAsAsked() {
    let still = plainHeads { ($0.coarseElastic, $0.fineElastic, $0.maskRoughness) = (0, 0, 0) }
    for stream in 0..<4 {
      let (fine, coarse) = (
        slab(stream, still, planes: 5), slab(stream, still, planes: 3, planeSpacing: 2)
      )
      #expect(fine.planeSpacing == 1 && coarse.planeSpacing == 2)
      let plane = 4 * 140 * 140
      for index in 0..<3 {
        let (a, b) = (
          fine.classes[2 * index * plane..<(2 * index + 1) * plane],
          coarse.classes[index * plane..<(index + 1) * plane]
        )
        #expect(a.elementsEqual(b), "plane \(index) of \(stream)")
      }
      #expect(!fine.classes[0..<plane].elementsEqual(fine.classes[plane..<2 * plane]))
    }
  }

  @Test func classesAreTissuesAndSlicesShowBrain() {
    for stream in 0..<24 {
      let slab = slab(stream)
      #expect(slab.classes.allSatisfy { TissueClass(rawValue: $0) != nil })
      #expect(slab.mask.allSatisfy { (0...1).contains($0) })
      #expect((0.8...2).contains(slab.voxel))
      let brain = slab.classes.count { TissueClass(rawValue: $0)?.isBrain == true }
      #expect(Double(brain) > 0.05 * Double(slab.classes.count))
    }
  }

  @Test func strippedHeadsKeepTheBrainAndLittleElse() {
    for stream in 0..<12 {
      let slab = slab(stream, plainHeads())
      #expect(slab.isStripped)
      var (brain, keptBrain, beyond, keptBeyond) = (0.0, 0.0, 0.0, 0.0)
      for (at, label) in slab.classes.enumerated() {
        guard let tissue = TissueClass(rawValue: label) else { continue }
        let kept = Double(slab.mask[at / 4])
        if tissue.isBrain {
          brain += 1
          keptBrain += kept
        } else if [.skin, .muscle, .eyeFluid].contains(tissue) {
          beyond += 1
          keptBeyond += kept
        }
      }
      #expect(keptBrain > 0.97 * brain)
      #expect(keptBeyond <= 0.01 * beyond)
    }
  }

  @Test func maskOffsetsMoveTheMask() {
    func kept(_ offset: Double) -> Float {
      (0..<6).reduce(0) { $0 + slab($1, plainHeads { $0.maskOffset = offset }).mask.reduce(0, +) }
    }
    let (inner, middle, outer) = (kept(-1.5), kept(0), kept(1.5))
    #expect(inner < middle && middle < outer)
  }

  @Test func wholeHeadsHaveSkullAndNoMask() {
    var wholes = 0
    for stream in 0..<16 {
      let slab = slab(stream, plainHeads { $0.wholeHeads = 1 })
      guard slab.anatomy == "one" else {
        #expect(slab.isStripped)
        continue
      }
      wholes += 1
      #expect(!slab.isStripped && slab.mask.allSatisfy { $0 == 1 })
      #expect(slab.classes.contains(TissueClass.bone.rawValue))
      #expect(slab.volumes[Int(TissueClass.skin.rawValue)] > 0)
    }
    #expect(wholes > 3)
  }

  /// Where scans with skull begin: what shows no brain is learned too.
  @Test func aShareOfWholeHeadsIsSeenOverTheFace() {
    func brain(_ faces: Double) -> [Double] {
      (0..<24).map { slab($0, plainHeads { ($0.wholeHeads, $0.faces) = (1, faces) }) }.filter {
        !$0.isStripped
      }
      .map { slab in
        let tissues = slab.classes.compactMap(TissueClass.init(rawValue:)).filter { $0 != .background }
        #expect(Double(tissues.count) > 0.2 * Double(slab.classes.count))
        return Double(tissues.count(where: \.isBrain)) / Double(tissues.count)
      }
    }
    let (usual, faces) = (brain(0), brain(1))
    #expect(usual.count == faces.count && usual.count > 6)
    #expect(faces.reduce(0, +) < 0.8 * usual.reduce(0, +), "\(usual) \(faces)")
    // Of stripped brains nothing else is drawn.
    let stripped = [0.0, 1].map { share in slab(1, plainHeads { $0.faces = share }).classes }
    #expect(stripped[0] == stripped[1])
  }

  @Test func frontIsFirstAndBothSidesComeUp() {
    var (sides, eyes) = (Set<Bool>(), 0)
    for stream in 0..<16 {
      let slab = slab(
        stream, plainHeads { $0.wholeHeads = 1 }, rows: 176, columns: 176, planes: 31, margin: 0)
      guard let ventricle = centre(slab, .ventricularFluid) else { continue }
      if let nucleus = centre(slab, .putamen) { sides.insert(nucleus.column < ventricle.column) }
      if let eye = centre(slab, .eyeFluid) {
        eyes += 1
        #expect(eye.row < ventricle.row - 30)
      }
    }
    #expect(sides == [true, false])
    #expect(eyes > 0)
  }

  /// Rows of coronal and sagittal planes run from head to foot, columns of sagittal ones from front to back.
  @Test func planesThatAreNotAxialLieAsTheyAreNamed() throws {
    var seen: [HeadPlane: Int] = [:]
    for stream in 0..<24 {
      let slab = slab(
        stream,
        plainHeads { ($0.wholeHeads, $0.otherPlanes, $0.leastBrain) = (1, 1, 0.2) }, rows: 176, columns: 176,
        planes: 61, margin: 0)
      guard let ventricle = centre(slab, .ventricularFluid) else { continue }
      seen[slab.plane, default: 0] += 1
      if let stem = centre(slab, .brainStem) {
        #expect(stem.row > ventricle.row + 20, "\(slab.plane)")
        #expect(abs(stem.column - ventricle.column) < 12, "\(slab.plane)")
      }
      if slab.plane == .sagittal, let cerebellum = centre(slab, .cerebellarGrey) {
        #expect(cerebellum.column > ventricle.column + 15)
        #expect(cerebellum.row > ventricle.row + 15)
      }
      if slab.plane == .sagittal, let eye = centre(slab, .eyeFluid) {
        #expect(eye.column < ventricle.column - 30)
      }
    }
    #expect(seen[.axial] == nil)
    #expect(seen[.coronal, default: 0] > 3 && seen[.sagittal, default: 0] > 3, "\(seen)")
  }

  @Test func aShareOfPlanesIsNotAxial() {
    let planes = (0..<40).map { slab($0, plainHeads { $0.otherPlanes = 0.5 }, rows: 32, columns: 32).plane }
    #expect((10...30).contains(planes.count { $0 == .axial }))
    #expect(Set(planes).count == 3)
    #expect((0..<10).allSatisfy { slab($0, plainHeads(), rows: 32, columns: 32).plane == .axial })
  }

  @Test func lesionsAsTheyAreAskedFor() {
    func share(_ options: HeadOptions, _ isMember: (TissueClass) -> Bool) -> Int {
      (0..<16).count { stream in
        slab(stream, options).classes.contains { TissueClass(rawValue: $0).map(isMember) ?? false }
      }
    }
    #expect(share(plainHeads(), \.isLesion) == 0)
    #expect(share(plainHeads { $0.tumours = 1 }) { $0.isTumour || $0 == .cavity || $0 == .oedema } >= 12)
    let whiteMatter = plainHeads { $0.whiteMatterLesions = 1 }
    #expect(share(whiteMatter) { $0 == .plaque || $0 == .whiteMatterLesion } >= 8)
    #expect(share(whiteMatter) { $0.isTumour || $0 == .stroke } == 0)
    #expect(share(plainHeads { $0.strokes = 1 }) { $0 == .stroke } >= 1)
  }

  /// The same heads with a tumour and without: what lies about it gives way, and nothing outside the brain does.
  @Test func tumoursDisplaceTheBrainAndNotTheSkull() {
    let (healthy, ill) = (
      plainHeads { $0.wholeHeads = 1 }, plainHeads { ($0.wholeHeads, $0.tumours) = (1, 1) }
    )
    func isOuter(_ label: UInt8) -> Bool {
      [TissueClass.bone, .fat, .muscle, .skin, .background].contains { $0.rawValue == label }
    }
    let nuclei: Set<UInt8> = [TissueClass.ventricularFluid.rawValue, TissueClass.putamen.rawValue]
    var (outer, changed, displaced) = (0, 0, 0)
    for stream in 0..<24 {
      let pairs = zip(slab(stream, healthy).classes, slab(stream, ill).classes)
      outer += pairs.count { isOuter($0.0) }
      changed += pairs.count { (isOuter($0) || isOuter($1)) && $0 != $1 }
      // Not covered by the tumour, and yet not where it was.
      displaced += pairs.contains { nuclei.contains($1) && $0 != $1 } ? 1 : 0
    }
    // In places bone reaches within the smoothed surface.
    #expect(outer > 100_000 && changed < outer / 500, "\(changed) of \(outer)")
    #expect(displaced >= 4, "\(displaced)")
  }

  @Test func aMassGivesWayTowardsItsRimAndFoldsNothing() {
    let mass = MassEffect(centre: [3, -2, 1], radius: 10, strength: 0.6)
    func lookedUp(_ distance: Float) -> Float {
      let place = SIMD3<Float>(3 + distance, -2, 1)
      return (place + mass.displacement(at: place)).x - 3
    }
    let places = (0...80).map { lookedUp(Float($0)) }
    #expect(places[0] == 0 && zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
    #expect(abs(lookedUp(10) - 10 * (1 - 0.6 * exp(-1 / 2.56))) < 1e-4)
    #expect(abs(lookedUp(60) - 60) < 0.01)
  }

  @Test func rimsHoldDuraAndVessels() {
    var (dura, vessels) = (0, 0)
    for stream in 0..<8 {
      let slab = slab(stream, plainHeads())
      dura += slab.classes.contains(TissueClass.dura.rawValue) ? 1 : 0
      vessels +=
        slab.classes.contains { $0 == TissueClass.vein.rawValue || $0 == TissueClass.artery.rawValue } ? 1 : 0
    }
    #expect(dura == 8)
    #expect(vessels >= 6)
  }

  /// Larger vessels run through cortex as well, in most heads, and through nothing that lies deeper.
  @Test func vesselsRunThroughCortex() {
    let (artery, vein) = (TissueClass.artery.rawValue, TissueClass.vein.rawValue)
    var (heads, inCortex, cortex) = (0, 0, 0)
    for stream in 0..<24 {
      let slab = slab(stream, plainHeads())
      // The first of each voxel's four, row by row: what a run of vessel lies between.
      let labels = stride(from: 0, to: slab.classes.count, by: 4).map { slab.classes[$0] }
      var found = 0
      for start in stride(from: 0, to: labels.count, by: slab.extent.columns) {
        var before: UInt8 = 0
        var run = 0
        for label in labels[start..<start + slab.extent.columns] {
          if label == artery || label == vein {
            run += 1
            continue
          }
          if run > 0, before == label {
            #expect(
              label != TissueClass.whiteMatter.rawValue && label != TissueClass.ventricularFluid.rawValue)
            if label == TissueClass.corticalGrey.rawValue { found += run }
          }
          (before, run) = (label, 0)
        }
      }
      heads += found > 0 ? 1 : 0
      inCortex += found
      cortex += labels.count { $0 == TissueClass.corticalGrey.rawValue }
    }
    #expect(heads >= 10, "\(heads)")
    #expect((0.0005...0.05).contains(Double(inCortex) / Double(cortex)), "\(inCortex) of \(cortex)")
  }

  @Test func volumesAreOfTheWholeHead() {
    let slabs = (0..<12).map { slab($0, plainHeads { $0.wholeHeads = 1 }) }
    let white = Int(TissueClass.whiteMatter.rawValue)
    for slab in slabs {
      #expect(slab.volumes.count == TissueClass.count)
      #expect(slab.volumes.allSatisfy { $0 >= 0 })
      // A ball of 50 mm, less ventricle, nuclei and cerebellum, in voxels of 8 mm³.
      #expect((50_000...65_500).contains(slab.volumes[white]))
    }
  }

  @Test func optionsAreChecked() throws {
    var options = HeadOptions()
    try options.validate()
    options.tumours = 0.9
    #expect(try failure { try options.validate() }.kind == .usage)
  }
}
