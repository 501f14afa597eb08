import Imaging
import Testing

/// Random changes of training samples, against what a movement of the plane has to do.
@Suite struct AugmentationTests {
  private let rows = 33, columns = 41

  private func only(_ change: (inout Augmentation) -> Void) -> Augmentation {
    var augmentation = Augmentation.none
    change(&augmentation)
    return augmentation
  }

  /// A square of 1 of so many pixels a side, with its centre right and below of the middle by these.
  private func square(_ side: Int = 7, right: Int, below: Int) -> [Float] {
    (0..<rows * columns).map { index in
      let (x, y) = (index % columns - columns / 2 - right, index / columns - rows / 2 - below)
      return abs(x) <= side / 2 && abs(y) <= side / 2 ? 1 : 0
    }
  }

  private func changed(_ planes: [Float], _ draw: Augmentation.Draw) -> [Float] {
    var (planes, draw) = (planes, draw)
    planes.withUnsafeMutableBufferPointer { draw.change($0, rows: rows, columns: columns) }
    return planes
  }

  private func changed(_ labels: [UInt8], _ draw: Augmentation.Draw) -> [UInt8] {
    var labels = labels
    labels.withUnsafeMutableBufferPointer { draw.change($0, rows: rows, columns: columns) }
    return labels
  }

  /// Centre of mass from the middle (columns, rows), and mass.
  private func mass(_ image: [Float]) -> (centre: SIMD2<Double>, sum: Double) {
    var (centre, sum) = (SIMD2<Double>.zero, 0.0)
    for (index, value) in image.enumerated() {
      let place = SIMD2(Double(index % columns - columns / 2), Double(index / columns - rows / 2))
      centre += Double(value) * place
      sum += Double(value)
    }
    return (centre / sum, sum)
  }

  // MARK: -

  @Test func noneChangesNoBit() {
    var random = RandomSource(seed: 1)
    let image = (0..<rows * columns).map { _ in Float(random.uniform()) }
    let labels = image.map { UInt8($0 * 4) }
    for number in 0..<20 {
      let draw = Augmentation.none.draw(seed: 3, number: number)
      #expect(changed(image, draw) == image && changed(labels, draw) == labels)
    }
  }

  @Test func halfAreMirroredAndExactly() {
    let augmentation = only { $0.mirrors = true }
    var random = RandomSource(seed: 2)
    let image = (0..<rows * columns).map { _ in Float((random.uniform() * 250).rounded()) / 250 }
    let labels = image.map { UInt8($0 * 250) }
    let mirrored = (0..<rows).flatMap { Array(image[$0 * columns..<($0 + 1) * columns].reversed()) }
    var count = 0
    for number in 0..<200 {
      let draw = augmentation.draw(seed: 5, number: number)
      let made = changed(image, draw)
      #expect(made == image || made == mirrored)
      #expect(changed(labels, draw) == made.map { UInt8($0 * 250) })
      count += made == mirrored ? 1 : 0
    }
    // 100 of 200, give or take four standard deviations.
    #expect((72...128).contains(count))
  }

  /// What lies off the centre goes round it, as far as it was, and its labels with it.
  @Test func whatIsTurnedKeepsItsDistance() {
    let augmentation = only { $0.rotation = 30 }
    let image = square(right: 9, below: 2)
    let before = mass(image).centre
    var turns: [Double] = []
    for number in 0..<60 {
      let draw = augmentation.draw(seed: 7, number: number)
      let (centre, sum) = mass(changed(image, draw))
      #expect(abs(sum - 49) < 1.5)
      let (now, then) = ((centre * centre).sum().squareRoot(), (before * before).sum().squareRoot())
      #expect(abs(now - then) < 0.05)
      let sine = (before.x * centre.y - before.y * centre.x) / (now * then)
      #expect(abs(sine) < 0.5 + 0.01)
      turns.append(sine)
      let labels = mass(changed(image.map { UInt8($0) }, draw).map(Float.init)).centre
      #expect(abs(labels.x - centre.x) < 0.45 && abs(labels.y - centre.y) < 0.45)
    }
    // To either side, and far.
    #expect((turns.max() ?? 0) > 0.3 && (turns.min() ?? 0) < -0.3)
  }

  /// Twice as far from the centre means four times the area. (Pixels are sampled, not averaged: within an eighth.)
  @Test func whatIsScaledGrowsByTheSquare() {
    let augmentation = only { $0.scaling = 0.4 }
    let image = square(9, right: 6, below: -4)
    var factors: [Double] = []
    for number in 0..<60 {
      let draw = augmentation.draw(seed: 9, number: number)
      let (centre, sum) = mass(changed(image, draw))
      let factor = centre.x / 6
      #expect(abs(centre.y / -4 - factor) < 0.06 && (0.56...1.44).contains(factor))
      #expect(abs(sum / 81 - factor * factor) < 0.13 * factor * factor)
      let labels = mass(changed(image.map { UInt8($0) }, draw).map(Float.init)).centre
      #expect(abs(labels.x - centre.x) < 0.6 && abs(labels.y - centre.y) < 0.6)
      factors.append(factor)
    }
    #expect((factors.max() ?? 0) > 1.3 && (factors.min() ?? 2) < 0.7)
  }

  @Test func intensitiesStayInTheirRangeAndOrder() {
    let augmentation = only { $0.intensity = 0.5 }
    let ramp = (0..<rows * columns).map { Float($0) / Float(rows * columns - 1) }
    var seen: Set<[Float]> = []
    for number in 0..<20 {
      var draw = augmentation.draw(seed: 11, number: number)
      for _ in 0..<2 {
        // Two contrasts of a sample change each in its own way.
        var image = ramp
        image.withUnsafeMutableBufferPointer { draw.change($0, rows: rows, columns: columns) }
        #expect(image[0] == 0 && image.allSatisfy { (0...1).contains($0) })
        #expect(zip(image, image.dropFirst()).allSatisfy { $0 <= $1 })
        seen.insert(image)
      }
      let labels = ramp.map { UInt8($0 * 3) }
      #expect(changed(labels, draw) == labels)
    }
    #expect(seen.count == 40)
  }

  @Test func aChangeBelongsToSeedAndNumber() {
    let augmentation = Augmentation()
    let image = square(11, right: 5, below: 3)
    func made(_ seed: UInt64, _ number: Int) -> [Float] {
      changed(image, augmentation.draw(seed: seed, number: number))
    }
    #expect(made(1, 4) == made(1, 4))
    #expect(Set([made(1, 4), made(1, 5), made(2, 4), image]).count == 4)
  }

  /// The planes of a slab or patch move as one.
  @Test func planesMoveTogether() {
    let draw = Augmentation().draw(seed: 1, number: 2)
    let (one, two) = (square(right: 4, below: 1), square(11, right: -3, below: 2))
    var labels: [UInt8] = []
    for plane in [one, two] { labels += changed(plane.map { UInt8($0) }, draw) }
    #expect(changed((one + two).map { UInt8($0) }, draw) == labels)
    let both = changed(one + two, only { ($0.rotation, $0.scaling) = (20, 0.2) }.draw(seed: 1, number: 2))
    let first = changed(one, only { ($0.rotation, $0.scaling) = (20, 0.2) }.draw(seed: 1, number: 2))
    #expect(Array(both.prefix(one.count)) == first)
  }

  @Test func valuesThatMakeNoSense() {
    #expect(Augmentation().refusal == nil && Augmentation.none.refusal == nil)
    for wrong in [-1, 181, Double.nan] {
      #expect(only { $0.rotation = wrong }.refusal?.contains("augmentation.rotation") == true)
    }
    #expect(only { $0.scaling = 0.6 }.refusal?.contains("from 0 to 0.5") == true)
    #expect(only { $0.intensity = 1 }.refusal?.contains("augmentation.intensity") == true)
  }
}

@Suite struct LabelRegionTests {
  private let regions = LabelRegion.braTS()

  /// The last region that holds a voxel decides, by the label that is its own.
  @Test func mapsOfRegionsBecomeLabels() {
    let maps: [[Bool]] = [
      [false, true, true, true, false, true], [false, false, true, true, true, false],
      [false, false, false, true, false, true],
    ]
    #expect(regions.labels(of: 6) { maps[$0][$1] } == [0, 2, 1, 3, 1, 3])
    #expect(LabelRegion.braTS(enhancing: 4).labels(of: 6) { maps[$0][$1] } == [0, 2, 1, 4, 1, 4])
    let one = [LabelRegion("lesion", labels: [7, 9])]
    #expect(one.labels(of: 2) { $1 == 1 } == [0, 7])
  }

  @Test func regionsThatMakeNoSense() {
    #expect(regions.refusal == nil)
    #expect([LabelRegion]().refusal?.contains("empty") == true)
    #expect(Array(regions.reversed()).refusal?.contains("the whole before its parts") == true)
    #expect(
      [LabelRegion("a", labels: [0, 1])].refusal?.contains("'a' needs a name and labels from 1") == true)
    #expect([LabelRegion("", labels: [1])].refusal?.contains("needs a name") == true)
    #expect([LabelRegion("a", labels: [])].refusal?.contains("needs a name and labels") == true)
    #expect(
      [LabelRegion("a", labels: [1, 2]), LabelRegion("a", labels: [2])].refusal?.contains("two have one name")
        == true)
    // A voxel of label 2 is in both, of label 1 or 3 in one of them: no label of one voxel could tell.
    let crossing = [LabelRegion("a", labels: [1, 2]), LabelRegion("b", labels: [2, 3])]
    #expect(crossing.refusal == "regions: 'a' and 'b' share labels, and neither is a part of the other")
    #expect(
      [LabelRegion("a", labels: [1, 2, 3]), LabelRegion("b", labels: [1]), LabelRegion("c", labels: [3])]
        .refusal == nil)
    #expect(regions.words == "WT (1, 2, 3), TC (1, 3), ET (3)")
  }
}
