import Layers
import TestSupport
import Testing
import Torch

/// The one-operator form against the module written step by step: the same numbers, output and every gradient.
struct FusedCAGRTests {
  struct Case: Sendable, CustomStringConvertible {
    var attends = true
    var rolls = true
    var groups = 4
    var batch = 3
    var output = 16
    var side = [9, 7]
    var description: String {
      "attends \(attends), rolls \(rolls), n = \(groups), B = \(batch), O = \(output), \(side)"
    }
  }

  static let cases = [
    Case(), Case(groups: 8, batch: 1), Case(groups: 1, batch: 2), Case(output: 8), Case(rolls: false),
    Case(rolls: false, batch: 1), Case(attends: false), Case(attends: false, groups: 2, batch: 1),
    Case(batch: 2, side: [5, 4, 3]), Case(groups: 8, batch: 1, output: 8, side: [1, 4, 6]),
    Case(rolls: false, batch: 2, side: [3, 4, 5]), Case(attends: false, batch: 2, side: [2, 3, 7]),
  ]

  /// A module with its parameters, and an input.
  private func made(_ test: Case, channels: Int, type: ElementType, offsets: Double) -> (
    store: Parameters, module: CAGR, x: Tensor
  ) {
    let store = Parameters(seed: 3, type: type)
    let module = CAGR(
      store.root, ConvolutionShape(channels, test.output, dimensions: test.side.count), groups: test.groups,
      attends: test.attends, rolls: test.rolls)
    // The offsets and scales start from zero weights; here they roll far, to both sides. All numbers are single
    // precision's, the same in both.
    for (index, entry) in store.entries.enumerated() {
      let spread = entry.name.contains("offset") ? offsets : 0.3
      entry.tensor.assign(.normal(entry.tensor.shape, deviation: spread, seed: UInt64(index)))
    }
    let x = Tensor.normal([test.batch, channels] + test.side, seed: 5).to(type)
    x.requiresGradient = true
    return (store, module, x)
  }

  /// Output and every gradient of one form of the module.
  private func run(
    _ test: Case, channels: Int = 16, type: ElementType = .float64, _ form: (CAGR, Tensor) -> Tensor
  ) throws -> [(name: String, values: [Double])] {
    let (store, module, x) = made(test, channels: channels, type: type, offsets: 8)
    let y = form(module, x)
    let probe = Tensor.normal(y.shape, seed: 6).to(type)
    (y * probe).sum().backward()
    let gradients = try store.entries.map {
      ($0.name, try #require($0.tensor.gradient).values(Double.self))
    }
    return [("output", y.values()), ("input", try #require(x.gradient).values())] + gradients
  }

  @Test(arguments: cases) func equalsTheComposition(_ test: Case) throws {
    let pairs = [
      (try run(test) { $0.fused($1) }, try run(test) { $0.reference($1) }),
      (try run(test) { $0.fused($1, rectifies: true) }, try run(test) { $0.reference($1).relu() }),
    ]
    for (fused, reference) in pairs {
      #expect(fused.map(\.name) == reference.map(\.name))
      for (a, b) in zip(fused, reference) { expectClose(a.values, b.values, within: 1e-11, a.name) }
    }
  }

  /// Single precision has loops of its own: for channels in whole registers, groups within one and beyond, and for any number.
  @Test(arguments: [(8, 4), (16, 16), (16, 8), (16, 4), (24, 4), (32, 4), (64, 4), (64, 2)])
  func singlePrecisionIsAsGood(_ channels: Int, _ groups: Int) throws {
    let test = Case(groups: groups, batch: 2, output: 8)
    try expectSinglePrecision(test, channels, within: 1e-4)
    try expectSinglePrecision(Case(rolls: false, groups: groups, batch: 2, output: 8), channels, within: 1e-5)
  }

  /// Rows are made in fours, of tiles side by side, in bands: none of them divides every map.
  @Test(arguments: [[1, 1], [4, 16], [5, 33], [38, 18], [67, 3]])
  func singlePrecisionIsAsGoodAtEverySide(_ side: [Int]) throws {
    for groups in [2, 4, 8] {
      try expectSinglePrecision(Case(groups: groups, batch: 2, output: 8, side: side), 32, within: 1e-4)
    }
  }

  /// In 3-D rows are made in fours of two planes, in bands of some planes: at widths that are used, the halves alone too, on
  /// maps that no tile divides and on those so small that the kernels outweigh them.
  @Test(
    arguments: [
      (32, [9, 10, 11]), (32, [18, 12, 21]), (64, [7, 9, 13]), (64, [1, 8, 20]), (128, [4, 5, 3]),
    ],
    [(true, true), (true, false), (false, true)])
  func singlePrecisionIsAsGoodInVolumes(_ size: (channels: Int, side: [Int]), _ halves: (Bool, Bool)) throws {
    let test = Case(
      attends: halves.0, rolls: halves.1, groups: 8, batch: 2, output: size.channels, side: size.side)
    try expectSinglePrecision(test, size.channels, within: halves.1 ? 2e-4 : 3e-5)
  }

  /// Few and many members a group, for which the routing has loops of its own.
  @Test(arguments: [(8, 4), (16, 16), (16, 8), (24, 4), (32, 4), (64, 4), (64, 2)])
  func singlePrecisionIsAsGoodInVolumes(_ channels: Int, _ groups: Int) throws {
    try expectSinglePrecision(
      Case(groups: groups, batch: 2, output: 8, side: [5, 6, 9]), channels, within: 1e-4)
  }

  // MARK: - Derivatives that are part of a loss

  /// The gradients of a slope's squares, by the input and by every parameter: zero where a slope knows nothing of one.
  private func second(
    _ test: Case, channels: Int, type: ElementType, by leaf: String = "input",
    _ form: (CAGR, Tensor) -> Tensor
  ) throws -> [(name: String, values: [Double])] {
    let (store, module, x) = made(test, channels: channels, type: type, offsets: 3)
    let y = form(module, x)
    let loss = (y * Tensor.normal(y.shape, seed: 6).to(type)).sum() + y.squared().sum() * 0.1
    let slope = loss.derivative(by: leaf == "input" ? x : try #require(store[leaf]))
    slope.squared().mean().backward()
    let leaves = [(name: "input", tensor: x)] + store.entries.map { (name: $0.name, tensor: $0.tensor) }
    return [("slope", slope.values())]
      + leaves.map { ($0.name, $0.tensor.gradient?.values() ?? Array(repeating: 0, count: $0.tensor.count)) }
  }

  @Test(arguments: cases) func itsDerivativesCanBeDifferentiated(_ test: Case) throws {
    for leaf in ["input", "weight"] + (test.rolls ? ["routing.offset.weight"] : ["attention.weight"]) {
      for rectifies in [false, true] {
        let fused = try second(test, channels: 16, type: .float64, by: leaf) {
          $0.fused($1, rectifies: rectifies)
        }
        let reference = try second(test, channels: 16, type: .float64, by: leaf) {
          rectifies ? $0.reference($1).relu() : $0.reference($1)
        }
        for (a, b) in zip(fused, reference) {
          expectClose(a.values, b.values, within: 1e-9, orAbsolutely: 1e-13, "\(a.name), slope by \(leaf)")
        }
      }
    }
  }

  /// The kernels of a sample are not one block of memory then.
  @Test func soCanThoseOfOneGroupAndOneChannel() throws {
    let test = Case(groups: 1, batch: 2, output: 1, side: [9, 9])
    let fused = try second(test, channels: 16, type: .float64) { $0.fused($1) }
    let reference = try second(test, channels: 16, type: .float64) { $0.reference($1) }
    for (a, b) in zip(fused, reference) {
      expectClose(a.values, b.values, within: 1e-9, orAbsolutely: 1e-13, a.name)
    }
  }

  /// At a width where single precision takes all of its loops.
  @Test(arguments: [true, false], [[32, 28], [6, 16, 12]])
  func soCanThoseOfSinglePrecision(_ rolls: Bool, _ side: [Int]) throws {
    let test = Case(rolls: rolls, groups: 8, batch: 2, output: 32, side: side)
    let fused = try second(test, channels: 32, type: .float32) { $0.fused($1) }
    let exact = try second(test, channels: 32, type: .float64) { $0.reference($1) }
    for (a, b) in zip(fused, exact) {
      expectClose(a.values, b.values, within: 2e-4, orAbsolutely: 1e-9, a.name)
    }
  }

  /// By finite differences, input and parameters.
  @Test func aSlopesGradientIsItsSlope() throws {
    let store = Parameters(seed: 3, type: .float64)
    let module = CAGR(store.root, ConvolutionShape(8, 8), groups: 2)
    for (index, entry) in store.entries.enumerated() {
      entry.tensor.assign(.normal(entry.tensor.shape, deviation: 0.4, seed: UInt64(index)))
    }
    let x = Tensor.normal([2, 8, 4, 3], seed: 5, type: .float64)
    expectGradientIsSlope(
      of: [("input", x)] + store.entries.map { ($0.name, $0.tensor) }, within: 1e-6, isDerivative: true
    ) {
      let y = module.fused(x)
      return (y * .normal(y.shape, seed: 6, type: .float64)).sum().derivative(by: x).squared().sum()
    }
  }

  private func expectSinglePrecision(_ test: Case, _ channels: Int, within tolerance: Double) throws {
    let fused = try run(test, channels: channels, type: .float32) { $0.fused($1) }
    let exact = try run(test, channels: channels, type: .float64) { $0.reference($1) }
    // Offsets of 8 and more magnify what rounding does to the pooled features.
    for (a, b) in zip(fused, exact) { expectClose(a.values, b.values, within: tolerance, a.name) }
  }
}
