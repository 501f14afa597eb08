import TestSupport
import Testing
import Torch

/// Derivatives that are part of a loss, of every operator that a network can be made of.
@Suite struct SecondDerivativeTests {
  struct Operator: Sendable, CustomTestStringConvertible {
    let name: String
    /// Shapes of what is differentiated by.
    let shapes: [[Int]]
    let compute: @Sendable ([Tensor]) -> Tensor
    var testDescription: String { name }
  }

  private static func map(_ name: String, _ compute: @escaping @Sendable (Tensor) -> Tensor) -> Operator {
    Operator(name: name, shapes: [[2, 4, 4, 5]]) { compute($0[0]) }
  }

  static let operators: [Operator] = [
    map("relu") { $0.relu() }, map("relu in place") { ($0 * 1).reluInPlace() },
    map("leaky relu") { $0.leakyRelu(0.2) }, map("gelu") { $0.gelu() }, map("silu") { $0.silu() },
    map("softplus") { $0.softplus() }, map("sigmoid") { $0.sigmoid() }, map("tanh") { $0.tanh() },
    map("exp") { $0.exp() }, map("square") { $0.squared() }, map("abs") { $0.abs() }, map("cos") { $0.cos() },
    map("softmax") { $0.softmax(over: 1) }, map("clamp") { $0.clamped(-0.5, 0.5) },
    map("mean") { $0.mean(over: [2, 3]) }, map("max") { $0.max(over: 1, keeping: true) },
    map("instance norm") { $0.instanceNormalized() }, map("group norm") { $0.groupNormalized(groups: 2) },
    map("layer norm") { $0.layerNormalized() },
    map("batch norm") {
      let zeros = Tensor.zeros([4], type: .float64)
      return $0.batchNormalized(
        weight: nil, bias: nil, mean: zeros, variance: zeros + 1, training: true)
    },
    map("max pool") { $0.maxPooled(2) },
    map("nearest") { $0.upsampledNearest(2) }, map("pad") { $0.padded([1, 2, 0, 1], .reflect) },
    map("transpose, slice") { $0.permuted([0, 2, 3, 1]).narrowed(1, from: 1, length: 2) },
    map("channels last") { $0.channelsLast() },
    map("addition in place") { ($0 * 2).addingInPlace($0.squared()) },
    Operator(name: "convolution", shapes: [[2, 4, 5, 4], [4, 2, 3, 3], [4]]) {
      $0[0].convolved(with: $0[1], bias: $0[2], stride: 2, padding: 1, groups: 2)
    },
    Operator(name: "transposed convolution", shapes: [[2, 4, 3, 3], [4, 3, 2, 2], [3]]) {
      $0[0].convolvedTransposed(with: $0[1], bias: $0[2], stride: 2)
    },
    Operator(name: "linear", shapes: [[3, 4], [5, 4], [5]]) { $0[0].linear($0[1], bias: $0[2]) },
    Operator(name: "matrix product", shapes: [[3, 4], [4, 2]]) { $0[0].matmul($0[1]) },
    Operator(name: "deformable sum", shapes: [[2, 3, 4, 4], [2, 3, 4, 36], [2, 3, 4, 18]]) {
      $0[0].deformablySummed(offsets: $0[1], weights: $0[2], groups: 2)
    },
    Operator(
      name: "deformable convolution", shapes: [[2, 3, 4, 4], [2, 3, 4, 36], [2, 3, 4, 18], [2, 4, 3, 3]]
    ) {
      $0[0].deformablyConvolved(with: $0[3], offsets: $0[1], weights: $0[2], groups: 2)
    },
    // The map itself says where it is sampled.
    Operator(name: "deformable sum of its own", shapes: [[1, 3, 4, 16]]) {
      let read = $0[0].padded([0, 2]) * 1.5
      return $0[0].deformablySummed(
        offsets: read, weights: read.narrowed(3, from: 2, length: 9).sigmoid(), groups: 1)
    },
  ]

  /// The slope of a loss by one input after the other, squared: its gradient by all inputs is its own slope.
  @Test(arguments: operators) func derivativesCanBeDifferentiated(_ test: Operator) {
    let leaves = test.shapes.enumerated().map { index, shape in
      (name: "\(index)", tensor: Tensor.normal(shape, seed: UInt64(40 + index), type: .float64))
    }
    for index in leaves.indices {
      expectGradientIsSlope(of: leaves, within: 1e-6, orAbsolutely: 1e-6, isDerivative: true) {
        // A loss that is not linear in the output, so that all paths have a derivative.
        let y = test.compute(leaves.map(\.tensor))
        let loss = (y * .normal(y.shape, seed: 50, type: .float64)).sum() + y.squared().sum() * 0.1
        return loss.derivative(by: leaves[index].tensor).squared().sum()
      }
    }
  }

  // MARK: - The fast ways of single precision, beside the direct one in double

  struct Form: Sendable, CustomTestStringConvertible {
    var batch = 2, input = 32, output = 48, side = [28, 21], bias = true, channelsLast = true
    var testDescription: String {
      "\(batch) x \(input) x \(side) to \(output), bias \(bias), channels last \(channelsLast)"
    }
  }

  /// All that two convolutions behind each other give their inputs where a derivative by the image or a kernel is the loss.
  private func gradients(_ form: Form, _ type: ElementType, by leaf: Int) throws -> [Tensor] {
    let x = Tensor.normal([form.batch, form.input] + form.side, seed: 1).to(type)
    let first = Tensor.normal([form.output, form.input] + form.side.map { _ in 3 }, deviation: 0.1, seed: 2)
      .to(type)
    let second = Tensor.normal([form.input, form.output] + form.side.map { _ in 3 }, deviation: 0.1, seed: 3)
      .to(type)
    let bias = Tensor.normal([form.output], seed: 4).to(type)
    let leaves = [form.channelsLast ? x.channelsLast() : x, first, second] + (form.bias ? [bias] : [])
    for leaf in leaves { leaf.requiresGradient = true }
    // A smooth function between them: no rounding decides which side of a kink a number is on.
    let y = leaves[0].convolved(with: first, bias: form.bias ? bias : nil, padding: 1).sigmoid()
      .convolved(with: second, padding: 1)
    let loss = (y * .normal(y.shape, seed: 5).to(type)).sum() + y.squared().sum() * 0.1
    let slope = loss.derivative(by: leaves[leaf])
    slope.squared().mean().backward()
    return try [slope.detached] + leaves.map { try #require($0.gradient) }
  }

  @Test(
    arguments: [
      Form(), Form(batch: 1, bias: false), Form(side: [40, 33], channelsLast: false),
      Form(batch: 1, input: 256, output: 176, side: [26, 25]),
      Form(side: [6, 16, 13]), Form(batch: 1, input: 16, side: [2, 5, 4], bias: false),
    ], [0, 1])
  func winogradsConvolutionsPassThemOn(_ form: Form, by leaf: Int) throws {
    let found = try gradients(form, .float32, by: leaf)
    let exact = try gradients(form, .float64, by: leaf)
    #expect(found.count == exact.count)
    for (index, pair) in zip(found, exact).enumerated() {
      expectClose(pair.0.to(.float64), pair.1, within: 1e-4, "tensor \(index)")
    }
  }

  /// A frozen kernel gets no gradient, and the image the same as otherwise.
  @Test func frozenKernelsStayOutOfIt() throws {
    let x = Tensor.normal([2, 32, 28, 28], seed: 1)
    let weight = Tensor.normal([32, 32, 3, 3], deviation: 0.1, seed: 2)
    func gradient() throws -> Tensor {
      x.clearGradient()
      x.requiresGradient = true
      let y = x.convolved(with: weight, padding: 1).sigmoid()
      y.sum().derivative(by: x).squared().sum().backward()
      return try #require(x.gradient)
    }
    let frozen = try gradient()
    #expect(weight.gradient == nil)
    weight.requiresGradient = true
    expectClose(frozen, try gradient(), within: 1e-6)
    #expect(weight.gradient != nil)
  }
}
