import Torch

/// What share of the machine's matrix product our networks reach.
struct ShareSection {
  var sizes: [Size]
  var repeats: Int

  /// Sides of the square matrices of which the fastest product counts as the peak.
  private static let sides = [1024, 2048, 4096]

  /// Something that was timed, with what it counts.
  private struct Row {
    var what: String
    /// Multiply-adds of direct convolutions, and those that are left with Winograd's filtering.
    var direct: Int, multiplied: Int
    var contender: Contender
  }

  func run() throws -> Section {
    note("share of the matrix product's peak")
    let products = ShareSection.sides.map(product)
    let rows = products + sizes.flatMap(networks)
    let timings = try alternating(rows.map(\.contender), repeats: repeats)
    let rates = zip(products, timings).compactMap { row, timing in
      timing.map { Double(row.direct) / $0.fastest }
    }
    guard let peak = rates.max() else { throw CancellationError() }
    func cells(_ count: Int, _ timing: Timing?) -> [String] {
      guard let timing else { return ["", "", ""] }
      let rate = Double(count) / timing.median
      return [
        (Double(count) / 1e9).text(significant: 3), (rate / 1e9).text(significant: 3),
        (rate / peak * 100).text(significant: 3) + " %",
      ]
    }
    return Section(
      title: "Share of the machine's peak",
      method:
        "Float32 on the CPU, all in turn in one process. The peak is the fastest of the matrix products, "
        + "\((peak / 1e9).text(significant: 3)) thousand millions of multiply-adds a second; everything else is medians. "
        + "G are thousand millions of multiply-adds: first those of direct convolutions, a training step's being three "
        + "times its forward pass's, of which the share may be above 100 %; then, marked Winograd, those which are left "
        + "where its filtering saves three in four, its own transforms not counted.",
      header: [
        "what", "time", "G", "G a second", "of the peak", "Winograd: G", "G a second", "of the peak",
      ],
      rows: zip(rows, timings).map { row, timing in
        [row.what, timing?.text ?? ""] + cells(row.direct, timing) + cells(row.multiplied, timing)
      })
  }

  private func product(_ side: Int) -> Row {
    let a = Tensor.uniform([side, side], seed: 1)
    let b = Tensor.uniform([side, side], seed: 2)
    let count = side * side * side
    return Row(
      what: "matrix product, \(side) x \(side) x \(side)", direct: count, multiplied: count,
      contender: warmed { withoutGradient { _ = a.matmul(b) } })
  }

  private func networks(_ size: Size) -> [Row] {
    Network.allCases.flatMap { network in
      size.timing([.l1, .inference]).map { work in
        let what = "\(network.title), \(work.title), \(size)"
        note("  ready: \(what)")
        let repetition = Case(work: work, network: network, size: size).prepared()
        let (forward, saved) = LibTorch.countingSavedMultiplyAdds {
          LibTorch.countingMultiplyAdds(repetition).count
        }
        let direct = work.trains ? 3 * forward : forward
        return Row(what: what, direct: direct, multiplied: direct - saved) { timed(repetition) }
      }
    }
  }
}
