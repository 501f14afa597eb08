import Cohorts
import Imaging
import Testing

@Suite struct PerturbationTests {
  @Test func shiftsAreUniformWithinTheRadius() {
    let perturbation = Perturbation(of: .t1, radius: 3, seed: 4)
    var sum = 0.0
    var squares = 0.0
    for slice in 0..<2000 {
      let (dx, dy) = perturbation.shift(of: SampleReference(subject: "a", slice: slice))
      #expect(abs(dx) <= 3 && abs(dy) <= 3)
      sum += dx + dy
      squares += dx * dx + dy * dy
    }
    // Uniform on [-3, 3]: mean 0, variance 3; 4000 draws put both within five standard errors.
    #expect(abs(sum / 4000) < 0.14 && abs(squares / 4000 - 3) < 0.22)
  }

  @Test func aShiftBelongsToSubjectSliceEpochAndSeed() {
    let reference = SampleReference(subject: "a", slice: 1)
    let one = Perturbation(of: .t1, radius: 1, seed: 1)
    func dx(_ p: Perturbation, _ r: SampleReference, _ epoch: Int = 0) -> Double {
      p.shift(of: r, epoch: epoch).dx
    }
    #expect(dx(one, reference) == dx(one, reference))
    let others = [
      dx(one, reference), dx(one, SampleReference(subject: "b", slice: 1)),
      dx(one, SampleReference(subject: "a", slice: 2)), dx(one, reference, 1),
      dx(Perturbation(of: .t1, radius: 1, seed: 2), reference),
    ]
    #expect(Set(others).count == 5)
  }

  /// Every pixel against the definition of bilinear interpolation with zeros outside.
  @Test func onlyTheNamedSourceMovesAndByBilinearInterpolation() throws {
    let scratch = try Scratch()
    let store = try makeStore(scratch)
    let perturbation = Perturbation(of: .t2, radius: 3, seed: 9)
    let plain = try store.batches(in: .train, scenario: scenario, batchSize: 10)[0]
    let moved = try store.batches(
      in: .train, scenario: scenario, batchSize: 10, perturbation: perturbation)[0]
    #expect(moved.target(.flair) == plain.target(.flair))
    let (h, w) = (plain.extent.rows, plain.extent.columns)
    let (movedSources, plainSources) = (moved.stacked(scenario.sources), plain.stacked(scenario.sources))
    for (row, reference) in plain.references.enumerated() {
      let t1 = row * 2 * h * w..<(row * 2 + 1) * h * w
      #expect(Array(movedSources[t1]) == Array(plainSources[t1]))
      let (dx, dy) = perturbation.shift(of: reference)
      let image = Array(plainSources[(row * 2 + 1) * h * w..<(row * 2 + 2) * h * w])
      let got = Array(movedSources[(row * 2 + 1) * h * w..<(row * 2 + 2) * h * w])
      func value(_ y: Int, _ x: Int) -> Double {
        (0..<h).contains(y) && (0..<w).contains(x) ? Double(image[y * w + x]) : 0
      }
      for y in 0..<h {
        for x in 0..<w {
          let (fy, fx) = (Double(y) - dy, Double(x) - dx)
          let (y0, x0) = (fy.rounded(.down), fx.rounded(.down))
          let (ty, tx) = (fy - y0, fx - x0)
          let (j, i) = (Int(y0), Int(x0))
          let upper = value(j, i) * (1 - tx) + value(j, i + 1) * tx
          let lower = value(j + 1, i) * (1 - tx) + value(j + 1, i + 1) * tx
          #expect(abs(Double(got[y * w + x]) - (upper * (1 - ty) + lower * ty)) < 1e-6)
        }
      }
    }
  }

  @Test func aRadiusOfZeroChangesNothing() throws {
    let scratch = try Scratch()
    let store = try makeStore(scratch)
    let still = Perturbation(of: .t1, radius: 0)
    let plain = try store.batches(in: .test, scenario: scenario, batchSize: 2).all()
    #expect(
      try store.batches(in: .test, scenario: scenario, batchSize: 2, perturbation: still).all() == plain)
  }
}
