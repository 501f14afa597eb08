import Failures
import Foundation
import Imaging
import Testing

@Suite struct RigidMotionTests {
  private let motion = RigidMotion(
    rotation: [0.09, -0.06, 0.11], translation: [7, -12, 5], about: [3, 10, 20])

  @Test func itTurnsAboutItsCentre() {
    let affine = motion.affine
    #expect(distance(affine([3, 10, 20]), [10, -2, 25]) < 1e-12)
    // What lies on the axis is moved by the translation alone.
    let onAxis = motion.centre + motion.rotation * 400
    #expect(distance(affine(onAxis) - onAxis, motion.translation) < 1e-9)
    #expect(abs(affine.determinant - 1) < 1e-12)
    // A quarter turn about z, right-handed: x becomes y.
    let quarter = RigidMotion(rotation: [0, 0, .pi / 2]).affine
    #expect(distance(quarter([1, 0, 0]), [0, 1, 0]) < 1e-12)
    #expect(abs(RigidMotion(rotation: [0, 0, .pi / 2]).degrees - 90) < 1e-12)
    #expect(RigidMotion().affine == .identity)
  }

  /// Against points all over the sphere.
  @Test(arguments: [0.0, 30, 80]) func howFarItMovesAtTheMost(radius: Double) {
    let affine = motion.affine
    var (farthest, random) = (0.0, RandomSource(seed: 1))
    for _ in 0..<200_000 {
      let direction = SIMD3(random.normal(), random.normal(), random.normal())
      let point = motion.centre + direction * (radius / (direction * direction).sum().squareRoot())
      farthest = max(farthest, distance(affine(point), point))
    }
    let told = motion.displacement(within: radius)
    #expect(farthest <= told + 1e-9 && farthest > told - 0.02, "\(farthest) against \(told)")
  }
}

@Suite struct RegistrationTests {
  /// How far apart, in mm, what was found and what was done put places of a head, at the most.
  private func error(_ found: RigidMotion, _ truth: RigidMotion) -> Double {
    let map = truth.affine.inverse * found.affine
    return (0..<8).map { corner in
      let place = SIMD3(
        corner & 1 == 0 ? -50.0 : 50, corner & 2 == 0 ? -50 : 50, corner & 4 == 0 ? -30.0 : 70)
      return distance(map(place), place)
    }.max() ?? .infinity
  }

  /// A volume whose header lies: its head was moved, and the header does not know.
  private func moved(_ volume: Volume, _ motion: RigidMotion) -> Volume {
    Volume(
      dimensions: volume.dimensions, affine: motion.affine * volume.affine, voxels: volume.voxels)
  }

  /// A volume's planes from one on.
  private func upper(_ volume: Volume, from plane: Int) -> Volume {
    let size = volume.dimensions
    return Volume(
      dimensions: [size.x, size.y, size.z - plane],
      affine: Affine(
        columns: (0..<3).map { volume.affine.column($0) }, origin: volume.affine([0, 0, Double(plane)])),
      voxels: Array(volume.voxels[(size.x * size.y * plane)...]))
  }

  /// Another contrast, other noise, another scanner's unit, thick slices, another order of axes, moved little and much.
  @Test(arguments: [(0.0, true), (1, true), (1, false), (3, true), (3, false)])
  func itFindsTheMotionBetweenContrasts(size: Double, hasSkull: Bool) throws {
    var head = Head(size: [64, 72, 52], hasSkull: hasSkull, noise: 0.02, seed: 4)
    let reference = head.volume(0)
    (head.size, head.scale) = ([72, 80, 26], 90)
    let truth = RigidMotion(
      rotation: SIMD3(0.05, -0.07, 0.06) * size, translation: SIMD3(6, -9, 4) * size, about: [0, 0, 20])
    let orientation = try #require(Orientation("PIR"))
    let moving = moved(head.volume(1), truth).reoriented(to: orientation)
    let found = try RigidRegistration(of: moving, to: reference)
    #expect(error(found.motion, truth) < 1.2, "\(error(found.motion, truth)) mm")
    #expect(found.after >= found.before && found.after > 1.1)
    if size > 0 { #expect(found.after > found.before + 0.02) }
  }

  /// Whose headers are those of another room: nothing of one head lies where the other does.
  @Test func itBeginsWhereTheHeadsAreToo() throws {
    let head = Head(size: [64, 72, 52], seed: 2)
    let truth = RigidMotion(rotation: [0.1, 0, -0.1], translation: [300, 40, -500])
    let found = try RigidRegistration(of: moved(head.volume(2), truth), to: head.volume(0))
    #expect(error(found.motion, truth) < 0.8)
    #expect(found.before == 1 && found.coverage == 1)
  }

  @Test func itIsTheSameForAnyThreads() throws {
    let head = Head(seed: 3)
    let moving = moved(head.volume(1), RigidMotion(rotation: [0.05, 0, 0], translation: [3, 2, 1]))
    let found = try [1, 2, 5].map { try RigidRegistration(of: moving, to: head.volume(0), threads: $0) }
    #expect(found[1].motion == found[0].motion && found[2].motion == found[0].motion)
    #expect(found[1].after == found[0].after)
  }

  /// Of a scan that ends above the head's middle.
  @Test func itSaysHowMuchIsShown() throws {
    let head = Head(size: [64, 72, 52], noise: 0, seed: 4)
    let whole = head.volume(1)
    let part = upper(whole, from: 26)
    let truth = RigidMotion(rotation: [0.03, 0.02, 0], translation: [4, 4, 0])
    let found = try RigidRegistration(of: moved(part, truth), to: head.volume(0))
    #expect(error(found.motion, truth) < 1.5, "\(error(found.motion, truth)) mm")
    #expect(abs(found.coverage - 0.5) < 0.06)
  }

  /// A reference in much air, as a cube of 256 mm, and a scan that was cropped to the head or to a part of it.
  @Test(arguments: [0, 24]) func theFieldOfViewMayBeSmall(below: Int) throws {
    let head = Head(size: [64, 72, 52], noise: 0, seed: 4)
    let whole = head.volume(0)
    let margin = 32
    let size = whole.dimensions &+ 2 * margin
    var wide = [Float](repeating: 0, count: size.x * size.y * size.z)
    for (index, value) in whole.voxels.enumerated() {
      let (i, j, k) = (index % 64, index / 64 % 72, index / (64 * 72))
      wide[(i + margin) + size.x * ((j + margin) + size.y * (k + margin))] = value
    }
    let corner = -Double(margin)
    let reference = Volume(
      dimensions: size,
      affine: Affine(
        columns: (0..<3).map { whole.affine.column($0) }, origin: whole.affine([corner, corner, corner])),
      voxels: wide)
    let part = upper(head.volume(1), from: below)
    let truth = RigidMotion(rotation: [0.03, 0.02, 0], translation: [6, -5, 4])
    let found = try RigidRegistration(of: moved(part, truth), to: reference)
    #expect(error(found.motion, truth) < 1.5, "\(error(found.motion, truth)) mm")
    #expect(found.after > 1.05)
  }

  @Test func nothingCannotBeRegistered() {
    let head = Head(seed: 1).volume(0)
    let nothing = Volume(grid: head.grid, voxels: [Float](repeating: 0, count: head.voxels.count))
    var broken = head
    broken.voxels[0] = .nan
    for (moving, reference) in [(nothing, head), (head, nothing), (broken, head), (head, broken)] {
      #expect { try RigidRegistration(of: moving, to: reference) } throws: {
        ($0 as? Failure)?.kind == .malformed
      }
    }
  }
}

/// Over a ridge that lies across the axes, where no step along one of them leads far.
@Test func theHighestPlaceIsFound() {
  let (top, slope) = ([3.0, -2, 7], [1.0, 0.02, 0.3])
  var asked = 0
  let found = PatternSearch(step: 4, smallest: 1e-4).maximise(from: [0, 0, 0]) { place in
    asked += 1
    let (x, y, z) = (place[0] - top[0], place[1] - top[1], place[2] - top[2])
    return 5 - slope[0] * (x + y) * (x + y) - slope[1] * (x - y) * (x - y) - slope[2] * z * z
  }
  #expect(zip(found.place, top).allSatisfy { abs($0 - $1) < 0.01 }, "\(found)")
  #expect(found.value > 4.9999 && asked < 2000, "\(asked)")
}

@Suite struct BringingTests {
  private func volume(_ size: SIMD3<Int>, spacing: SIMD3<Double>, _ value: (SIMD3<Double>) -> Double)
    -> Volume
  {
    let grid = Grid(dimensions: size, affine: Affine(spacing: spacing, origin: (spacing - 1) / 2))
    var voxels: [Float] = []
    for k in 0..<size.z {
      for j in 0..<size.y {
        for i in 0..<size.x { voxels.append(Float(value(grid.affine([Double(i), Double(j), Double(k)])))) }
      }
    }
    return Volume(grid: grid, voxels: voxels)
  }

  /// Planes are made some at a time; nothing shows where one lot ends.
  @Test func lotsOfPlanesLeaveNoSeam() {
    let source = volume([20, 22, 120], spacing: [0.5, 0.5, 0.5]) {
      sin(0.9 * $0.x) + cos(0.7 * $0.y) + sin(1.1 * $0.z)
    }
    let target = volume([9, 10, 50], spacing: [1, 1, 1]) { _ in 0 }.grid
    let motion = RigidMotion(rotation: [0.05, 0.02, -0.04], translation: [0.3, -0.4, 2.2])
    let fine = target.resized(columns: 18, rows: 20, planes: 100)
    let whole = source.moved(by: motion).resampled(to: fine).resized(columns: 9, rows: 10, planes: 50)
    let brought = source.brought(to: target, by: motion)
    #expect(zip(brought.voxels, whole.voxels).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  /// Every second thin slice is bright: a thick one shows their mean, where one value alone would be bright or dark.
  @Test func thickSlicesShowTheMeanOfThinOnes() {
    let thin = volume([8, 8, 40], spacing: [1, 1, 1]) { Int($0.z.rounded()) % 2 == 0 ? 1 : 0 }
    let thick = volume([8, 8, 10], spacing: [1, 1, 4]) { _ in 0 }
    let brought = thin.brought(to: thick.grid)
    #expect(brought.grid == thick.grid)
    #expect(brought.voxels.allSatisfy { abs($0 - 0.5) < 0.13 })
    #expect(thin.resampled(to: thick.grid).voxels.contains { abs($0 - 0.5) > 0.13 || $0 == 0.5 })
  }

  /// Linear in place stays so, wherever the axes point, and what nothing is known of is 0.
  @Test func whatIsMovedLiesWhereItWasMovedTo() {
    let slope: (SIMD3<Double>) -> Double = { 10 + 0.3 * $0.x + 0.2 * $0.y - 0.1 * $0.z }
    let source = volume([30, 30, 30], spacing: [1, 1, 1], slope)
    let target = volume([10, 10, 10], spacing: [1.5, 1, 2]) { _ in 0 }
    let motion = RigidMotion(rotation: [0.1, 0.05, -0.08], translation: [8, 7, 5])
    let brought = source.brought(to: target.grid, by: motion)
    for (index, value) in brought.voxels.enumerated() {
      let place = target.affine([Double(index % 10), Double(index / 10 % 10), Double(index / 100)])
      // The mean over a voxel leans inwards at the outermost ones.
      #expect(abs(Double(value) - slope(motion.affine(place))) < 0.35)
    }
    let far = source.brought(to: target.grid, by: RigidMotion(translation: [100, 0, 0]))
    #expect(far.voxels.allSatisfy { $0 == 0 })
  }
}

private func distance(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double {
  ((a - b) * (a - b)).sum().squareRoot()
}
