import PipelineSupport
import Testing
import Torch

/// What is added up while `backward` runs.
@Suite struct GradientAverageTests {
  /// Parameters of several shapes and layouts: the third is never used, the fourth twice, the last where it is asked for.
  private struct Net {
    let parameters: [Tensor]

    init() {
      let shapes = [[6, 8], [8], [5, 5], [8, 8], [8, 3], [4, 6, 3, 3]]
      parameters = shapes.enumerated().map { index, shape in
        let tensor = Tensor.normal(shape, seed: UInt64(index), type: .float64)
        let parameter = shape.count == 4 ? tensor.channelsLast() : tensor
        parameter.requiresGradient = true
        return parameter
      }
    }

    func loss(_ seed: Int, usingLast: Bool = true) -> Tensor {
      let x = Tensor.normal([4, 6], seed: UInt64(seed), type: .float64)
      var y = (x.matmul(parameters[0]) + parameters[1]).tanh()
      for _ in 0..<2 { y = y.matmul(parameters[3]).tanh() }
      let loss = y.matmul(parameters[4]).squared().mean()
      guard usingLast else { return loss }
      let map = x.reshaped([1, 6, 2, 2])
      return loss + map.convolved(with: parameters[5], padding: 1).squared().mean()
    }

    var gradients: [[Double]?] { parameters.map { $0.gradient?.values() } }

    /// Their means over ranks, taken when all of them are there; what is nowhere stays nil.
    func means(over group: ProcessGroup) -> [[Double]?] {
      let isThere = group.sum(parameters.map { $0.gradient == nil ? 0.0 : 1 })
      let means = parameters.map { ($0.gradient ?? $0.detached * 0).copied() }
      group.average(means)
      return zip(means, isThere).map { $1 > 0 ? $0.values() : nil }
    }

    func clear() { for parameter in parameters { parameter.clearGradient() } }
  }

  /// Of what steps a rank uses the last parameter.
  private static func usesLast(_ step: Int, _ rank: Int) -> Bool {
    step < 2 || step == 4 || step == 2 && rank == 0
  }

  @Test(arguments: [(2, 64), (2, 1 << 20), (3, 200)])
  func theyAreTheMeansTakenAfterwards(ranks: Int, bucket: Int) throws {
    let results = try inRanks(ranks) { group in
      let (net, reference) = (Net(), Net())
      let average = GradientAverage(of: net.parameters, over: group, bucket: bucket)
      var steps: [(means: [[Double]?], expected: [[Double]?], early: Int)] = []
      for step in 0..<5 {
        func run(_ net: Net) {
          // The last step is one of two micro-batches.
          for part in 0...step / 4 {
            let seed = 100 * step + 10 * part + group.rank
            net.loss(seed, usingLast: Self.usesLast(step, group.rank)).backward()
          }
        }
        run(reference)
        let expected = reference.means(over: group)
        run(net)
        average.finish()
        try group.check()
        steps.append((net.gradients, expected, average.early))
        net.clear()
        reference.clear()
      }
      return steps
    }
    for (rank, steps) in results.enumerated() {
      for (step, (means, expected, _)) in steps.enumerated() {
        #expect(means == results[0][step].means)
        #expect(means.map { $0 == nil } == [false, false, true, false, false, step == 3])
        for (own, expected) in zip(means, expected) {
          // Of two summands there is one order.
          let distance = zip(own ?? [], expected ?? []).map { abs($0 - $1) }.max() ?? 0
          #expect(own?.count == expected?.count && distance <= (ranks == 2 ? 0 : 1e-14), "step \(step)")
        }
      }
      // At first what is never used is waited for; what one rank uses the others wait for in vain.
      if bucket == 64 { #expect(steps.map(\.early) == (rank == 0 ? [3, 6, 6, 0, 6] : [3, 6, 0, 0, 6])) }
    }
  }

  @Test func whatIsNoLongerAveragedIsLeftAlone() throws {
    let results = try inRanks(2) { group in
      let net = Net()
      var average: GradientAverage? = GradientAverage(of: net.parameters, over: group, bucket: 64)
      // Another takes the place of the first.
      average = GradientAverage(of: net.parameters, over: group, bucket: 64)
      net.loss(group.rank).backward()
      average?.finish()
      let (early, means) = (average?.early ?? 0, net.gradients)
      average = nil
      net.clear()
      net.loss(group.rank).backward()
      // Of a group that had anything under way this would be refused.
      let sum = group.sum([1.0])
      try group.check()
      return (early: early, means: means, own: net.gradients, sum: sum)
    }
    let alone = (0..<2).map { seed in
      let net = Net()
      net.loss(seed).backward()
      return net.gradients
    }
    for (rank, result) in results.enumerated() {
      #expect(result.early == 3 && result.sum == [2])
      #expect(result.own == alone[rank] && result.means == results[0].means && result.means != result.own)
    }
  }

  /// One that gets no further than its backward, as for want of memory, has gradients under way that nobody will wait for.
  @Test func whoGoesNoFurtherEndsTheOthers() throws {
    let isLost = try inRanks(2) { group in
      let net = Net()
      let average = GradientAverage(of: net.parameters, over: group, bucket: 64)
      net.loss(group.rank).backward()
      if !group.isFirst { average.finish() }
      defer { group.leave() }
      do { try group.check() } catch { return true }
      return false
    }
    #expect(isLost == [false, true])
  }
}
